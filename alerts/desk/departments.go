package desk

import (
	"context"
	"strconv"

	"sharpeyes/alerts"
)

// DepartmentView is a department (部门) that cases are dispatched to.
type DepartmentView struct {
	ID       string       `json:"id" doc:"Identifier"`
	AreaID   string       `json:"area_id" doc:"Area whose department it is; it works there and below"`
	AreaName string       `json:"area_name" doc:"Name of that area"`
	Name     string       `json:"name" doc:"Chinese name"`
	NameEn   string       `json:"name_en,omitempty" doc:"English name"`
	Disabled bool         `json:"disabled" doc:"Gets no new cases"`
	Version  int64        `json:"version" doc:"Counts its changes"`
	Offices  []OfficeView `json:"offices" nullable:"false" doc:"Its inner offices (内设机构)"`
}

// OfficeView is an inner office (内设机构) of a department.
type OfficeView struct {
	ID           string `json:"id" doc:"Identifier"`
	DepartmentID string `json:"department_id" doc:"Its department"`
	Name         string `json:"name" doc:"Name"`
	Disabled     bool   `json:"disabled" doc:"Gets no new cases"`
}

// DutyView says which office and person (专人) handle a category in an area.
type DutyView struct {
	ID           string `json:"id,omitempty" doc:"Identifier; absent where no duty fits and the department itself is meant"`
	DepartmentID string `json:"department_id" doc:"Department"`
	OfficeID     string `json:"office_id,omitempty" doc:"Office; absent: the department itself"`
	Office       string `json:"office,omitempty" doc:"Name of the office"`
	PersonID     string `json:"person_id,omitempty" doc:"Account of the named person; absent: whoever receives it"`
	Person       string `json:"person,omitempty" doc:"Name of that person"`
	Category     string `json:"category,omitempty" doc:"Category, with everything below it; absent: all"`
	AreaID       string `json:"area_id,omitempty" doc:"Area, with everything below it; absent: all"`
	AreaName     string `json:"area_name,omitempty" doc:"Name of that area"`
}

// DepartmentInput is a new department.
type DepartmentInput struct {
	ID     string `json:"id,omitempty" doc:"Own identifier, 1 to 64 of letters, digits, dot, dash, underscore; made when absent"`
	AreaID string `json:"area_id" doc:"Area whose department it is"`
	Name   string `json:"name" doc:"Chinese name, at most 100 characters"`
	NameEn string `json:"name_en,omitempty" doc:"English name"`
}

// DepartmentPatch changes a department; nil fields stay.
type DepartmentPatch struct {
	Name     *string `json:"name,omitempty" doc:"Chinese name"`
	NameEn   *string `json:"name_en,omitempty" doc:"English name"`
	Disabled *bool   `json:"disabled,omitempty" doc:"Gets no new cases"`
	Version  *int64  `json:"version,omitempty" doc:"The version that was changed; another one stored is a conflict"`
}

// OfficeInput is a new office of a department.
type OfficeInput struct {
	ID   string `json:"id,omitempty" doc:"Own identifier; made when absent"`
	Name string `json:"name" doc:"Name, at most 100 characters"`
}

// OfficePatch changes an office; nil fields stay.
type OfficePatch struct {
	Name     *string `json:"name,omitempty" doc:"Name"`
	Disabled *bool   `json:"disabled,omitempty" doc:"Gets no new cases"`
}

// DutyInput names who handles a category in an area.
type DutyInput struct {
	OfficeID string `json:"office_id,omitempty" doc:"Office of the department; absent: the department itself"`
	PersonID string `json:"person_id,omitempty" doc:"Account of a handler of the department; absent: whoever receives it"`
	Category string `json:"category,omitempty" doc:"Category, with everything below it; absent: all"`
	AreaID   string `json:"area_id,omitempty" doc:"Area, with everything below it; absent: all"`
}

const idRule = "1 to 64 of letters, digits, dot, dash, underscore"

// ownID is the id that was given, or a new one.
func (d *Desk) ownID(given string) string {
	if given != "" {
		return given
	}
	return alerts.NewID(d.now())
}

