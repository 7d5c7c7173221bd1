package desk

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sharpeyes/alerts"
	"sharpeyes/alerts/store"
	"sharpeyes/alerts/store/fresh"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testBus hands events over at once. Those in lose are not handed over.
type testBus struct {
	mu   sync.Mutex
	subs map[int]func(alerts.Event)
	next int
	sent []alerts.Event
	lose func(alerts.Event) bool
}

func (b *testBus) Publish(_ context.Context, e alerts.Event) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent = append(b.sent, e)
	if b.lose != nil && b.lose(e) {
		return errors.New("lost")
	}
	for _, fn := range b.subs {
		fn(e)
	}
	return nil
}

func (b *testBus) Subscribe(fn func(alerts.Event)) func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.subs == nil {
		b.subs = make(map[int]func(alerts.Event))
	}
	n := b.next
	b.next++
	b.subs[n] = fn
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.subs, n)
	}
}

func (b *testBus) Close() error { return nil }

func (b *testBus) kinds() []alerts.EventKind {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []alerts.EventKind
	for _, e := range b.sent {
		out = append(out, e.Kind)
	}
	return out
}

// forget drops what was sent so far.
func (b *testBus) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent = nil
}

// clock is set by the test.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// base is one minute before midnight of the 24th in the town.
var base = time.Date(2026, 11, 23, 15, 59, 0, 123456789, time.UTC)

type office struct {
	*Desk
	store *store.Store
	bus   *testBus
	clock *clock
}

func box(west, south, east, north float64) alerts.MultiPolygon {
	return alerts.MultiPolygon{{{{Lon: west, Lat: south}, {Lon: east, Lat: south}, {Lon: east, Lat: north}, {Lon: west, Lat: north},
		{Lon: west, Lat: south}}}}
}

// newOffice opens a desk over a town, from west to east along 31.0 to 31.1:
//
//	117.0  v1 (grids g1a, g1b)  117.1  v2 (g2)  117.2  v3 (g3)  117.3  v4 (g4)  117.4
//
// v1 and v2 are of township t1, v3 of t2, both of county east; v4 is of
// township t3 in county west. Counties have no shape of their own.
func newOffice(t testing.TB) *office {
	t.Helper()
	s, err := store.Open(context.Background(), store.Options{Path: fresh.File(t)})
	if err != nil {
		t.Fatal(err)
	}
	return newOfficeIn(t, s)
}

