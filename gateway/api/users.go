package api

import (
	"context"
	"net/http"

	"sharpeyes/alerts/desk"
)

// NewUser is a new account.
type NewUser struct {
	desk.UserInput
	Password string `json:"password" format:"password" doc:"At least 10 characters, and not the user name"`
}

// UserChange changes an account.
type UserChange struct {
	desk.UserPatch
	Password *string `json:"password,omitempty" format:"password" doc:"At least 10 characters, and not the user name"`
}

type userOut struct{ Body desk.UserView }

func (a *API) registerUsers() {
	const tag, path = "Users", "/api/v1/users"
	handle(a, a.operation("GET", path, "users", tag, "Accounts by user name"),
		func(ctx context.Context, in *Page) (*listOut[desk.UserView], error) {
			items, next, err := a.desk.Users(ctx, scopeOf(ctx), in.page())
			return listOf(items, next), err
		})
	create := a.operation("POST", path, "create-user", tag, "Make an account")
	create.DefaultStatus = http.StatusCreated
	handle(a, create, func(ctx context.Context, in *struct{ Body NewUser }) (*userOut, error) {
		hash, err := a.auth.HashPassword(ctx, in.Body.Username, in.Body.Password)
		if err != nil {
			return nil, err
		}
		in.Body.PasswordHash = hash
		v, err := a.desk.CreateUser(ctx, scopeOf(ctx), in.Body.UserInput)
		return &userOut{v}, err
	})
	change := a.operation("PATCH", path+"/{id}", "change-user", tag,
		"Change an account; a change of role, area, password or disabled ends its sessions")
	handle(a, change, func(ctx context.Context, in *struct {
		ByID
		Body UserChange
	}) (*userOut, error) {
		if in.Body.Password != nil {
			hash, err := a.auth.HashPasswordOf(ctx, scopeOf(ctx), in.ID, *in.Body.Password)
			if err != nil {
				return nil, err
			}
			in.Body.PasswordHash = &hash
		}
		v, err := a.desk.ChangeUser(ctx, scopeOf(ctx), in.ID, in.Body.UserPatch)
		return &userOut{v}, err
	})
}
