package desk

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"sharpeyes/alerts"
)

// bureau is an office with departments, people and their scopes.
//
// Officers: hv of village v1, nv of its neighbour v2, at of township t1 above
// both, ce of the county, ci the city's leader. Handlers: hd and hd2 of
// department dd, hj of jj, hx of xx, all of the county; ww is a department of
// the other county, zz a closed one. Grid leaders: gr and gg of g1a, gb of g1b.
type bureau struct {
	*office
	who map[string]alerts.Scope
}

func newBureau(t testing.TB) *bureau {
	t.Helper()
	return newBureauIn(t, newOffice(t))
}

func newBureauIn(t testing.TB, o *office) *bureau {
	t.Helper()
	b := &bureau{office: o, who: map[string]alerts.Scope{}}
	path := map[string]string{"v2": "/city/east/t1/v2/"}
	for area, p := range paths {
		path[area] = p
	}
	person := func(id string, role alerts.Role, area, department string, grids ...string) alerts.User {
		s := alerts.Scope{User: id, Name: "名 " + id, Role: role, Department: department, Grids: grids, Paths: []string{path[area]}}
		if role == alerts.DutyOfficer || role == alerts.Leader {
			s.Home = path[area]
		}
		b.who[id] = s
		return alerts.User{ID: id, Username: "u." + id, Name: s.Name, Role: role, AreaID: area, DepartmentID: department, PasswordHash: "x"}
	}
	people := []alerts.User{
		person("hv", alerts.DutyOfficer, "v1", ""), person("nv", alerts.DutyOfficer, "v2", ""), person("at", alerts.DutyOfficer, "t1", ""),
		person("ce", alerts.DutyOfficer, "east", ""), person("ci", alerts.Leader, "city", ""), person("cd", alerts.DutyOfficer, "city", ""),
		person("hd", alerts.Handler, "east", "dd"), person("hd2", alerts.Handler, "east", "dd"), person("hj", alerts.Handler, "east", "jj"),
		person("hx", alerts.Handler, "east", "xx"), person("gr", alerts.GridLeader, "v1", "", "g1a"),
		person("gg", alerts.GridLeader, "v1", "", "g1a"), person("gb", alerts.GridLeader, "v1", "", "g1b"),
		person("au", alerts.Auditor, "city", ""), person("ad", alerts.Admin, "city", ""),
	}
	err := b.store.Write(context.Background(), func(tx alerts.Tx) error {
		for _, d := range []alerts.Department{{ID: "dd", AreaID: "east", Name: "燃气办"}, {ID: "jj", AreaID: "east", Name: "消防队"},
			{ID: "xx", AreaID: "east", Name: "城管局"}, {ID: "ww", AreaID: "west", Name: "西县局"}, {ID: "zz", AreaID: "east", Name: "旧局", Disabled: true}} {
			if err := tx.SaveDepartment(d); err != nil {
				return err
			}
		}
		for _, o := range []alerts.Office{{ID: "dd.1", DepartmentID: "dd", Name: "一科"}, {ID: "dd.2", DepartmentID: "dd", Name: "二科"}} {
			if err := tx.SaveOffice(o); err != nil {
				return err
			}
		}
		for _, u := range people {
			if err := tx.SaveUser(u); err != nil {
				return err
			}
		}
		if err := tx.SaveDuty(alerts.Duty{ID: "duty", DepartmentID: "dd", OfficeID: "dd.1", PersonID: "hd", Category: "hazard"}); err != nil {
			return err
		}
		for id, grid := range map[string]string{"gr": "g1a", "gg": "g1a", "gb": "g1b"} {
			if err := tx.SavePost(alerts.Post{ID: "post." + id, GridID: grid, Kind: alerts.LeaderPost, UserID: id, Name: id, From: base.Add(-time.Hour)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Desk = b.desk(t) // one that knows the departments
	return b
}

// reported has somebody report in a village and returns the incident and its case.
func (b *bureau) reported(t testing.TB, who, area string, change func(*ReportInput)) (IncidentView, alerts.Case) {
	t.Helper()
	in := report(area)
	in.Category = "opinion.other"
	if change != nil {
		change(&in)
	}
	i, _, _, err := b.Report(context.Background(), b.who[who], in)
	if err != nil {
		t.Fatal(err)
	}
	l := ok[alerts.Filing](t)(b.store.FilingOf(context.Background(), i.ID))
	return i, b.stored(t, l.CaseID)
}

func direct(in *ReportInput) { in.Direct = true }

func (b *bureau) stored(t testing.TB, id string) alerts.Case {
	t.Helper()
	return ok[alerts.Case](t)(b.store.Case(context.Background(), alerts.System(), id))
}

// try makes a move on the newest version.
func (b *bureau) try(t testing.TB, who, id string, in MoveInput) (CaseView, error) {
	t.Helper()
	v, _, err := b.Move(context.Background(), b.who[who], id, b.stored(t, id).Version, in)
	return v, err
}

// do makes a move that must be legal.
func (b *bureau) do(t testing.TB, who, id string, in MoveInput) CaseView {
	t.Helper()
	v, err := b.try(t, who, id, in)
	if err != nil {
		t.Fatalf("%s: %s: %v", who, in.Action, err)
	}
	return v
}

// refused makes a move that must not be, and find the case as it was.
func (b *bureau) refusedMove(t testing.TB, who, id string, in MoveInput, kind alerts.Kind) {
	t.Helper()
	before := b.stored(t, id)
	_, err := b.try(t, who, id, in)
	wantKind(t, err, kind, who+": "+string(in.Action))
	if after := b.stored(t, id); after != before {
		t.Errorf("%s: a refused %s changed the case", who, in.Action)
	}
}

func mv(action alerts.Action) MoveInput { return MoveInput{Action: action} }

func why(action alerts.Action) MoveInput { return MoveInput{Action: action, Reason: "因为 because"} }

// toStep brings a fresh case of village v1, reported by gr, to a step: assigned
// to dd with jj joint, handled by hd.
func (b *bureau) toStep(t testing.TB, step alerts.Step) alerts.Case {
	t.Helper()
	_, k := b.reported(t, "gr", "v1", nil)
	for _, m := range []struct {
		at  alerts.Step
		who string
		in  MoveInput
	}{
		{alerts.StepReport, "hv", mv(alerts.ActFile)},
		{alerts.StepFile, "hv", MoveInput{Action: alerts.ActAssign, Department: "dd"}},
		{alerts.StepAssign, "hv", MoveInput{Action: alerts.ActJoin, Department: "jj"}},
		{alerts.StepAssign, "hd", mv(alerts.ActReceive)},
		{alerts.StepHandle, "hd", MoveInput{Action: alerts.ActFeedBack, Text: "修好了 mended", Reason: "jj had nothing to do"}},
		{alerts.StepFeedback, "hv", MoveInput{Action: alerts.ActClose, Text: "看过了 seen", Outcome: alerts.Solved}},
	} {
		if m.at == step && m.in.Action != alerts.ActJoin {
			break
		}
		b.do(t, m.who, k.ID, m.in)
	}
	if k = b.stored(t, k.ID); k.Step != step {
		t.Fatalf("the case is in step %s instead of %s", k.Step, step)
	}
	return k
}

func actionsOf(moves []alerts.Move) (out []alerts.Action) {
	for _, m := range moves {
		out = append(out, m.Action)
	}
	return out
}

func wantMoves(t testing.TB, b *bureau, id string, want ...alerts.Action) []alerts.Move {
	t.Helper()
	moves := ok[[]alerts.Move](t)(b.store.Moves(context.Background(), id))
	if !slices.Equal(actionsOf(moves), want) {
		t.Errorf("moves %v, want %v", actionsOf(moves), want)
	}
	if err := alerts.CheckMoves(moves); err != nil {
		t.Error(err)
	}
	return moves
}

func isStale(err error) bool { return errors.Is(err, ErrStale) }
