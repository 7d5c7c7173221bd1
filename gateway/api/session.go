package api

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
	"sharpeyes/gateway/auth"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Me is what a signed-in person is told about himself.
type Me struct {
	User       MeUser         `json:"user" doc:"The account"`
	Area       desk.HomeArea  `json:"area" doc:"The area it acts in"`
	Trail      []desk.AreaRef `json:"trail" nullable:"false" doc:"Areas from the root to its own"`
	Rights     []alerts.Right `json:"rights" nullable:"false" doc:"What it may do in its area and below"`
	ExpiresAt  time.Time      `json:"expires_at" doc:"The session ends then at the latest"`
	ServerTime time.Time      `json:"server_time" doc:"The server's clock"`
}

// MeUser is the account.
type MeUser struct {
	ID       string      `json:"id" doc:"Identifier"`
	Username string      `json:"username" doc:"Name to sign in with"`
	Name     string      `json:"name" doc:"Name of the person"`
	Role     alerts.Role `json:"role" enum:"duty_officer,grid_leader,handler,leader,auditor,admin" doc:"Role"`
}

// SignIn is what signs somebody in.
type SignIn struct {
	Username string `json:"username" minLength:"1" maxLength:"64" doc:"User name"`
	Password string `json:"password" minLength:"1" maxLength:"256" format:"password" doc:"Password"`
}

type meOut struct{ Body Me }

type exchangeKey struct{}

// exchange is the plain request and writer, for cookies.
type exchange struct {
	r *http.Request
	w http.ResponseWriter
}

// withExchange lets a huma handler reach the plain request.
func withExchange(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	next(huma.WithValue(ctx, exchangeKey{}, exchange{r, w}))
}

func (a *API) registerSession() {
	const tag = "Session"
	in := a.operation("POST", "/api/v1/session", "sign-in", tag, "Sign in")
	in.Middlewares = huma.Middlewares{withExchange}
	in.DefaultStatus = http.StatusOK
	handle(a, in, func(ctx context.Context, in *struct{ Body SignIn }) (*meOut, error) {
		x := ctx.Value(exchangeKey{}).(exchange)
		p, err := a.auth.SignIn(x.w, x.r, in.Body.Username, in.Body.Password)
		if err != nil {
			return nil, err
		}
		return a.me(ctx, p)
	})
	get := a.operation("GET", "/api/v1/session", "session", tag, "Who is signed in")
	handle(a, get, func(ctx context.Context, _ *none) (*meOut, error) {
		return a.me(ctx, principalOf(ctx))
	})
	out := a.operation("DELETE", "/api/v1/session", "sign-out", tag, "Sign out; ends the session's sockets and video")
	out.Middlewares = huma.Middlewares{withExchange}
	out.DefaultStatus = http.StatusNoContent
	handle(a, out, func(ctx context.Context, _ *none) (*none, error) {
		x := ctx.Value(exchangeKey{}).(exchange)
		return nil, a.auth.SignOut(x.w, x.r)
	})
}

func (a *API) me(ctx context.Context, p auth.Principal) (*meOut, error) {
	out := &meOut{Body: Me{
		User:       MeUser{ID: p.User.ID, Username: p.User.Username, Name: p.User.Name, Role: p.User.Role},
		Trail:      []desk.AreaRef{},
		Rights:     alerts.RightsOf(p.User.Role),
		ExpiresAt:  p.Expires.UTC().Truncate(time.Millisecond),
		ServerTime: a.auth.Clock().UTC().Truncate(time.Millisecond),
	}}
	area, err := a.homeOf(ctx, p)
	if err != nil || area == "" {
		return out, err
	}
	home, err := a.desk.Home(ctx, p.Scope, area)
	if err != nil {
		return nil, err
	}
	out.Body.Area, out.Body.Trail = home.Area, home.Trail
	return out, nil
}

// homeOf returns the account's area; for the first administrator, who was made
// before there was one, the town's only root, or none.
func (a *API) homeOf(ctx context.Context, p auth.Principal) (string, error) {
	if p.User.AreaID != "" {
		return p.User.AreaID, nil
	}
	areas, err := a.desk.Areas(ctx, p.Scope)
	if err != nil {
		return "", err
	}
	root := ""
	for _, area := range areas {
		switch {
		case area.ParentID != "":
		case root != "":
			return "", nil
		default:
			root = area.ID
		}
	}
	return root, nil
}

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }
