package api

import (
	"context"
	"net/http"

	"sharpeyes/alerts/desk"
)

type postOut struct{ Body desk.PostView }

func (a *API) registerPosts() {
	const tag, path = "Places", "/api/v1/grids/{id}/posts"
	handle(a, a.operation("GET", path, "posts", tag, "Roster of a grid with its past, newest terms first"),
		func(ctx context.Context, in *ByID) (*listOut[desk.PostView], error) {
			items, err := a.desk.Posts(ctx, scopeOf(ctx), in.ID)
			return listOf(items, ""), err
		})
	add := a.operation("POST", path, "create-post", tag, "Put somebody into a grid's roster; a grid has one leader at a time")
	add.DefaultStatus = http.StatusCreated
	handle(a, add, func(ctx context.Context, in *struct {
		ByID
		Body desk.PostInput
	}) (*postOut, error) {
		v, err := a.desk.AddPost(ctx, scopeOf(ctx), in.ID, in.Body)
		return &postOut{v}, err
	})
	handle(a, a.operation("PATCH", "/api/v1/posts/{id}", "change-post", tag,
		"Change a line of a roster, end its term, or hand it over with a note; lines are kept"),
		func(ctx context.Context, in *struct {
			ByID
			Body desk.PostPatch
		}) (*postOut, error) {
			v, err := a.desk.ChangePost(ctx, scopeOf(ctx), in.ID, in.Body)
			return &postOut{v}, err
		})
}
