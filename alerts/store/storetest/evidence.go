package storetest

import (
	"context"

	"fmt"
	"reflect"
	"testing"
	"time"

	"sharpeyes/alerts"
)

// fileCase stores a case that evidence can belong to.
func fileCase(t *testing.T, s alerts.Store, id, area string) alerts.Case {
	t.Helper()
	k := alerts.Case{ID: id, Code: "code-" + id, Step: alerts.StepFile, StepAt: Base, Category: "hazard", Severity: alerts.High, FirstSeverity: alerts.High,
		AreaID: area, HolderID: area, OpenedAt: Base, UpdatedAt: Base, Incidents: 1}
	Write(t, s, func(tx alerts.Tx) error { return tx.SaveCase(k) })
	return k
}

// Evidence comes back as it was stored, in the order of its chain, and is found by
// what it holds.
func testEvidence(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	fileCase(t, s, "k1", "v1")
	fileCase(t, s, "k2", "v4")
	offset := int64(-1500)
	before := map[string]string{}
	piece := func(caseID string, n int, kind alerts.EvidenceKind, from, to int) alerts.Evidence {
		at := func(m int) time.Time { return Base.Add(time.Duration(m)*time.Minute + 123456*time.Microsecond) }
		e := alerts.Evidence{ID: fmt.Sprintf("%s-%d", caseID, n), CaseID: caseID, N: n, Kind: kind, Object: "evidence/" + caseID, Bytes: 1 << 40, SHA256: "ab",
			MediaType: "video/mp4", Of: "of", Purpose: "案件", Note: "a\nb", ExportID: "x", RequestID: "r", ByID: "u", ByName: "名", ByRole: alerts.DutyOfficer,
			At: at(n), AuditSeq: 7, AuditHash: "cd", Footage: alerts.Footage{CameraID: "cam1", CameraName: "门", Profile: "main", Point: alerts.Point{Lon: 117.1, Lat: 31.2},
				From: at(from), To: at(to), ActualFrom: at(from), ActualTo: at(to), Frames: 25, Codec: "h264+aac", Width: 1920, Height: 1080,
				Gaps: []alerts.FootageGap{{From: at(from), To: at(to), Cause: "disk"}}, Losses: []alerts.FootageLoss{{At: at(from), MS: 120}}, Lost: 3, OffsetMS: &offset}}
		e.Hash = alerts.EvidenceHash(before[caseID], e)
		before[caseID] = e.Hash
		return e
	}
	add := func(e alerts.Evidence) error {
		return s.Write(ctx, func(tx alerts.Tx) error { return tx.AddEvidence(e) })
	}
	list := []alerts.Evidence{piece("k1", 1, alerts.EvidenceClip, 0, 10), piece("k1", 2, alerts.EvidenceCopy, 0, 10), piece("k1", 3, alerts.EvidenceClip, 5, 20)}
	for _, e := range list {
		if err := add(e); err != nil {
			t.Fatal(err)
		}
	}
	other := piece("k2", 1, alerts.EvidenceClip, 6, 9)
	if err := add(other); err != nil {
		t.Fatal(err)
	}
	got := must[[]alerts.Evidence](t)(s.EvidenceOf(ctx, "k1"))
	if !reflect.DeepEqual(got, list) {
		t.Errorf("evidence\n%+v\nwant\n%+v", got, list)
	}
	if err := alerts.CheckEvidence(got); err != nil {
		t.Error(err)
	}
	if one := must[alerts.Evidence](t)(s.Evidence(ctx, other.ID)); !reflect.DeepEqual(one, other) {
		t.Errorf("a piece %+v, want %+v", one, other)
	}
	twice := list[2]
	twice.ID = "again"
	wantKind(t, add(twice), alerts.Conflict, "a second piece of the same number")
	wantKind(t, add(piece("none", 1, alerts.EvidenceClip, 0, 1)), alerts.NotFound, "a piece of no case")
	_, err := s.Evidence(ctx, "none")
	wantKind(t, err, alerts.NotFound, "no piece")
	at := func(m int) time.Time { return Base.Add(time.Duration(m)*time.Minute + 123456*time.Microsecond) }
	name := func(e alerts.Evidence) string { return e.ID }
	for _, c := range []struct {
		camera, profile string
		from, to, limit int
		want            []string
	}{
		{"cam1", "main", 6, 9, 9, []string{"k1-3", "k2-1", "k1-1"}}, {"cam1", "main", 0, 10, 9, []string{"k1-1"}}, {"cam1", "main", 6, 11, 9, []string{"k1-3"}},
		{"cam1", "main", 6, 9, 1, []string{"k1-3"}}, {"cam1", "sub", 6, 9, 9, []string{}}, {"cam2", "main", 6, 9, 9, []string{}}, {"\x00", "main", 6, 9, 9, []string{}},
	} {
		got := must[[]alerts.Evidence](t)(s.EvidenceHolding(ctx, c.camera, c.profile, at(c.from), at(c.to), c.limit))
		wantIDs(t, ids(got, name), c.want, fmt.Sprintf("what holds %+v", c))
	}
}