func (t *town) departmentView(d alerts.Department, offices []alerts.Office) DepartmentView {
	return DepartmentView{ID: d.ID, AreaID: d.AreaID, AreaName: t.areaName(d.AreaID), Name: d.Name, NameEn: d.NameEn,
		Disabled: d.Disabled, Version: d.Version, Offices: mapped(offices, officeView)}
}

func officeView(o alerts.Office) OfficeView {
	return OfficeView{ID: o.ID, DepartmentID: o.DepartmentID, Name: o.Name, Disabled: o.Disabled}
}

func (d *Desk) dutyView(ctx context.Context, v alerts.Duty) (DutyView, error) {
	t := d.known.places()
	out := DutyView{ID: v.ID, DepartmentID: v.DepartmentID, OfficeID: v.OfficeID, Office: t.officeName(v.OfficeID),
		PersonID: v.PersonID, Category: v.Category, AreaID: v.AreaID, AreaName: t.areaName(v.AreaID)}
	if v.PersonID == "" {
		return out, nil
	}
	u, err := d.store.User(ctx, alerts.System(), v.PersonID)
	if err != nil && alerts.KindOf(err) != alerts.NotFound {
		return out, err
	}
	out.Person = u.Name
	return out, nil
}

// Departments lists the departments that serve the caller's areas, by name,
// with their offices.
func (d *Desk) Departments(ctx context.Context, s alerts.Scope) ([]DepartmentView, error) {
	if err := s.Need(alerts.ViewMap); err != nil {
		return nil, err
	}
	list, err := d.store.Departments(ctx, s)
	if err != nil {
		return nil, err
	}
	offices, err := d.store.Offices(ctx, "")
	if err != nil {
		return nil, err
	}
	of := make(map[string][]alerts.Office)
	for _, o := range offices {
		of[o.DepartmentID] = append(of[o.DepartmentID], o)
	}
	t := d.known.places()
	return mapped(list, func(v alerts.Department) DepartmentView { return t.departmentView(v, of[v.ID]) }), nil
}

// CreateDepartment makes a department.
func (d *Desk) CreateDepartment(ctx context.Context, s alerts.Scope, in DepartmentInput) (DepartmentView, error) {
	if err := s.Need(alerts.ManagePlaces); err != nil {
		return DepartmentView{}, err
	}
	v := alerts.Department{ID: d.ownID(in.ID), AreaID: in.AreaID, Name: in.Name, NameEn: in.NameEn}
	t := d.known.places()
	var f faults
	f.pattern("id", v.ID, idPattern, idRule)
	f.department(&v)
	a, ok := t.area(v.AreaID)
	if !ok || !s.Covers(a.Path) {
		f.add("area_id", "there is no such area in this account's areas")
	}
	if err := f.err(); err != nil {
		return DepartmentView{}, err
	}
	err := d.write(ctx, func(c *change) error {
		if err := c.SaveDepartment(v); err != nil {
			return err
		}
		return c.departmentChanged(s, a.ID, "department/"+v.ID, altered("create").field("name", "", v.Name))
	})
	v.Version = 1
	return t.departmentView(v, nil), err
}

// departmentChanged ends a change of departments: it is audited, and whoever
// shows departments loads them again.
func (c *change) departmentChanged(s alerts.Scope, areaID, object string, details alteration) error {
	if err := c.audit(s, alerts.AuditConfig, object, areaID, details); err != nil {
		return err
	}
	return c.emit(alerts.PlacesChanged, areaID, "", "", nil)
}

func (f *faults) department(v *alerts.Department) {
	v.Name = f.line("name", v.Name, true, 100)
	v.NameEn = f.line("name_en", v.NameEn, false, 100)
}

// managed loads a department that the caller may change.
func (c *change) managed(ctx context.Context, s alerts.Scope, id string) (alerts.Department, error) {
	v, err := c.Department(ctx, s, id)
	if err == nil && !s.Covers(v.AreaPath) { // of an area above: seen, not changed
		return v, alerts.Errorf(alerts.Forbidden, "the department belongs to an area above this account's: ask its administrator")
	}
	return v, err
}