// newOfficeIn opens it in an empty store, which it closes.
func newOfficeIn(t testing.TB, s *store.Store) *office {
	t.Helper()
	ctx := context.Background()
	o := &office{store: s, bus: &testBus{}, clock: &clock{now: base}}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	err := s.Write(ctx, func(tx alerts.Tx) error {
		for _, a := range []alerts.Area{
			{ID: "city", Name: "柳河市", NameEn: "Liuhe", Level: alerts.City, Shape: box(117.0, 31.0, 117.4, 31.1)},
			{ID: "east", ParentID: "city", Name: "东县", Level: alerts.County},
			{ID: "west", ParentID: "city", Name: "西县", Level: alerts.County},
			{ID: "t1", ParentID: "east", Name: "一镇", Level: alerts.Township, Shape: box(117.0, 31.0, 117.2, 31.1)},
			{ID: "t2", ParentID: "east", Name: "二镇", Level: alerts.Township, Shape: box(117.2, 31.0, 117.3, 31.1)},
			{ID: "t3", ParentID: "west", Name: "三镇", Level: alerts.Township, Shape: box(117.3, 31.0, 117.4, 31.1)},
			{ID: "v1", ParentID: "t1", Name: "一村", Level: alerts.Village, Shape: box(117.0, 31.0, 117.1, 31.1)},
			{ID: "v2", ParentID: "t1", Name: "二村", Level: alerts.Village, Shape: box(117.1, 31.0, 117.2, 31.1)},
			{ID: "v3", ParentID: "t2", Name: "三村", Level: alerts.Village, Shape: box(117.2, 31.0, 117.3, 31.1)},
			{ID: "v4", ParentID: "t3", Name: "四村", Level: alerts.Village, Shape: box(117.3, 31.0, 117.4, 31.1)},
		} {
			if err := tx.SaveArea(a); err != nil {
				return err
			}
		}
		for _, g := range []alerts.Grid{
			{ID: "g1a", AreaID: "v1", Name: "1a", Kind: alerts.Street, Households: 300, Shape: box(117.0, 31.0, 117.05, 31.1)},
			{ID: "g1b", AreaID: "v1", Name: "1b", Kind: alerts.Street, Households: 100, Shape: box(117.05, 31.0, 117.1, 31.1)},
			{ID: "g2", AreaID: "v2", Name: "2", Kind: alerts.Rural, Households: 301, Shape: box(117.1, 31.0, 117.2, 31.1)},
			{ID: "g3", AreaID: "v3", Name: "3", Kind: alerts.Unit, Households: 0, Shape: box(117.2, 31.0, 117.3, 31.1)},
			{ID: "g4", AreaID: "v4", Name: "4", Kind: alerts.Yard, Households: 500, Shape: box(117.3, 31.0, 117.4, 31.1)},
		} {
			if err := tx.SaveGrid(g); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	o.Desk = o.desk(t)
	return o
}

// desk opens another desk over the office's store and bus.
func (o *office) desk(t testing.TB) *Desk {
	t.Helper()
	d := New(o.store, o.bus)
	d.Clock = o.clock.time
	d.NumberPrefix = "LH-"
	d.Categories = []alerts.Category{{Code: "hazard.gas", Group: "hazard", Severity: alerts.High},
		{Code: "opinion.other", Group: "opinion", Severity: alerts.Low}, {Code: "rubbish", Group: "facility", Severity: alerts.Low, Proof: true}}
	vault, err := NewVault(RandomKey())
	if err != nil {
		t.Fatal(err)
	}
	d.Vault = vault
	if err := d.Open(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// paths of the town's areas; what is not in it covers nothing.
var paths = map[string]string{"city": "/city/", "east": "/city/east/", "west": "/city/west/", "t1": "/city/east/t1/",
	"t2": "/city/east/t2/", "t3": "/city/west/t3/", "v1": "/city/east/t1/v1/", "v3": "/city/east/t2/v3/", "v4": "/city/west/t3/v4/"}

// as is the scope of a user of a role in an area.
func as(role alerts.Role, area string) alerts.Scope {
	s := alerts.Scope{User: "user-" + string(role) + "-" + area, Role: role}
	if p := paths[area]; p != "" {
		s.Paths = []string{p}
	}
	return s
}

// middles are points in the middle of grids.
var middles = map[string]alerts.Point{"v1": {Lon: 117.025, Lat: 31.05}, "v2": {Lon: 117.15, Lat: 31.05},
	"v3": {Lon: 117.25, Lat: 31.05}, "v4": {Lon: 117.35, Lat: 31.05}}

func camera(id, area string) CameraInput {
	p := middles[area]
	return CameraInput{ID: id, Name: "Camera " + id, AreaID: area, Lon: p.Lon, Lat: p.Lat, Azimuth: 90, FOV: 360, Range: 100,
		MainURL: "rtsp://10.0.0.9:554/" + id}
}

func report(area string) ReportInput {
	p := middles[area]
	return ReportInput{Category: "hazard.gas", Text: "燃气味 smell of gas", Lon: p.Lon, Lat: p.Lat, Accuracy: 10, Address: "河边路"}
}

func wantKind(t testing.TB, err error, kind alerts.Kind, doing string) {
	t.Helper()
	if err == nil || alerts.KindOf(err) != kind {
		t.Errorf("%s: got %v, want an error of kind %s", doing, err, kind)
	}
}

// wantFault checks that an error is Invalid and names exactly these fields.
func wantFault(t testing.TB, err error, doing string, fields ...string) {
	t.Helper()
	var e *alerts.Error
	if !errors.As(err, &e) || e.Kind != alerts.Invalid {
		t.Errorf("%s: got %v, want an invalid field", doing, err)
		return
	}
	var got []string
	for _, f := range e.Faults {
		got = append(got, f.Field)
	}
	if !slices.Equal(got, fields) {
		t.Errorf("%s: faults in %v, want %v (%v)", doing, got, fields, err)
	}
}

func ok[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func second[T any](_ T, err error) error { return err }

func ptr[T any](v T) *T { return &v }

func asJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
