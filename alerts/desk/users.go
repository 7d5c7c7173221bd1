package desk

import (
	"context"
	"regexp"
	"strconv"
	"time"

	"sharpeyes/alerts"
)

var usernamePattern = regexp.MustCompile(`^[a-z0-9._-]{2,32}$`)

func (d *Desk) userView(u alerts.User) UserView {
	t := d.known.places()
	return UserView{ID: u.ID, Username: u.Username, Name: u.Name, Role: u.Role, AreaID: u.AreaID,
		AreaName: t.areaName(u.AreaID), DepartmentID: u.DepartmentID, Department: t.departmentName(u.DepartmentID),
		Disabled: u.Disabled}
}

// Users lists accounts by user name, with the next page's cursor.
func (d *Desk) Users(ctx context.Context, s alerts.Scope, p alerts.Page) ([]UserView, string, error) {
	if err := s.Need(alerts.ManageUsers); err != nil {
		return nil, "", err
	}
	list, next, err := d.store.Users(ctx, s, p)
	if err != nil {
		return nil, "", err
	}
	out := make([]UserView, len(list))
	for i, u := range list {
		out[i] = d.userView(u)
	}
	return out, next, nil
}

// user checks the fields that an account is kept with, and trims its texts.
func (f *faults) user(t *town, s alerts.Scope, u *alerts.User) {
	f.pattern("username", u.Username, usernamePattern, "2 to 32 of a-z, 0-9, dot, dash, underscore")
	u.Name = f.line("name", u.Name, true, 50)
	f.oneOf("role", string(u.Role), roleNames()...)
	// The empty area, for an account that acts everywhere, is only for those
	// who act everywhere themselves.
	if a, ok := t.area(u.AreaID); u.AreaID == "" && !s.Everything() || u.AreaID != "" && (!ok || !s.Covers(a.Path)) {
		f.add("area_id", "there is no such area in this account's areas")
	}
	dep, ok := t.department(u.DepartmentID)
	switch {
	case u.DepartmentID == "":
	case !ok || !s.Covers(dep.AreaPath) && !serves(s, dep.AreaPath):
		f.add("department_id", "there is no such department for this account's areas")
	case u.Role != alerts.Handler:
		f.add("department_id", "is for handlers: a %s works for a centre", u.Role)
	}
}

// CreateUser makes an account.
func (d *Desk) CreateUser(ctx context.Context, s alerts.Scope, in UserInput) (UserView, error) {
	if err := s.Need(alerts.ManageUsers); err != nil {
		return UserView{}, err
	}
	u := alerts.User{ID: alerts.NewID(d.now()), Username: in.Username, Name: in.Name, Role: in.Role, AreaID: in.AreaID,
		DepartmentID: in.DepartmentID, PasswordHash: in.PasswordHash}
	var f faults
	f.user(d.known.places(), s, &u)
	if u.PasswordHash == "" {
		f.add("password", "must be given")
	}
	if err := f.err(); err != nil {
		return UserView{}, err
	}
	err := d.write(ctx, func(c *change) error {
		if err := c.SaveUser(u); err != nil {
			return err
		}
		if err := c.audit(s, alerts.AuditConfig, "user/"+u.ID, u.AreaID, userAlteration("create", alerts.User{}, u)); err != nil {
			return err
		}
		return c.emit(alerts.UserChanged, u.AreaID, "", u.ID, nil)
	})
	if err != nil {
		return UserView{}, err
	}
	return d.userView(u), nil
}

// userAlteration tells what a change made of an account.
func userAlteration(action string, before, after alerts.User) alteration {
	a := altered(action).field("username", before.Username, after.Username).field("name", before.Name, after.Name).
		field("role", string(before.Role), string(after.Role)).field("area_id", before.AreaID, after.AreaID).
		field("department_id", before.DepartmentID, after.DepartmentID).
		field("disabled", strconv.FormatBool(before.Disabled), strconv.FormatBool(after.Disabled)).
		secret("password", before.PasswordHash != after.PasswordHash)
	if before.ID != "" && !before.SessionsFrom.Equal(after.SessionsFrom) {
		a["sessions"] = "ended"
	}
	return a
}

// ChangeUser changes an account. Nobody changes the own role or area, or
// disables the own account: somebody must remain who can undo it.
func (d *Desk) ChangeUser(ctx context.Context, s alerts.Scope, id string, in UserPatch) (UserView, error) {
	if err := s.Need(alerts.ManageUsers); err != nil {
		return UserView{}, err
	}
	t := d.known.places()
	var u alerts.User
	err := d.write(ctx, func(c *change) error {
		before, err := c.User(ctx, s, id)
		if err != nil {
			return err
		}
		u = before
		set(&u.Name, in.Name)
		set(&u.Role, in.Role)
		set(&u.AreaID, in.AreaID)
		if u.Role != alerts.Handler {
			u.DepartmentID = "" // who works for a centre now
		}
		set(&u.DepartmentID, in.DepartmentID)
		set(&u.Disabled, in.Disabled)
		set(&u.PasswordHash, in.PasswordHash)
		var f faults
		f.user(t, s, &u)
		if u.PasswordHash == "" {
			f.add("password", "must not be empty")
		}
		if err := f.err(); err != nil {
			return err
		}
		acts := u.Role != before.Role || u.AreaID != before.AreaID || u.DepartmentID != before.DepartmentID || u.Disabled != before.Disabled
		if acts && s.User == id {
			return alerts.Errorf(alerts.Conflict, "nobody can change the own role, area or department or disable the own account: ask another administrator")
		}
		if acts || u.PasswordHash != before.PasswordHash {
			// Later than before even where the clock has run back: what differs
			// ends the sessions.
			u.SessionsFrom = clampTime(d.Clock().UTC(), before.SessionsFrom.Add(time.Microsecond))
		}
		if err := c.SaveUser(u); err != nil {
			return err
		}
		if err := c.audit(s, alerts.AuditConfig, "user/"+id, u.AreaID, userAlteration("change", before, u)); err != nil {
			return err
		}
		return c.emit(alerts.UserChanged, u.AreaID, "", u.ID, nil)
	})
	if err != nil {
		return UserView{}, err
	}
	return d.userView(u), nil
}