// ChangeDepartment changes a department. It is switched off, never removed:
// cases name it.
func (d *Desk) ChangeDepartment(ctx context.Context, s alerts.Scope, id string, in DepartmentPatch) (DepartmentView, error) {
	if err := s.Need(alerts.ManagePlaces); err != nil {
		return DepartmentView{}, err
	}
	var v alerts.Department
	var offices []alerts.Office
	err := d.write(ctx, func(c *change) (err error) {
		if v, err = c.managed(ctx, s, id); err != nil {
			return err
		}
		if in.Version != nil && *in.Version != v.Version {
			return alerts.Errorf(alerts.Conflict, "the department was changed meanwhile: load it again")
		}
		before := v
		set(&v.Name, in.Name)
		set(&v.NameEn, in.NameEn)
		set(&v.Disabled, in.Disabled)
		var f faults
		if f.department(&v); len(f) > 0 {
			return f.err()
		}
		if offices, err = c.Offices(ctx, id); err != nil || v == before {
			return err
		}
		if err := c.SaveDepartment(v); err != nil {
			return err
		}
		v.Version++
		return c.departmentChanged(s, v.AreaID, "department/"+id,
			altered("change").field("name", before.Name, v.Name).field("name_en", before.NameEn, v.NameEn).
				field("disabled", strconv.FormatBool(before.Disabled), strconv.FormatBool(v.Disabled)))
	})
	return d.known.places().departmentView(v, offices), err
}

// AddOffice makes an office of a department.
func (d *Desk) AddOffice(ctx context.Context, s alerts.Scope, departmentID string, in OfficeInput) (OfficeView, error) {
	if err := s.Need(alerts.ManagePlaces); err != nil {
		return OfficeView{}, err
	}
	var f faults
	o := alerts.Office{ID: d.ownID(in.ID), DepartmentID: departmentID, Name: f.line("name", in.Name, true, 100)}
	f.pattern("id", o.ID, idPattern, idRule)
	if err := f.err(); err != nil {
		return OfficeView{}, err
	}
	err := d.write(ctx, func(c *change) error {
		dep, err := c.managed(ctx, s, departmentID)
		if err != nil {
			return err
		}
		if known, err := c.office(ctx, o.ID); err != nil || known.ID != "" {
			return firstError(err, alerts.Errorf(alerts.Conflict, "office %s exists already", o.ID))
		}
		if err := c.SaveOffice(o); err != nil {
			return err
		}
		return c.departmentChanged(s, dep.AreaID, "office/"+o.ID, altered("create").field("department", "", departmentID).field("name", "", o.Name))
	})
	return officeView(o), err
}

// office returns an office of any department; the zero one where there is none.
func (c *change) office(ctx context.Context, id string) (alerts.Office, error) {
	all, err := c.Offices(ctx, "")
	for _, o := range all {
		if o.ID == id {
			return o, err
		}
	}
	return alerts.Office{}, err
}

// ChangeOffice changes an office. It is switched off, never removed.
func (d *Desk) ChangeOffice(ctx context.Context, s alerts.Scope, id string, in OfficePatch) (OfficeView, error) {
	if err := s.Need(alerts.ManagePlaces); err != nil {
		return OfficeView{}, err
	}
	var o alerts.Office
	err := d.write(ctx, func(c *change) (err error) {
		if o, err = c.office(ctx, id); err != nil || o.ID == "" {
			return firstError(err, alerts.Errorf(alerts.NotFound, "there is no such office"))
		}
		dep, err := c.managed(ctx, s, o.DepartmentID)
		if err != nil {
			return err
		}
		before := o
		set(&o.Name, in.Name)
		set(&o.Disabled, in.Disabled)
		var f faults
		o.Name = f.line("name", o.Name, true, 100)
		if err := f.err(); err != nil || o == before {
			return err
		}
		if err := c.SaveOffice(o); err != nil {
			return err
		}
		return c.departmentChanged(s, dep.AreaID, "office/"+id, altered("change").field("name", before.Name, o.Name).
			field("disabled", strconv.FormatBool(before.Disabled), strconv.FormatBool(o.Disabled)))
	})
	return officeView(o), err
}

