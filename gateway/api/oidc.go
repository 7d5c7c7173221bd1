package api

import (
	"context"
	"net/http"
	"net/url"

	"sharpeyes/alerts"
	"sharpeyes/gateway/auth"

	"github.com/danielgtaylor/huma/v2"
)

// SignInOptions is what the page to sign in offers.
type SignInOptions struct {
	Password bool        `json:"password" doc:"With user name and password: POST /api/v1/session"`
	OIDC     *OIDCOption `json:"oidc,omitempty" doc:"Through a provider; absent where none is set up"`
}

// OIDCOption is signing in through a provider.
type OIDCOption struct {
	Name string `json:"name" doc:"What the provider is called; may be empty"`
	URL  string `json:"url" doc:"Where to send the browser; ?return=/page comes back to that page"`
}

// signInPage is where a browser ends that could not be signed in; oidc says why.
const signInPage = "/sign-in?oidc="

func (a *API) registerOIDC() {
	const tag = "Session"
	handle(a, a.operation("GET", "/api/v1/session/options", "sign-in-options", tag, "Ways to sign in, for the page that offers them"),
		func(context.Context, *none) (*struct{ Body SignInOptions }, error) {
			out := SignInOptions{Password: true}
			if o := a.auth.OIDC; o != nil {
				out.OIDC = &OIDCOption{Name: o.Name, URL: auth.OIDCPath}
			}
			return &struct{ Body SignInOptions }{out}, nil
		})
	text := func(name, doc string) *huma.Param {
		return &huma.Param{Name: name, In: "query", Description: doc, Schema: &huma.Schema{Type: "string"}}
	}
	begin := a.operation("GET", auth.OIDCPath, "sign-in-oidc", tag, "Sign in through the provider: sends the browser there")
	begin.Description = "OpenID Connect, authorization code with PKCE. Sets a cookie for ten minutes. 404 where no provider is set up."
	begin.Parameters = []*huma.Param{text("return", "Page of the dashboard to come back to; the start page when absent")}
	begin.Responses = map[string]*huma.Response{"303": {Description: "To the provider, or to the page to sign in with ?oidc=refused, expired, throttled or unavailable"}}
	a.handlePlain(begin, func(w http.ResponseWriter, r *http.Request) error {
		to, err := a.auth.BeginOIDC(w, r, r.URL.Query().Get("return"))
		return a.leads(w, r, to, err)
	})
	end := a.operation("GET", auth.OIDCPath+"/callback", "sign-in-oidc-callback", tag, "Where the provider sends the browser back to")
	end.Description = "Sets the session's cookie, as signing in with a password does. The provider's user name must be that of an account here."
	end.Parameters = []*huma.Param{text("code", "The provider's code"), text("state", "As we sent it"), text("iss", "Issuer, RFC 9207"),
		text("error", "The provider refused")}
	end.Responses = map[string]*huma.Response{"303": {Description: "To the page that was asked for, or to the page to sign in with ?oidc=refused, expired, throttled or unavailable"}}
	a.handlePlain(end, func(w http.ResponseWriter, r *http.Request) error {
		p, to, err := a.auth.FinishOIDC(w, r)
		if info := infoOf(r.Context()); info != nil && err == nil {
			info.user = p.User.ID
		}
		return a.leads(w, r, to, err)
	})
}

// leads sends the browser on. A person is looking at it: what went wrong shows
// on the page to sign in.
func (a *API) leads(w http.ResponseWriter, r *http.Request, to string, err error) error {
	if err != nil {
		why := ""
		switch alerts.KindOf(err) {
		case alerts.Unauthenticated:
			why = "refused"
		case alerts.Invalid:
			why = "expired"
		case alerts.TooMany:
			why = "throttled"
		case alerts.Unavailable:
			why = "unavailable"
			a.log.WarnContext(r.Context(), "sign-in through the provider failed", "err", err, "request", requestID(r.Context()))
		default:
			return err
		}
		to = signInPage + url.QueryEscape(why)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}
