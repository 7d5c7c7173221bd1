package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/gateway/auth"
	"sharpeyes/gateway/config"
	"sharpeyes/gateway/webhooks"
)

// openWebhooks begins to tell other systems of events.
func (a *app) openWebhooks() error {
	networks, err := config.Prefixes(a.set.Webhooks.Networks)
	if err != nil {
		return err
	}
	guard := webhooks.Guard{Networks: networks, Private: a.set.Webhooks.Private, Plain: a.set.Webhooks.Plain}
	a.desk.CheckHook = guard.Check
	c := webhooks.New(a.store, a.bus)
	c.Guard, c.Vault, c.Node, c.Log = guard, a.desk.Vault, alerts.NewID(time.Now()), a.log
	if err := c.Open(); err != nil {
		return err
	}
	a.later(c.Close)
	return nil
}

// provider is the OpenID provider of the settings; nil: there is none. It is
// asked when somebody first signs in through it.
func (a *app) provider() (*auth.OIDC, error) {
	set := a.set.OIDC
	if set.Issuer == "" {
		return nil, nil
	}
	secret := set.ClientSecret
	if set.ClientSecretFile != "" {
		raw, err := os.ReadFile(set.ClientSecretFile)
		if err != nil {
			return nil, fmt.Errorf("oidc.client_secret_file: %w", err)
		}
		if secret = strings.TrimSpace(string(raw)); secret == "" {
			return nil, fmt.Errorf("oidc.client_secret_file: %s is empty", set.ClientSecretFile)
		}
	}
	return &auth.OIDC{Issuer: set.Issuer, ClientID: set.ClientID, ClientSecret: secret, RedirectURL: set.RedirectURL, Claim: set.Claim, Name: set.Name}, nil
}
