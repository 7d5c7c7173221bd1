package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"sharpeyes/alerts"
)

func testRequestKeys(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Write(t, s, func(tx alerts.Tx) error {
		_, _, err := tx.Recall("u1", "k")
		wantKind(t, err, alerts.NotFound, "an unknown key")
		return tx.Remember("u1", "k", "fingerprint", "object")
	})
	Write(t, s, func(tx alerts.Tx) error {
		request, object, err := tx.Recall("u1", "k")
		if err != nil || request != "fingerprint" || object != "object" {
			t.Errorf("recalled %q %q %v", request, object, err)
		}
		_, _, err = tx.Recall("u2", "k")
		wantKind(t, err, alerts.NotFound, "another user's key")
		return nil
	})
	err := s.Write(ctx, func(tx alerts.Tx) error { return tx.Remember("u1", "k", "other", "other") })
	wantKind(t, err, alerts.Conflict, "a key twice")
}

func testNumbers(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	next := func(series string) (n int64) {
		Write(t, s, func(tx alerts.Tx) (err error) { n, err = tx.NextNumber(series); return err })
		return n
	}
	for want := int64(1); want <= 3; want++ {
		if got := next("a"); got != want {
			t.Fatalf("number %d, want %d", got, want)
		}
	}
	if got := next("b"); got != 1 {
		t.Fatalf("another series begins with %d", got)
	}
	err := s.Write(ctx, func(tx alerts.Tx) error {
		if _, err := tx.NextNumber("a"); err != nil {
			return err
		}
		return errStop
	})
	if !errors.Is(err, errStop) {
		t.Fatal(err)
	}
	if got := next("a"); got != 4 {
		t.Fatalf("number after a rollback is %d, want 4", got)
	}
}

func testEvents(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	if oldest, newest, err := s.Seqs(ctx); err != nil || oldest != 0 || newest != 0 {
		t.Fatalf("numbers before the first event: %d %d %v", oldest, newest, err)
	}
	e := alerts.Event{At: Base, Kind: alerts.IncidentCreated, AreaID: "v1", ID: "i1", Data: json.RawMessage(`{"text":"火"}`)}
	Write(t, s, func(tx alerts.Tx) error {
		if err := tx.Append(&e); err != nil {
			return err
		}
		return tx.Append(&alerts.Event{At: Base, Kind: alerts.UserChanged, ID: "u1"})
	})
	if e.Seq != 1 || e.AreaPath != "/city/east/t1/v1/" {
		t.Fatalf("appended event: %+v", e)
	}
	events, upTo, err := s.Events(ctx, alerts.System(), 0, 10)
	if err != nil || upTo != 2 || len(events) != 2 || !reflect.DeepEqual(events[0], e) || events[1].Seq != 2 || events[1].Data != nil {
		t.Fatalf("events: %+v %d %v", events, upTo, err)
	}
	if events, upTo, err = s.Events(ctx, alerts.System(), 0, 1); err != nil || upTo != 1 || len(events) != 1 {
		t.Fatalf("one event: %+v %d %v", events, upTo, err)
	}
	if events, upTo, err = s.Events(ctx, alerts.System(), 2, 10); err != nil || upTo != 2 || len(events) != 0 {
		t.Fatalf("no event: %+v %d %v", events, upTo, err)
	}
	err = s.Write(ctx, func(tx alerts.Tx) error {
		return tx.Append(&alerts.Event{Kind: alerts.CameraSaved, Data: make([]byte, 64<<10+1)})
	})
	if err == nil {
		t.Fatal("an event over 64 KiB was taken")
	}
}

