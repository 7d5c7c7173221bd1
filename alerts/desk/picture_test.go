package desk

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"sharpeyes/alerts"
)

// follows waits until a desk has taken in every event of the store.
func follows(t *testing.T, o *office, d *Desk) {
	t.Helper()
	ctx := context.Background()
	_, newest, err := o.store.Seqs(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.known.catchUp(ctx); err != nil {
		t.Fatal(err)
	}
	if seq, stale := d.known.at(); seq != newest || stale {
		t.Fatalf("at event %d (stale: %v), want %d", seq, stale, newest)
	}
}

// TestFollow has two desks over one store and a bus that loses messages.
func TestFollow(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	other := o.desk(t)
	admin := as(alerts.Admin, "city")
	sees := func(d *Desk, want int) {
		t.Helper()
		if near := ok[[]SeenCameraView](t)(d.CamerasNear(ctx, admin, middles["v1"], 0)); len(near) != want {
			t.Errorf("%d cameras, want %d", len(near), want)
		}
	}
	ok[CameraView](t)(o.CreateCamera(ctx, admin, camera("cam1", "v1")))
	sees(o.Desk, 1)
	sees(other, 1) // the bus told it
	o.bus.mu.Lock()
	o.bus.lose = func(alerts.Event) bool { return true }
	o.bus.mu.Unlock()
	ok[CameraView](t)(o.CreateCamera(ctx, admin, camera("cam2", "v1")))
	if err := o.RemoveCamera(ctx, admin, "cam1"); err != nil {
		t.Fatal(err)
	}
	sees(o.Desk, 1)
	sees(other, 1) // it still has cam1: it was told nothing
	// Its own change shows it the gap, and is seen at once.
	ok[CameraView](t)(other.CreateCamera(ctx, admin, camera("cam3", "v1")))
	sees(other, 2)
	follows(t, o, o.Desk)
	sees(o.Desk, 2)
	// Places too.
	changeGrid(t, other, "g1a", box(117.0, 31.0, 117.02, 31.1))
	follows(t, o, o.Desk)
	for _, d := range []*Desk{o.Desk, other} {
		if v := ok[CameraView](t)(d.Camera(ctx, admin, "cam2")); v.GridID != "" {
			t.Errorf("cam2 stands in %s", v.GridID)
		}
		if at := d.known.places().index.Locate(middles["v1"]); at.GridID != "" || at.AreaID != "v1" {
			t.Errorf("the middle of v1 lies in %+v", at)
		}
	}
	// What was swept before it was read is loaded.
	ok[CameraView](t)(other.CreateCamera(ctx, admin, camera("cam4", "v1")))
	ok[CameraView](t)(other.CreateCamera(ctx, admin, camera("cam5", "v3")))
	o.clock.add(1000 * 3600 * 1e9)
	if err := o.store.Sweep(ctx, o.clock.time()); err != nil {
		t.Fatal(err)
	}
	follows(t, o, o.Desk)
	sees(o.Desk, 3)
}

// changeGrid gives a grid another shape, as an import does.
func changeGrid(t *testing.T, d *Desk, id string, shape alerts.MultiPolygon) {
	t.Helper()
	ctx := context.Background()
	err := d.write(ctx, func(c *change) error {
		grids, err := c.Grids(ctx, alerts.System())
		if err != nil {
			return err
		}
		for _, g := range grids {
			if g.ID == id {
				g.Shape = shape
				if err := c.SaveGrid(g); err != nil {
					return err
				}
				return d.placesChanged(ctx, c, []string{g.AreaID})
			}
		}
		return fmt.Errorf("no grid %s", id)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestPlacesChanged moves a township: cameras get their grids, sessions of the
// moved area are resolved again, dashboards of it are told.
func TestPlacesChanged(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	admin := as(alerts.Admin, "city")
	ok[CameraView](t)(o.CreateCamera(ctx, admin, camera("cam1", "v1")))
	moved := ok[UserView](t)(o.CreateUser(ctx, admin, UserInput{Username: "in.t1", Name: "U", Role: alerts.Leader, AreaID: "v1", PasswordHash: "x"}))
	ok[UserView](t)(o.CreateUser(ctx, admin, UserInput{Username: "in.t2", Name: "U", Role: alerts.Leader, AreaID: "t2", PasswordHash: "x"}))
	o.bus.forget()
	err := o.write(ctx, func(c *change) error {
		a, err := c.Area(ctx, alerts.System(), "t1")
		if err != nil {
			return err
		}
		a.ParentID = "west"
		if err := c.SaveArea(a); err != nil {
			return err
		}
		return o.placesChanged(ctx, c, []string{"t1", "t1"})
	})
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, e := range o.bus.sent {
		told = append(told, fmt.Sprint(e.Kind, " ", e.AreaPath, e.ID))
	}
	if want := "[user.changed /city/west/t1/v1/" + moved.ID + " places.changed /city/west/t1/]"; fmt.Sprint(told) != want {
		t.Errorf("events %v, want %s", told, want)
	}
	// The camera went along: it is seen from its new county and not from the old.
	if near := ok[[]SeenCameraView](t)(o.CamerasNear(ctx, as(alerts.Leader, "west"), middles["v1"], 0)); len(near) != 1 {
		t.Errorf("the new county sees %d cameras", len(near))
	}
	if near := ok[[]SeenCameraView](t)(o.CamerasNear(ctx, as(alerts.Leader, "east"), middles["v1"], 0)); len(near) != 0 {
		t.Errorf("the old county sees %d cameras", len(near))
	}
}

// TestNoteOrder hands events over in a wrong order, twice, and with a gap.
func TestNoteOrder(t *testing.T) {
	o := newOffice(t)
	saved := func(seq int64, name string) alerts.Event {
		return alerts.Event{Seq: seq, Kind: alerts.CameraSaved, ID: "c", AreaPath: "/city/", Data: []byte(`{"id":"c","name":"` + name + `"}`)}
	}
	p := &o.known
	name := func() string { c, _ := p.camera("c"); return c.view.Name }
	if p.note([]alerts.Event{saved(2, "two")}) || name() != "" {
		t.Fatal("an event was taken in before the one before it")
	}
	if !p.note([]alerts.Event{saved(1, "one")}) || name() != "two" {
		t.Fatalf("the events are not taken in in order: %s", name())
	}
	p.note([]alerts.Event{saved(1, "one")})
	if name() != "two" {
		t.Fatal("an event was taken in twice")
	}
	for n := range int64(maxPending + 10) {
		p.note([]alerts.Event{saved(100+n, "late")})
	}
	p.mu.RLock()
	waiting := len(p.pending)
	p.mu.RUnlock()
	if waiting > maxPending || name() != "two" {
		t.Fatalf("%d events wait, the camera is called %s", waiting, name())
	}
}

// TestOwnWrites creates cameras from many goroutines: each sees its own at once.
func TestOwnWrites(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	admin := as(alerts.Admin, "city")
	var wg sync.WaitGroup
	for n := range 20 {
		wg.Go(func() {
			id := fmt.Sprint("cam", n)
			if _, err := o.CreateCamera(ctx, admin, camera(id, "v1")); err != nil {
				t.Error(err)
			}
			if _, known := o.known.camera(id); !known {
				t.Errorf("%s is not seen after its commit", id)
			}
		})
	}
	wg.Wait()
}