// Requests for clips are seen by area, and answered on the version that was read.
func testClipRequests(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	fileCase(t, s, "k1", "v1")
	fileCase(t, s, "k4", "v4")
	request := func(n int, caseID, area, by string) alerts.ClipRequest {
		at := Base.Add(time.Duration(n) * time.Minute)
		return alerts.ClipRequest{ID: fmt.Sprintf("r%d", n), CaseID: caseID, AreaID: area, Cameras: []string{"cam1", "cam2"}, From: Base, To: at, Reason: "因\nb",
			State: alerts.RequestOpen, ByID: by, ByName: "n", ByRole: alerts.GridLeader, At: at}
	}
	save := func(r alerts.ClipRequest) error {
		return s.Write(ctx, func(tx alerts.Tx) error { return tx.SaveClipRequest(r) })
	}
	for _, r := range []alerts.ClipRequest{request(1, "k1", "v1", "a"), request(2, "k1", "v1", "b"), request(3, "k4", "v4", "a")} {
		if err := save(r); err != nil {
			t.Fatal(err)
		}
	}
	r := must[alerts.ClipRequest](t)(s.ClipRequest(ctx, At(T1Path), "r1"))
	want := request(1, "k1", "v1", "a")
	if want.Version, want.AreaPath = 1, r.AreaPath; !reflect.DeepEqual(r, want) || r.AreaPath == "" {
		t.Errorf("request %+v, want %+v", r, want)
	}
	_, err := s.ClipRequest(ctx, At(T3Path), "r1")
	wantKind(t, err, alerts.NotFound, "a request from elsewhere")
	r.State, r.AnsweredBy, r.AnsweredName, r.AnsweredAt, r.Answer, r.ExportID = alerts.RequestApproved, "o", "on", Base.Add(time.Hour), "so", "x"
	if err := save(r); err != nil {
		t.Fatal(err)
	}
	wantKind(t, save(r), alerts.Conflict, "an answer on an old version")
	r.Version++
	if got := must[alerts.ClipRequest](t)(s.ClipRequest(ctx, At(T1Path), "r1")); !reflect.DeepEqual(got, r) {
		t.Errorf("answered %+v, want %+v", got, r)
	}
	name := func(r alerts.ClipRequest) string { return r.ID }
	for _, c := range []struct {
		path string
		f    alerts.ClipRequestFilter
		want []string
	}{
		{CityPath, alerts.ClipRequestFilter{}, []string{"r3", "r2", "r1"}}, {EastPath, alerts.ClipRequestFilter{}, []string{"r2", "r1"}},
		{CityPath, alerts.ClipRequestFilter{State: alerts.RequestOpen}, []string{"r3", "r2"}}, {CityPath, alerts.ClipRequestFilter{ByID: "a"}, []string{"r3", "r1"}},
		{CityPath, alerts.ClipRequestFilter{CaseID: "k4"}, []string{"r3"}}, {"", alerts.ClipRequestFilter{}, nil}, {CityPath, alerts.ClipRequestFilter{CaseID: "\x00"}, nil},
	} {
		var got []string
		for f := c.f; ; {
			f.Page.Limit = 1
			page, next, err := s.ClipRequests(ctx, At(c.path), f)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, ids(page, name)...)
			if f.Page.Cursor = next; next == "" {
				break
			}
		}
		wantIDs(t, got, c.want, fmt.Sprintf("requests of %q by %+v", c.path, c.f))
	}
}