func testEventScope(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	Write(t, s, func(tx alerts.Tx) error {
		for _, area := range []string{"v1", "v4", "", "v2", "v3"} {
			if err := tx.Append(&alerts.Event{Kind: alerts.CameraSaved, AreaID: area}); err != nil {
				return err
			}
		}
		return tx.Append(&alerts.Event{Kind: alerts.RulesChanged}) // for every area
	})
	for _, c := range []struct {
		scope alerts.Scope
		want  []int64
		upTo  int64
	}{
		{alerts.System(), []int64{1, 2, 3, 4, 5, 6}, 6},
		{At(CityPath), []int64{1, 2, 4, 5, 6}, 6},
		{At(T1Path), []int64{1, 4, 6}, 6},
		{At(T3Path), []int64{2, 6}, 6},
		{alerts.Scope{}, nil, 0},
	} {
		events, upTo, err := s.Events(ctx, c.scope, 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		var got []int64
		for _, e := range events {
			got = append(got, e.Seq)
		}
		if !reflect.DeepEqual(got, c.want) || upTo != c.upTo {
			t.Errorf("%v sees %v up to %d, want %v up to %d", c.scope.Paths, got, upTo, c.want, c.upTo)
		}
	}
	if _, upTo, err := s.Events(ctx, At(T1Path), 0, 1); err != nil || upTo != 1 {
		t.Errorf("a full answer reads up to %d (%v), want its last event", upTo, err)
	}
}

// testConcurrent writes from many goroutines, some of whose writes fail, while
// a reader follows: what it sees is consecutive and never ahead of itself.
func testConcurrent(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	const writers, each = 16, 25
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range each {
				id := w*each + n
				err := s.Write(ctx, func(tx alerts.Tx) error {
					if err := tx.Append(&alerts.Event{Kind: alerts.IncidentCreated, AreaID: "v1", ID: fmt.Sprint(id)}); err != nil {
						return err
					}
					if err := tx.AddIncident(Incident(id, "v1", "")); err != nil {
						return err
					}
					if id%5 == 0 {
						return errStop
					}
					return nil
				})
				if (id%5 == 0) != errors.Is(err, errStop) || id%5 != 0 && err != nil {
					t.Errorf("write %d: %v", id, err)
				}
			}
		})
	}
	written := make(chan struct{})
	go func() { wg.Wait(); close(written) }()
	seen, last := 0, int64(0)
	for done := false; !done; {
		select {
		case <-written:
			done = true // one more look, at everything
		default:
		}
		for {
			events, upTo, err := s.Events(ctx, alerts.System(), last, 7)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				if e.Seq != last+1 {
					t.Fatalf("event %d after %d", e.Seq, last)
				}
				last = e.Seq
				seen++
				if _, err := s.Incident(ctx, alerts.System(), fmt.Sprintf("inc%06s", e.ID)); err != nil {
					t.Fatalf("event %d without its incident: %v", e.Seq, err)
				}
			}
			if upTo != last {
				t.Fatalf("read up to %d after event %d", upTo, last)
			}
			if len(events) == 0 {
				break
			}
		}
	}
	if want := writers * each * 4 / 5; seen != want {
		t.Fatalf("%d events, want %d", seen, want)
	}
}

func testRollback(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	err := s.Write(ctx, func(tx alerts.Tx) error {
		for _, err := range []error{
			tx.AddIncident(Incident(1, "v1", "")), tx.SaveCamera(Camera("cam1", "v1", "")), tx.SaveAlert(Alert(1, "k", "v1", "")),
			tx.SaveUser(alerts.User{ID: "u", Username: "u"}), tx.Remember("u", "k", "r", "o"),
			tx.SaveArea(alerts.Area{ID: "t1", ParentID: "west"}), tx.Append(&alerts.Event{Kind: alerts.CameraSaved}),
		} {
			if err != nil {
				return err
			}
		}
		return errStop
	})
	if !errors.Is(err, errStop) {
		t.Fatalf("the write returned %v", err)
	}
	for what, err := range map[string]error{
		"incident": second(s.Incident(ctx, alerts.System(), "inc000001")), "camera": second(s.Camera(ctx, alerts.System(), "cam1")),
		"alert": second(s.Alert(ctx, alerts.System(), "alert000001")), "user": second(s.User(ctx, alerts.System(), "u")),
	} {
		wantKind(t, err, alerts.NotFound, what+" of a rolled-back write")
	}
	if _, newest, err := s.Seqs(ctx); err != nil || newest != 0 {
		t.Fatalf("an event is left behind: %d %v", newest, err)
	}
	if a := must[alerts.Area](t)(s.Area(ctx, alerts.System(), "v1")); a.Path != "/city/east/t1/v1/" {
		t.Fatalf("a path is left changed: %s", a.Path)
	}
	Write(t, s, func(tx alerts.Tx) error { return tx.Remember("u", "k", "r", "o") })
	// A failed statement that fn swallows leaves the rest of its write whole.
	Write(t, s, func(tx alerts.Tx) error {
		wantKind(t, tx.SaveGrid(alerts.Grid{ID: "x", AreaID: "nowhere"}), alerts.Invalid, "grid nowhere")
		return tx.AddIncident(Incident(2, "v1", ""))
	})
	if _, err := s.Incident(ctx, alerts.System(), "inc000002"); err != nil {
		t.Fatal(err)
	}
}

