package desk

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sharpeyes/alerts"
)

// units is the departments as they were when the town was loaded.
type units struct {
	departments map[string]alerts.Department
	offices     map[string]alerts.Office
}

func loadUnits(ctx context.Context, r alerts.Reader) (units, error) {
	u := units{departments: make(map[string]alerts.Department), offices: make(map[string]alerts.Office)}
	departments, err := r.Departments(ctx, alerts.System())
	if err != nil {
		return u, fmt.Errorf("desk: load departments: %w", err)
	}
	for _, d := range departments {
		u.departments[d.ID] = d
	}
	offices, err := r.Offices(ctx, "")
	if err != nil {
		return u, fmt.Errorf("desk: load offices: %w", err)
	}
	for _, o := range offices {
		u.offices[o.ID] = o
	}
	return u, nil
}

func (t *town) department(id string) (alerts.Department, bool) {
	d, ok := t.units.departments[id]
	return d, ok
}

func (t *town) departmentName(id string) string { return t.units.departments[id].Name }

func (t *town) officeName(id string) string { return t.units.offices[id].Name }

// serves tells whether what belongs to an area serves one of the scope's areas:
// it lies above one of them.
func serves(s alerts.Scope, areaPath string) bool {
	return areaPath != "" && slices.ContainsFunc(s.Paths, func(p string) bool { return strings.HasPrefix(p, areaPath) })
}

// dutyFor returns the duty of a department that fits a category and an area
// most particularly: the longest category first, then the lowest area. Offices
// that are closed and people who have gone are not named; without any duty that
// fits, the department itself is meant.
func dutyFor(ctx context.Context, r alerts.Reader, departmentID, category, areaPath string) (alerts.Duty, error) {
	none := alerts.Duty{DepartmentID: departmentID}
	duties, err := r.Duties(ctx, departmentID)
	if err != nil || len(duties) == 0 {
		return none, err
	}
	offices, err := r.Offices(ctx, departmentID)
	if err != nil {
		return none, err
	}
	open := make(map[string]bool, len(offices))
	for _, o := range offices {
		open[o.ID] = !o.Disabled
	}
	best, bestCategory, bestArea := none, -1, -1
	for _, d := range duties {
		if !inCategory(category, d.Category) || d.OfficeID != "" && !open[d.OfficeID] {
			continue
		}
		depth := 0
		if d.AreaID != "" {
			if depth = depthIn(areaPath, d.AreaID); depth == 0 {
				continue
			}
		}
		if n := len(d.Category); n > bestCategory || n == bestCategory && depth > bestArea {
			best, bestCategory, bestArea = d, n, depth
		}
	}
	if best.PersonID != "" {
		u, err := r.User(ctx, alerts.System(), best.PersonID)
		if err != nil && alerts.KindOf(err) != alerts.NotFound {
			return none, err
		}
		if err != nil || u.Disabled || u.DepartmentID != departmentID {
			best.PersonID = ""
		}
	}
	return best, nil
}

// inCategory tells whether a category is another one or lies below it; the
// empty one holds all.
func inCategory(code, above string) bool {
	return above == "" || code == above || strings.HasPrefix(code, above+".")
}

// depthIn is the place of an area on a path, from 1; 0 where it is not on it.
func depthIn(path, areaID string) int {
	return slices.Index(strings.Split(strings.Trim(path, "/"), "/"), areaID) + 1
}

// DutyFor returns the office and person of a department for a category in an
// area; see dutyFor. The department must serve the caller's areas.
func (d *Desk) DutyFor(ctx context.Context, s alerts.Scope, departmentID, category, areaID string) (DutyView, error) {
	if err := s.Need(alerts.ViewMap); err != nil {
		return DutyView{}, err
	}
	if _, err := d.store.Department(ctx, s, departmentID); err != nil {
		return DutyView{}, err
	}
	a, err := d.store.Area(ctx, s, areaID)
	if err != nil {
		return DutyView{}, err
	}
	duty, err := dutyFor(ctx, d.store, departmentID, category, a.Path)
	if err != nil {
		return DutyView{}, err
	}
	return d.dutyView(ctx, duty)
}
