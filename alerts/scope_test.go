package alerts

import (
	"slices"
	"testing"
)

// The administrator reads no case and no audit; the auditor changes nothing,
// watches nobody, and learns no name. Written by hand: the other opinion.
func TestRightsThatNobodyElseHas(t *testing.T) {
	reading := []Right{ViewMap, ReadIncidents, ReadAlerts, ReadCases, ReadAudit, ExportLists, ReadStructure}
	for _, r := range RightsOf(Auditor) {
		if !slices.Contains(reading, r) {
			t.Errorf("the auditor may %s", r)
		}
	}
	for _, r := range []Right{ReadIncidents, ReadAlerts, ReadCases, WorkCases, DiscloseName, ReadAudit, ExportLists} {
		if slices.Contains(RightsOf(Admin), r) {
			t.Errorf("the administrator may %s", r)
		}
	}
	for _, r := range []Role{DutyOfficer, GridLeader, Handler, Leader, Auditor} {
		for _, right := range []Right{ManagePlaces, ManageUsers, ManageCameras, ManageSources, ManageRules} {
			if slices.Contains(RightsOf(r), right) {
				t.Errorf("a %s may %s", r, right)
			}
		}
	}
	if sight := (Scope{User: "a", Role: Admin, Paths: []string{"/"}}).Sight(); sight.All || sight.UserID != "" {
		t.Errorf("the administrator sees cases: %+v", sight)
	}
}

// Who sees which cases: officers all of their areas, a handler his
// department's, a grid leader his grids'.
func TestSight(t *testing.T) {
	for role, want := range map[Role]Sight{
		DutyOfficer: {All: true}, Leader: {All: true}, Auditor: {All: true}, Admin: {},
		Handler: {UserID: "u", DepartmentID: "d"}, GridLeader: {UserID: "u", GridIDs: []string{"g"}}, "": {},
	} {
		got := Scope{User: "u", Role: role, Department: "d", Grids: []string{"g"}}.Sight()
		if got.All != want.All || got.UserID != want.UserID || got.DepartmentID != want.DepartmentID || !slices.Equal(got.GridIDs, want.GridIDs) {
			t.Errorf("%q: %+v, want %+v", role, got, want)
		}
	}
}