// Duties lists who of a department handles what and where.
func (d *Desk) Duties(ctx context.Context, s alerts.Scope, departmentID string) ([]DutyView, error) {
	if err := s.Need(alerts.ViewMap); err != nil {
		return nil, err
	}
	if _, err := d.store.Department(ctx, s, departmentID); err != nil {
		return nil, err
	}
	list, err := d.store.Duties(ctx, departmentID)
	if err != nil {
		return nil, err
	}
	out := make([]DutyView, len(list))
	for i, v := range list {
		if out[i], err = d.dutyView(ctx, v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// AddDuty names an office and a person for a category in an area.
func (d *Desk) AddDuty(ctx context.Context, s alerts.Scope, departmentID string, in DutyInput) (DutyView, error) {
	if err := s.Need(alerts.ManagePlaces); err != nil {
		return DutyView{}, err
	}
	v := alerts.Duty{ID: alerts.NewID(d.now()), DepartmentID: departmentID, OfficeID: in.OfficeID, PersonID: in.PersonID,
		Category: in.Category, AreaID: in.AreaID}
	err := d.write(ctx, func(c *change) error {
		dep, err := c.managed(ctx, s, departmentID)
		if err != nil {
			return err
		}
		if err := c.checkDuty(ctx, dep, v); err != nil {
			return err
		}
		if err := c.SaveDuty(v); err != nil {
			return err
		}
		return c.departmentChanged(s, dep.AreaID, "duty/"+v.ID, dutyAltered("create", v))
	})
	if err != nil {
		return DutyView{}, err
	}
	return d.dutyView(ctx, v)
}

func (c *change) checkDuty(ctx context.Context, dep alerts.Department, v alerts.Duty) error {
	var f faults
	if v.Category != "" {
		f.pattern("category", v.Category, kindPattern, "a code of a category such as hazard.gas")
	}
	offices, err := c.Offices(ctx, dep.ID)
	if err != nil {
		return err
	}
	known := v.OfficeID == ""
	for _, o := range offices {
		known = known || o.ID == v.OfficeID && !o.Disabled
	}
	if !known {
		f.add("office_id", "must be an open office of %s", dep.Name)
	}
	if v.PersonID != "" {
		u, err := c.User(ctx, alerts.System(), v.PersonID)
		if err != nil && alerts.KindOf(err) != alerts.NotFound {
			return err
		}
		if u.Role != alerts.Handler || u.DepartmentID != dep.ID || u.Disabled {
			f.add("person_id", "must be a handler of %s", dep.Name)
		}
	}
	if v.AreaID != "" {
		a, err := c.Area(ctx, alerts.Scope{Paths: []string{dep.AreaPath}}, v.AreaID)
		if err != nil && alerts.KindOf(err) != alerts.NotFound {
			return err
		}
		if a.ID == "" {
			f.add("area_id", "must be %s or an area below it", dep.AreaID)
		}
	}
	return f.err()
}

func dutyAltered(action string, v alerts.Duty) alteration {
	return altered(action).field("department", "", v.DepartmentID).field("office", "", v.OfficeID).field("person", "", v.PersonID).
		field("category", "", v.Category).field("area", "", v.AreaID)
}

// RemoveDuty takes a duty back.
func (d *Desk) RemoveDuty(ctx context.Context, s alerts.Scope, id string) error {
	if err := s.Need(alerts.ManagePlaces); err != nil {
		return err
	}
	return d.write(ctx, func(c *change) error {
		duties, err := c.Duties(ctx, "")
		if err != nil {
			return err
		}
		for _, v := range duties {
			if v.ID != id {
				continue
			}
			dep, err := c.managed(ctx, s, v.DepartmentID)
			if err != nil {
				return err
			}
			if err := c.RemoveDuty(id); err != nil {
				return err
			}
			return c.departmentChanged(s, dep.AreaID, "duty/"+id, dutyAltered("remove", v))
		}
		return alerts.Errorf(alerts.NotFound, "there is no such duty")
	})
}
