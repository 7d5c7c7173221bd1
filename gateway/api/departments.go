package api

import (
	"context"
	"net/http"

	"sharpeyes/alerts/desk"
)

type departmentOut struct{ Body desk.DepartmentView }

type officeOut struct{ Body desk.OfficeView }

type dutyOut struct{ Body desk.DutyView }

// DutyQuery asks who handles something.
type DutyQuery struct {
	ByID
	Category string `query:"category" maxLength:"64" doc:"Code of a category" example:"hazard.gas"`
	Area     string `query:"area" required:"true" maxLength:"64" doc:"Where it happened"`
}

func (a *API) registerDepartments() {
	const tag, path = "Departments", "/api/v1/departments"
	handle(a, a.operation("GET", path, "departments", tag, "Departments that serve the account's areas, by name, with their offices"),
		func(ctx context.Context, _ *none) (*listOut[desk.DepartmentView], error) {
			items, err := a.desk.Departments(ctx, scopeOf(ctx))
			return listOf(items, ""), err
		})
	create := a.operation("POST", path, "create-department", tag, "Make a department")
	create.DefaultStatus = http.StatusCreated
	handle(a, create, func(ctx context.Context, in *struct{ Body desk.DepartmentInput }) (*departmentOut, error) {
		v, err := a.desk.CreateDepartment(ctx, scopeOf(ctx), in.Body)
		return &departmentOut{v}, err
	})
	handle(a, a.operation("PATCH", path+"/{id}", "change-department", tag, "Change a department, or switch it off"),
		func(ctx context.Context, in *struct {
			ByID
			Body desk.DepartmentPatch
		}) (*departmentOut, error) {
			v, err := a.desk.ChangeDepartment(ctx, scopeOf(ctx), in.ID, in.Body)
			return &departmentOut{v}, err
		})
	office := a.operation("POST", path+"/{id}/offices", "create-office", tag, "Make an inner office of a department")
	office.DefaultStatus = http.StatusCreated
	handle(a, office, func(ctx context.Context, in *struct {
		ByID
		Body desk.OfficeInput
	}) (*officeOut, error) {
		v, err := a.desk.AddOffice(ctx, scopeOf(ctx), in.ID, in.Body)
		return &officeOut{v}, err
	})
	handle(a, a.operation("PATCH", "/api/v1/offices/{id}", "change-office", tag, "Change an office, or switch it off"),
		func(ctx context.Context, in *struct {
			ByID
			Body desk.OfficePatch
		}) (*officeOut, error) {
			v, err := a.desk.ChangeOffice(ctx, scopeOf(ctx), in.ID, in.Body)
			return &officeOut{v}, err
		})
	a.registerDuties()
}

func (a *API) registerDuties() {
	const tag, path = "Departments", "/api/v1/departments/{id}"
	handle(a, a.operation("GET", path+"/duties", "duties", tag, "Who of a department handles what and where"),
		func(ctx context.Context, in *ByID) (*listOut[desk.DutyView], error) {
			items, err := a.desk.Duties(ctx, scopeOf(ctx), in.ID)
			return listOf(items, ""), err
		})
	add := a.operation("POST", path+"/duties", "create-duty", tag, "Name an office and a person for a category in an area")
	add.DefaultStatus = http.StatusCreated
	handle(a, add, func(ctx context.Context, in *struct {
		ByID
		Body desk.DutyInput
	}) (*dutyOut, error) {
		v, err := a.desk.AddDuty(ctx, scopeOf(ctx), in.ID, in.Body)
		return &dutyOut{v}, err
	})
	handle(a, a.operation("GET", path+"/duty", "duty", tag,
		"Office and person for a category in an area: the duty that fits most particularly, the category before the area"),
		func(ctx context.Context, in *DutyQuery) (*dutyOut, error) {
			v, err := a.desk.DutyFor(ctx, scopeOf(ctx), in.ID, in.Category, in.Area)
			return &dutyOut{v}, err
		})
	remove := a.operation("DELETE", "/api/v1/duties/{id}", "remove-duty", tag, "Take a duty back")
	remove.DefaultStatus = http.StatusNoContent
	handle(a, remove, func(ctx context.Context, in *ByID) (*none, error) {
		return nil, a.desk.RemoveDuty(ctx, scopeOf(ctx), in.ID)
	})
}