// Exports of clips are a queue: oldest first by state, and one's own newest first.
func testClipExports(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	fileCase(t, s, "k1", "v1")
	order := func(n int, by string, state alerts.ClipState) alerts.ClipExport {
		at := Base.Add(time.Duration(n) * time.Minute)
		return alerts.ClipExport{ID: fmt.Sprintf("x%d", n), CaseID: "k1", AreaID: "v1", Cameras: []alerts.ClipCamera{{ID: "cam1", Profile: "main"}, {ID: "cam2", Profile: "sub"}},
			From: Base, To: at, Purpose: "p", Note: "n", RequestID: "r", State: state, Evidence: []string{"e1", "e2"}, Already: []string{"e0"}, Error: "so", ByID: by,
			ByName: "bn", ByRole: alerts.DutyOfficer, At: at, EndedAt: at, OrderedOn: "n0", Node: "n1", Until: at.Add(time.Minute)}
	}
	for _, x := range []alerts.ClipExport{order(2, "a", alerts.ClipsQueued), order(1, "b", alerts.ClipsQueued), order(3, "a", alerts.ClipsDone)} {
		Write(t, s, func(tx alerts.Tx) error { return tx.SaveClipExport(x) })
	}
	x := must[alerts.ClipExport](t)(s.ClipExport(ctx, "x2"))
	want := order(2, "a", alerts.ClipsQueued)
	if want.Version = 1; !reflect.DeepEqual(x, want) {
		t.Errorf("export %+v, want %+v", x, want)
	}
	name := func(x alerts.ClipExport) string { return x.ID }
	wantIDs(t, ids(must[[]alerts.ClipExport](t)(s.ClipExportsIn(ctx, alerts.ClipsQueued, 9)), name), []string{"x1", "x2"}, "the queue")
	wantIDs(t, ids(must[[]alerts.ClipExport](t)(s.ClipExportsIn(ctx, alerts.ClipsQueued, 1)), name), []string{"x1"}, "the first of the queue")
	first, next, err := s.ClipExports(ctx, "a", alerts.Page{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	second, end, err := s.ClipExports(ctx, "a", alerts.Page{Limit: 1, Cursor: next})
	if err != nil || end != "" {
		t.Fatal(end, err)
	}
	wantIDs(t, ids(append(first, second...), name), []string{"x3", "x2"}, "one's own")
	x.State = alerts.ClipsRunning
	save := func() error { return s.Write(ctx, func(tx alerts.Tx) error { return tx.SaveClipExport(x) }) }
	if err := save(); err != nil {
		t.Fatal(err)
	}
	wantKind(t, save(), alerts.Conflict, "a change on an old version")
	_, err = s.ClipExport(ctx, "none")
	wantKind(t, err, alerts.NotFound, "no export")
}

// Holds are due when they have run out, or are not pinned as they should be.
func testHolds(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	fileCase(t, s, "k1", "v1")
	minute := func(n int) time.Time { return Base.Add(time.Duration(n) * time.Minute) }
	hold := func(id string, until int, pin string, pinned int) alerts.Hold {
		return alerts.Hold{ID: id, CaseID: "k1", CameraID: "cam1", From: minute(-1), To: minute(1), Until: minute(until), Pin: pin, PinUntil: minute(pinned),
			Why: "w", ReviewedBy: "r", ReviewedAt: minute(2), At: minute(0)}
	}
	released := hold("h5", 1, "p", 1)
	released.ReleasedAt = minute(3)
	for _, h := range []alerts.Hold{hold("h1", 100, "p", 100), hold("h2", 100, "", 0), hold("h3", 100, "p", 50), hold("h4", 5, "p", 5), released} {
		Write(t, s, func(tx alerts.Tx) error { return tx.SaveHold(h) })
	}
	name := func(h alerts.Hold) string { return h.ID }
	wantIDs(t, ids(must[[]alerts.Hold](t)(s.HoldsDue(ctx, minute(10), 9)), name), []string{"h2", "h3", "h4"}, "what is due")
	wantIDs(t, ids(must[[]alerts.Hold](t)(s.HoldsDue(ctx, minute(4), 1)), name), []string{"h2"}, "the first that is due")
	wantIDs(t, ids(must[[]alerts.Hold](t)(s.HoldsOf(ctx, "k1")), name), []string{"h1", "h2", "h3", "h4", "h5"}, "a case's")
	h := must[alerts.Hold](t)(s.Hold(ctx, "h5"))
	if released.Version = 1; h != released {
		t.Errorf("hold %+v, want %+v", h, released)
	}
	save := func() error { return s.Write(ctx, func(tx alerts.Tx) error { return tx.SaveHold(h) }) }
	if err := save(); err != nil {
		t.Fatal(err)
	}
	wantKind(t, save(), alerts.Conflict, "a change on an old version")
	wantKind(t, s.Write(ctx, func(tx alerts.Tx) error {
		return tx.SaveHold(alerts.Hold{ID: "x", CaseID: "none"})
	}), alerts.Invalid, "a hold of no case")
}
