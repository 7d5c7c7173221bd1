package live

import (
	"fmt"
	"slices"
	"testing"

	"sharpeyes/alerts"
)

// caseEvent is a change of a case that concerns somebody.
func caseEvent(kind alerts.EventKind, area, id string, parties ...string) alerts.Event {
	e := event(kind, area, id)
	e.Parties = parties
	return e
}

// insiders adds accounts that see some cases alone, and one that sees none.
func (h *house) insiders() {
	h.t.Helper()
	err := h.store.Write(h.t.Context(), func(tx alerts.Tx) error {
		if err := tx.SaveGrid(alerts.Grid{ID: "g-east", AreaID: "east", Name: "1", Kind: alerts.Street}); err != nil {
			return err
		}
		for _, id := range []string{"gas", "roads"} {
			if err := tx.SaveDepartment(alerts.Department{ID: id, AreaID: "city", Name: id}); err != nil {
				return err
			}
		}
		for _, u := range []alerts.User{
			{ID: "gasman", Role: alerts.Handler, AreaID: "city", DepartmentID: "gas"},
			{ID: "roadman", Role: alerts.Handler, AreaID: "city", DepartmentID: "roads"},
			{ID: "eastgas", Role: alerts.Handler, AreaID: "west", DepartmentID: "gas"},
			{ID: "gridder", Role: alerts.GridLeader, AreaID: "city"},
			{ID: "auditor", Role: alerts.Auditor, AreaID: "city"},
		} {
			hash, err := h.auth.HashPassword(h.t.Context(), u.ID, password)
			if err != nil {
				return err
			}
			u.Username, u.Name, u.PasswordHash = u.ID, u.ID, hash
			if err := tx.SaveUser(u); err != nil {
				return err
			}
		}
		return tx.SavePost(alerts.Post{ID: "p1", GridID: "g-east", Kind: alerts.LeaderPost, UserID: "gridder", Name: "gridder"})
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// Who hears of which case: those who see all of the area, else its parties.
func TestCasesAreToldToTheirParties(t *testing.T) {
	h := build(t)
	h.insiders()
	// The last events are for everybody of the area, so that what is not told
	// shows.
	all := []alerts.Event{
		caseEvent(alerts.CaseChanged, "east", "toGas", "gas"),
		caseEvent(alerts.CaseCommented, "east", "inGrid", "g-east"),
		caseEvent(alerts.CaseChanged, "west", "joint", "roads", "gas"),
		caseEvent(alerts.CaseChanged, "west", "byGridder", "gridder"),
		caseEvent(alerts.CaseChanged, "west", "nobodys"),
		caseEvent(alerts.CaseChanged, "east", "blank", ""),
		event(alerts.PlacesChanged, "east", "endE"),
		event(alerts.PlacesChanged, "west", "endW"),
	}
	for user, want := range map[string]string{
		"officer":   "toGas inGrid joint byGridder nobodys blank endE endW",
		"auditor":   "toGas inGrid joint byGridder nobodys blank endE endW",
		"easterner": "toGas inGrid blank endE",
		"gasman":    "toGas joint endE endW",
		"roadman":   "joint endE endW",
		"eastgas":   "joint endW",
		"gridder":   "inGrid byGridder endE endW",
		"builder":   "endE endW",
	} {
		t.Run(user, func(t *testing.T) {
			cookie := h.signIn(user)
			s := h.connect(cookie, "")
			s.t = t
			seq := s.greeted().Seq
			last := want[len(want)-4:]
			h.happen(true, slices.Clone(all)...)
			if got := s.heard(last); got != want {
				t.Errorf("told %q, want %q", got, want)
			}
			_ = s.Close()
			// The same when it comes back, from the ring and from the store.
			for _, from := range []string{"ring", "store"} {
				if from == "store" {
					h.hub.feed.mu.Lock()
					h.hub.feed.first, h.hub.feed.ring = h.hub.feed.last+1, nil
					h.hub.feed.mu.Unlock()
				}
				s := h.connect(cookie, fmt.Sprintf("?since=%d", seq))
				s.t = t
				if m := s.next(); !m.Resumed {
					t.Fatalf("not resumed: %+v", m)
				}
				if got := s.heard(last); got != want {
					t.Errorf("resumed from the %s: told %q, want %q", from, got, want)
				}
				_ = s.Close()
			}
		})
	}
}

// heard reads events up to one.
func (s *socket) heard(last string) string {
	s.t.Helper()
	out := ""
	for {
		m := s.next()
		for _, it := range m.Items {
			if m.Type != "events" {
				continue
			}
			if out += it.ID; it.ID == last {
				return out
			}
			out += " "
		}
	}
}

// Who is moved to another department, or gets another grid, starts anew.
func TestAnotherDepartmentIsAnotherScope(t *testing.T) {
	a := alerts.Scope{Role: alerts.Handler, Paths: []string{"/city/"}, Department: "gas", Grids: []string{"g1"}}
	for name, change := range map[string]func(*alerts.Scope){
		"department": func(s *alerts.Scope) { s.Department = "roads" },
		"grids":      func(s *alerts.Scope) { s.Grids = []string{"g1", "g2"} },
		"role":       func(s *alerts.Scope) { s.Role = alerts.GridLeader },
		"paths":      func(s *alerts.Scope) { s.Paths = []string{"/city/east/"} },
		"extra":      func(s *alerts.Scope) { s.Extra = []alerts.Right{alerts.ReadAudit} },
	} {
		b := a
		change(&b)
		if sameScope(a, b) {
			t.Errorf("another %s counts as the same", name)
		}
	}
	if !sameScope(a, a) {
		t.Error("a scope differs from itself")
	}
}
