package api

import (
	"context"
	"net/http"

	"sharpeyes/alerts/desk"
)

// MachineToken is a new machine token, which is shown this once.
type MachineToken struct {
	desk.TokenView
	Token string `json:"token" doc:"Send it as \"Authorization: Bearer TOKEN\"; it cannot be shown again"`
}

func (a *API) registerTokens() {
	const tag, path = "Machines", "/api/v1/tokens"
	handle(a, a.operation("GET", path, "tokens", tag, "Machine tokens of the caller's areas"),
		func(ctx context.Context, _ *none) (*listOut[desk.TokenView], error) {
			items, err := a.desk.Tokens(ctx, scopeOf(ctx))
			return listOf(items, ""), err
		})
	create := a.operation("POST", path, "create-token", tag, "Make a machine token; the answer shows it once")
	create.Description += " The token can do what it was given, in its area, for as long as it lasts and as far as the account that made it " +
		"may itself; it ends with that account's right. What needs a person (moves in cases, accounts, tokens, who reported) no token can do. " +
		"Use `Authorization: Bearer TOKEN` on every route that names `token` in its security, the WebSocket and WHEP included."
	create.DefaultStatus = http.StatusCreated
	handle(a, create, func(ctx context.Context, in *struct{ Body desk.TokenInput }) (*struct{ Body MachineToken }, error) {
		v, token, err := a.desk.CreateToken(ctx, scopeOf(ctx), in.Body)
		return &struct{ Body MachineToken }{MachineToken{v, token}}, err
	})
	remove := a.operation("DELETE", path+"/{id}", "remove-token", tag, "Remove a machine token; what it has open ends within 5 seconds")
	remove.DefaultStatus = http.StatusNoContent
	handle(a, remove, func(ctx context.Context, in *ByID) (*none, error) {
		return nil, a.desk.RemoveToken(ctx, scopeOf(ctx), in.ID)
	})
}