func testPanic(t *testing.T, s alerts.Store) {
	Town(t, s)
	func() {
		defer func() {
			if got := recover(); got != "boom" {
				t.Errorf("recovered %v, want fn's own panic", got)
			}
		}()
		_ = s.Write(context.Background(), func(tx alerts.Tx) error {
			if err := tx.AddIncident(Incident(1, "v1", "")); err != nil {
				t.Error(err)
			}
			panic("boom")
		})
	}()
	_, err := s.Incident(context.Background(), alerts.System(), "inc000001")
	wantKind(t, err, alerts.NotFound, "what was written before a panic")
	Write(t, s, func(tx alerts.Tx) error { return tx.AddIncident(Incident(1, "v1", "")) })
}

// testCancelled: a write whose context ends before it starts does not run; one
// that has started is carried through and its outcome told.
func testCancelled(t *testing.T, s alerts.Store) {
	Town(t, s)
	inside, leave := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	first, second := make(chan error, 1), make(chan error, 1)
	go func() {
		first <- s.Write(ctx, func(tx alerts.Tx) error {
			close(inside)
			<-leave
			return tx.AddIncident(Incident(1, "v1", ""))
		})
	}()
	<-inside
	go func() {
		second <- s.Write(ctx, func(tx alerts.Tx) error { return tx.AddIncident(Incident(2, "v1", "")) })
	}()
	cancel()
	if err := <-second; !errors.Is(err, context.Canceled) {
		t.Errorf("the write that waited returned %v", err)
	}
	close(leave)
	if err := <-first; err != nil {
		t.Errorf("the write that had started returned %v", err)
	}
	if _, err := s.Incident(context.Background(), alerts.System(), "inc000001"); err != nil {
		t.Error(err)
	}
	_, err := s.Incident(context.Background(), alerts.System(), "inc000002")
	wantKind(t, err, alerts.NotFound, "what was cancelled before its start")
}

