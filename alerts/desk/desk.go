// Package desk holds every use case: scope, rule, commit, publish.
//
// Invariants:
//   - An object is loaded, then checked against the caller's scope, then used.
//     What lies outside the scope is not found.
//   - A change and its events are committed together; events are published
//     after the commit, and what other desks publish is followed.
//   - What this desk has committed is seen by its next call.
//   - Camera credentials are stored sealed and leave only through PullSpecs.
//
// Under load, writes wait in the store's bounded queue; alarms of one key that
// come faster than they can be committed are counted together, and none is
// answered before it is on disk.
package desk

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"sharpeyes/alerts"
)

// Defaults.
const (
	DefaultWindow    = 5 * time.Minute // in which an alarm repeats instead of being new
	SnapshotSpan     = 24 * time.Hour  // of incidents and alerts in a snapshot
	SnapshotLimit    = 500             // incidents, and alerts, in a snapshot
	DefaultNearLimit = 8               // cameras that see a point
	MaxNearLimit     = 100

	pollPeriod     = 5 * time.Second // reads on in case the bus lost something
	publishTimeout = 2 * time.Second // after which the others have to find out by polling
)

// Vault seals what must not be readable in the store.
type Vault interface {
	Seal(plain []byte) ([]byte, error)
	Open(sealed []byte) ([]byte, error)
}

// Desk is where use cases are called. Set the exported fields before Open.
type Desk struct {
	Clock        alerts.Clock
	Categories   []alerts.Category // as shipped, as are the two below: loaded into a store that has none
	Deadlines    []alerts.Deadline
	Calendar     alerts.Calendar
	Vault        Vault                         // nil: cameras cannot have credentials
	CheckHook    func(url string) error        // tells why a webhook's address is not taken, for people; nil: every one is
	Health       func(cameraID string) float64 // 0 to 1, for ranking; nil: all 1
	NumberPrefix string                        // before the date in incident numbers, such as "LH-"
	Zone         *time.Location                // of the date in incident numbers; UTC+8 by default
	Window       time.Duration                 // in which an alarm repeats instead of being new

	Clipper Clipper        // the record; nil: there is none, and no evidence is made
	Objects alerts.Objects // where evidence is kept; nil: likewise
	Photos  PhotoCopies    // for packages of evidence
	Marker  Marker         // makes copies for sharing; nil: none are made
	Signer  ed25519.PrivateKey
	Holds   HoldRules
	Node    string // name of this node, as in object keys: no two on one store have the same, and it stays over a restart
	Nodes   bool   // there may be others on the store

	store   alerts.Store
	bus     alerts.Bus
	known   picture // of places and cameras
	raising raising
	reports reports
	seen    *glimpses // looks that have their entry
	cutting *cutting
	copying chan struct{} // holds one for each copy that is being made

	cancel    context.CancelFunc
	following sync.WaitGroup
}

// New returns a desk over a store and a bus.
func New(store alerts.Store, bus alerts.Bus) *Desk {
	d := &Desk{
		Clock:   time.Now,
		Zone:    time.FixedZone("UTC+8", 8*60*60),
		Window:  DefaultWindow,
		store:   store,
		bus:     bus,
		known:   picture{store: store, stale: true, town: newTown(nil, nil, time.Time{}), pending: make(map[int64]alerts.Event)},
		raising: raising{groups: make(map[string]*raiseGroup)},
		seen:    newGlimpses(),
		cutting: newCutting(),
		copying: make(chan struct{}, copiesAtOnce),
		Holds:   DefaultHolds(),
		cancel:  func() {},
	}
	d.known.clock = d.now
	d.known.rule, d.known.book = d.readRules, newRuleBook(nil, officeHours(), nil, d.Zone)
	return d
}

// Open loads the places and the rules and follows what other desks change.
func (d *Desk) Open(ctx context.Context) error {
	if err := d.storeShipped(ctx); err != nil {
		return err
	}
	nudge := make(chan struct{}, 1) // full: a look is due already
	unsubscribe := d.bus.Subscribe(func(e alerts.Event) {
		if e.Seq == 0 || d.known.note([]alerts.Event{e}) {
			return
		}
		select {
		case nudge <- struct{}{}:
		default:
		}
	})
	// Events that come from now on wait until the picture is loaded.
	if err := d.known.catchUp(ctx); err != nil {
		unsubscribe()
		return err
	}
	following, cancel := context.WithCancel(context.Background())
	d.cancel = func() { unsubscribe(); cancel() }
	d.following.Go(func() { d.follow(following, nudge) })
	return nil
}

// follow reads on from the store when the bus shows a gap, and now and then in
// case it lost the newest.
func (d *Desk) follow(ctx context.Context, nudge <-chan struct{}) {
	poll := time.NewTicker(pollPeriod)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-nudge:
		case <-poll.C:
		}
		// A store that is down now is asked again at the next tick.
		_ = d.known.catchUp(ctx)
		_ = d.turnPlaces(ctx)
	}
}

// Close ends the following; it returns when it has ended.
func (d *Desk) Close() error {
	d.cancel()
	d.following.Wait()
	return nil
}

// now is the time to the millisecond, as it is shown and hashed.
func (d *Desk) now() time.Time { return d.Clock().UTC().Truncate(time.Millisecond) }

// clampTime keeps a time from running back behind another.
func clampTime(t, notBefore time.Time) time.Time {
	if t.Before(notBefore) {
		return notBefore
	}
	return t
}

// change is a use case's transaction with the events it causes.
type change struct {
	alerts.Tx
	now    time.Time
	holds  HoldRules
	node   string
	events []alerts.Event
	cuts   bool // leaves work to the worker of StartCutting
}

// emit appends an event; data is its object as the view that leaves the process.
func (c *change) emit(kind alerts.EventKind, areaID, areaPath, id string, data any) error {
	return c.emitTo(nil, kind, areaID, areaPath, id, data)
}

// emitTo appends an event that concerns parties.
func (c *change) emitTo(parties []string, kind alerts.EventKind, areaID, areaPath, id string, data any) error {
	e := alerts.Event{At: c.now, Kind: kind, AreaID: areaID, AreaPath: areaPath, ID: id, Parties: parties}
	if data != nil {
		b, err := json.Marshal(data)
		if err != nil {
			return fmt.Errorf("desk: event %s: %w", kind, err)
		}
		e.Data = b
	}
	if err := c.Append(&e); err != nil {
		return err
	}
	c.events = append(c.events, e)
	return nil
}

// write commits a change, then takes note of its events and publishes them. fn
// runs on the store's writer: everything slow belongs before it.
func (d *Desk) write(ctx context.Context, fn func(*change) error) error {
	var c *change
	err := d.store.Write(ctx, func(tx alerts.Tx) error {
		c = &change{Tx: tx, now: d.now(), holds: d.Holds, node: d.Node}
		return fn(c)
	})
	if err != nil {
		return err
	}
	if c.cuts {
		d.cutting.wake()
	}
	if !d.known.note(c.events) && concernsPicture(c.events) {
		// Somebody else's event is missing before ours. The change is committed
		// whatever comes of this, so its caller's context does not matter; where
		// the store is down now, follow tries again.
		_ = d.known.catchUp(context.WithoutCancel(ctx))
	}
	publish, cancel := context.WithTimeout(context.WithoutCancel(ctx), publishTimeout)
	defer cancel()
	for _, e := range c.events {
		if d.bus.Publish(publish, e) != nil {
			return nil // a hint that is lost: who misses it reads on from the store
		}
	}
	return nil
}
