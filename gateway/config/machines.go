package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// Webhooks are the settings of calls to other systems.
type Webhooks struct {
	Networks []string `koanf:"networks"` // may be called beside public addresses
	Private  bool     `koanf:"private"`  // networks alone may be called
	Plain    bool     `koanf:"plain"`    // http:// is taken, too
}

// OIDC are the settings of signing in through an OpenID provider.
type OIDC struct {
	Issuer           string `koanf:"issuer"` // https://...; empty: people sign in with passwords alone
	ClientID         string `koanf:"client_id"`
	ClientSecret     string `koanf:"client_secret"`
	ClientSecretFile string `koanf:"client_secret_file"` // holds the secret, and nothing else
	RedirectURL      string `koanf:"redirect_url"`       // as browsers reach us: https://host/api/v1/session/oidc/callback
	Claim            string `koanf:"claim"`              // that holds the user name
	Name             string `koanf:"name"`               // on the button
}

const oidcCallback = "/api/v1/session/oidc/callback"

func (c OIDC) validate() error {
	if c.Issuer == "" {
		if c.ClientID != "" || c.ClientSecret != "" || c.ClientSecretFile != "" || c.RedirectURL != "" {
			return fmt.Errorf("oidc.issuer: must be set where other keys of oidc are")
		}
		return nil
	}
	for key, raw := range map[string]string{"oidc.issuer": c.Issuer, "oidc.redirect_url": c.RedirectURL} {
		u, err := url.Parse(raw)
		if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && !(u.Scheme == "http" && local(u.Hostname())) {
			return fmt.Errorf("%s: must be an https:// address without query (http:// on this machine alone)", key)
		}
	}
	switch {
	case !strings.HasSuffix(c.RedirectURL, oidcCallback):
		return fmt.Errorf("oidc.redirect_url: must end in %s", oidcCallback)
	case c.ClientID == "":
		return fmt.Errorf("oidc.client_id: must be set, as the provider has it")
	case (c.ClientSecret == "") == (c.ClientSecretFile == ""):
		return fmt.Errorf("oidc.client_secret and oidc.client_secret_file: set one of them")
	case c.Claim == "":
		return fmt.Errorf("oidc.claim: must name the claim that holds the user name, such as preferred_username")
	}
	return nil
}

// local tells the names of this machine.
func local(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
