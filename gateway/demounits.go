package main

import (
	"context"
	"slices"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
	"sharpeyes/configs"
)

// demoDepartments makes the town's departments and their offices, those that
// are there already apart.
func demoDepartments(ctx context.Context, a *app) error {
	list, err := configs.Departments()
	if err != nil {
		return err
	}
	system := alerts.System()
	known, err := a.desk.Departments(ctx, system)
	if err != nil {
		return err
	}
	for _, d := range list {
		i := slices.IndexFunc(known, func(v desk.DepartmentView) bool { return v.ID == d.ID })
		var have desk.DepartmentView
		if i >= 0 {
			have = known[i]
		} else if have, err = a.desk.CreateDepartment(ctx, system, desk.DepartmentInput{ID: d.ID, AreaID: d.AreaID, Name: d.Name, NameEn: d.NameEn}); err != nil {
			return err
		}
		for _, o := range d.Offices {
			if slices.ContainsFunc(have.Offices, func(v desk.OfficeView) bool { return v.ID == o.ID }) {
				continue
			}
			if _, err := a.desk.AddOffice(ctx, system, d.ID, desk.OfficeInput{ID: o.ID, Name: o.Name}); err != nil {
				return err
			}
		}
	}
	return nil
}

// demoDuties names who of a department handles what, and who leads which grid,
// where nobody is named yet.
func demoDuties(ctx context.Context, a *app) error {
	list, err := configs.Departments()
	if err != nil {
		return err
	}
	system := alerts.System()
	for _, d := range list {
		have, err := a.desk.Duties(ctx, system, d.ID)
		if err != nil {
			return err
		}
		if len(have) > 0 {
			continue
		}
		for _, v := range d.Duties {
			u, err := a.store.UserByName(ctx, system, v.Person)
			if err != nil {
				return err
			}
			if _, err := a.desk.AddDuty(ctx, system, d.ID, desk.DutyInput{OfficeID: v.OfficeID, PersonID: u.ID, Category: v.Category, AreaID: v.AreaID}); err != nil {
				return err
			}
		}
	}
	people, err := configs.People()
	if err != nil {
		return err
	}
	for _, p := range people {
		for _, grid := range p.Grids {
			if err := demoLeader(ctx, a, p, grid); err != nil {
				return err
			}
		}
	}
	return nil
}

// demoLeader gives a grid its leader, unless it has a roster.
func demoLeader(ctx context.Context, a *app, p configs.Person, grid string) error {
	system := alerts.System()
	have, err := a.desk.Posts(ctx, system, grid)
	if err != nil || len(have) > 0 {
		return err
	}
	u, err := a.store.UserByName(ctx, system, p.Username)
	if err != nil {
		return err
	}
	_, err = a.desk.AddPost(ctx, system, grid, desk.PostInput{Kind: alerts.LeaderPost, UserID: u.ID,
		Employment: alerts.CommunityWorker, Tasks: []string{"collector", "mediator", "patroller"}})
	return err
}
