package config

import (
	"strings"
	"testing"
)

func TestOIDCSettings(t *testing.T) {
	sound := []string{"SHARPEYES_OIDC_ISSUER=https://id.example.org", "SHARPEYES_OIDC_CLIENT_ID=gateway", "SHARPEYES_OIDC_CLIENT_SECRET=hush-hush",
		"SHARPEYES_OIDC_REDIRECT_URL=https://gateway.example.org/api/v1/session/oidc/callback"}
	c, err := Load("", sound)
	if err != nil || c.OIDC.Claim != "preferred_username" || c.OIDC.ClientSecret != "hush-hush" {
		t.Fatalf("%v", err)
	}
	if c := Default(); c.OIDC.Issuer != "" || c.Webhooks.Plain || len(c.Webhooks.Networks) != 0 {
		t.Error("something is open by default")
	}
	for name, c := range map[string]struct{ set, want string }{
		"plain issuer":      {"SHARPEYES_OIDC_ISSUER=http://id.example.org", "oidc.issuer"},
		"no issuer":         {"SHARPEYES_OIDC_ISSUER=", "oidc.issuer"},
		"issuer of a file":  {"SHARPEYES_OIDC_ISSUER=file:///etc", "oidc.issuer"},
		"no client":         {"SHARPEYES_OIDC_CLIENT_ID=", "oidc.client_id"},
		"no secret":         {"SHARPEYES_OIDC_CLIENT_SECRET=", "oidc.client_secret"},
		"two secrets":       {"SHARPEYES_OIDC_CLIENT_SECRET_FILE=/run/secret", "oidc.client_secret_file"},
		"another callback":  {"SHARPEYES_OIDC_REDIRECT_URL=https://gateway.example.org/", "oidc.redirect_url"},
		"callback in clear": {"SHARPEYES_OIDC_REDIRECT_URL=http://gateway.example.org/api/v1/session/oidc/callback", "oidc.redirect_url"},
		"no claim":          {"SHARPEYES_OIDC_CLAIM=", "oidc.claim"},
		"webhooks":          {"SHARPEYES_WEBHOOKS_NETWORKS=everything", "webhooks.networks"},
		"nowhere to call":   {"SHARPEYES_WEBHOOKS_PRIVATE=true", "webhooks.private"},
	} {
		_, err := Load("", append(append([]string(nil), sound...), c.set))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hush-hush") {
			t.Errorf("%s: %v", name, err)
		}
	}
	local := append(append([]string(nil), sound...), "SHARPEYES_OIDC_ISSUER=http://127.0.0.1:9000/oidc",
		"SHARPEYES_OIDC_REDIRECT_URL=http://localhost:8080/api/v1/session/oidc/callback")
	if _, err := Load("", local); err != nil {
		t.Error(err)
	}
}