// testReadOwn: a transaction sees its own writes, readers do not before the
// commit and do after it.
func testReadOwn(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	Town(t, s)
	Write(t, s, func(tx alerts.Tx) error {
		if err := tx.AddIncident(Incident(1, "v1", "")); err != nil {
			return err
		}
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := tx.Incident(cancelled, alerts.System(), "inc000001"); err != nil {
			t.Errorf("own write, read with a context that has ended: %v", err)
		}
		_, err := s.Incident(ctx, alerts.System(), "inc000001")
		if alerts.KindOf(err) != alerts.NotFound {
			t.Errorf("a reader sees what is not committed: %v", err)
		}
		return nil
	})
	if _, err := s.Incident(ctx, alerts.System(), "inc000001"); err != nil {
		t.Error(err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Incident(cancelled, alerts.System(), "inc000001"); !errors.Is(err, context.Canceled) {
		t.Errorf("reading with a context that has ended: %v", err)
	}
}

func testSweep(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	at := func(n int) time.Time { return Base.Add(time.Duration(n) * time.Hour) }
	Write(t, s, func(tx alerts.Tx) error {
		// The clock ran back once: event 3 is older than event 2.
		for _, h := range []int{1, 4, 2, 5, 6} {
			if err := tx.Append(&alerts.Event{At: at(h), Kind: alerts.CameraSaved}); err != nil {
				return err
			}
		}
		return tx.Remember("u", "k", "r", "o") // dated by the store's clock, long after Base
	})
	for n := 1; n <= 3; n++ {
		if err := s.SaveSession(ctx, alerts.Session{TokenHash: fmt.Sprint(n), Expires: at(n)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Sweep(ctx, at(2)); err != nil {
		t.Fatal(err)
	}
	if oldest, newest, err := s.Seqs(ctx); err != nil || oldest != 2 || newest != 5 {
		t.Fatalf("kept events %d to %d (%v), want 2 to 5 without gaps", oldest, newest, err)
	}
	for n, want := range map[int]bool{1: false, 2: false, 3: true} {
		if _, err := s.Session(ctx, fmt.Sprint(n)); (err == nil) != want {
			t.Errorf("session that expires at hour %d: %v", n, err)
		}
	}
	Write(t, s, func(tx alerts.Tx) error {
		_, _, err := tx.Recall("u", "k")
		return err
	})
	if err := s.Sweep(ctx, time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	if oldest, newest, err := s.Seqs(ctx); err != nil || oldest != 5 || newest != 5 {
		t.Fatalf("kept events %d to %d (%v), want the newest", oldest, newest, err)
	}
	Write(t, s, func(tx alerts.Tx) error {
		_, _, err := tx.Recall("u", "k")
		wantKind(t, err, alerts.NotFound, "a swept key")
		e := alerts.Event{Kind: alerts.CameraSaved}
		err = tx.Append(&e)
		if e.Seq != 6 {
			t.Errorf("the number after a sweep is %d, want 6", e.Seq)
		}
		return err
	})
}

// testHostile looks for what no database takes as it is.
func testHostile(t *testing.T, s alerts.Store) {
	ctx := context.Background()
	everywhere(t, s)
	for _, id := range []string{"", "\x00", "a\x00b", "' OR 1=1 --", "?", "?0", "\xff\xfe", "%"} {
		for what, err := range map[string]error{
			"camera": second(s.Camera(ctx, alerts.System(), id)), "incident": second(s.Incident(ctx, alerts.System(), id)),
			"photo": second(s.IncidentOfPhoto(ctx, alerts.System(), id)), "area": second(s.Area(ctx, alerts.System(), id)),
			"user": second(s.UserByName(ctx, alerts.System(), id)), "session": second(s.Session(ctx, id)),
		} {
			wantKind(t, err, alerts.NotFound, fmt.Sprintf("%s %q", what, id))
		}
		if id == "" {
			continue
		}
		for what, n := range map[string]int{
			"camera area":   len(first(t)(s.Cameras(ctx, alerts.System(), alerts.CameraFilter{AreaID: id}))),
			"camera grid":   len(first(t)(s.Cameras(ctx, alerts.System(), alerts.CameraFilter{GridID: id}))),
			"camera text":   len(first(t)(s.Cameras(ctx, alerts.System(), alerts.CameraFilter{Text: id}))),
			"incident area": len(firstIncidents(t)(s.Incidents(ctx, alerts.System(), alerts.IncidentFilter{AreaID: id}))),
			"incident text": len(firstIncidents(t)(s.Incidents(ctx, alerts.System(), alerts.IncidentFilter{Text: id}))),
		} {
			if n != 0 {
				t.Errorf("%s %q finds %d", what, id, n)
			}
		}
	}
}

func first(t *testing.T) func([]alerts.Camera, string, error) []alerts.Camera {
	return func(v []alerts.Camera, _ string, err error) []alerts.Camera {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		return v
	}
}

func firstIncidents(t *testing.T) func([]alerts.Incident, string, error) []alerts.Incident {
	return func(v []alerts.Incident, _ string, err error) []alerts.Incident {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		return v
	}
}

func testClosed(t *testing.T, s alerts.Store) {
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	err := s.Write(context.Background(), func(alerts.Tx) error { return nil })
	wantKind(t, err, alerts.Unavailable, "a write after Close")
	if err := s.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}
