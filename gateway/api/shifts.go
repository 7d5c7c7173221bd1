package api

import (
	"context"
	"net/http"
	"time"

	"sharpeyes/alerts/desk"
)

// ShiftsQuery asks for a part of a centre's duty roster.
type ShiftsQuery struct {
	ByID
	From time.Time `query:"from" doc:"Shifts that end after; now when absent"`
	To   time.Time `query:"to" doc:"Shifts that begin before, at most 92 days later; a week later when absent"`
}

type shiftOut struct{ Body desk.ShiftView }

// registerShifts puts up the duty rosters (值班表) of the centres.
func (a *API) registerShifts() {
	const tag, path = "Places", "/api/v1/areas/{id}/shifts"
	list := a.operation("GET", path, "shifts", tag, "Duty roster of an area's centre")
	list.Description += " For officers and leaders of the centres, the auditor and the administrator."
	handle(a, list, func(ctx context.Context, in *ShiftsQuery) (*listOut[desk.ShiftView], error) {
		items, err := a.desk.Shifts(ctx, scopeOf(ctx), in.ID, in.From, in.To)
		return listOf(items, ""), err
	})
	create := a.operation("POST", path, "create-shift", tag, "Add a shift; by the centre or one above")
	create.DefaultStatus = http.StatusCreated
	handle(a, create, func(ctx context.Context, in *struct {
		ByID
		Body desk.ShiftInput
	}) (*shiftOut, error) {
		v, err := a.desk.CreateShift(ctx, scopeOf(ctx), in.ID, in.Body)
		return &shiftOut{v}, err
	})
	handle(a, a.operation("PATCH", "/api/v1/shifts/{id}", "change-shift", tag, "Change a shift"),
		func(ctx context.Context, in *struct {
			ByID
			Body desk.ShiftPatch
		}) (*shiftOut, error) {
			v, err := a.desk.ChangeShift(ctx, scopeOf(ctx), in.ID, in.Body)
			return &shiftOut{v}, err
		})
	remove := a.operation("DELETE", "/api/v1/shifts/{id}", "remove-shift", tag, "Take a shift that has not begun off the roster")
	remove.DefaultStatus = http.StatusNoContent
	handle(a, remove, func(ctx context.Context, in *ByID) (*none, error) {
		return &none{}, a.desk.RemoveShift(ctx, scopeOf(ctx), in.ID)
	})
}
