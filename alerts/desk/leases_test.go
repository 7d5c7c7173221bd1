package desk

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/store"
	"sharpeyes/alerts/store/pgtest"
)

// pair is two nodes on one PostgreSQL, and one folder of objects. The first is at
// work, and waits at each order.
type pair struct {
	a, b  *bureau
	reels [2]*reel
	shelf *shelf
	k     alerts.Case
}

func newPair(t *testing.T) *pair {
	t.Helper()
	var server pgtest.Server
	t.Cleanup(func() { _ = server.Close() })
	address := server.URL(t)
	open := func() *store.Store {
		return ok[*store.Store](t)(store.Open(context.Background(), store.Options{URL: address}))
	}
	p := &pair{a: newBureauIn(t, newOfficeIn(t, open()))}
	p.reels[0], p.shelf = p.a.film(t)
	other := &office{store: open(), bus: &testBus{}, clock: p.a.clock}
	t.Cleanup(func() { _ = other.store.Close() })
	other.Desk = other.desk(t)
	p.b = &bureau{office: other, who: p.a.who}
	p.reels[1] = &reel{pins: map[string]time.Time{}}
	p.b.Clipper, p.b.Objects = p.reels[1], p.shelf
	for name, o := range map[string]*bureau{"na": p.a, "nb": p.b} {
		o.Node, o.Nodes, o.cutting.watch = name, true, 0
	}
	_, p.k = p.a.reported(t, "gr", "v1", nil)
	p.reels[0].gate, p.reels[0].begun = make(chan struct{}), make(chan string, 8)
	p.cuts(t, p.a)
	return p
}

func (p *pair) cuts(t *testing.T, n *bureau) {
	t.Helper()
	if err := n.StartCutting(context.Background(), fails(t)); err != nil {
		t.Fatal(err)
	}
}

// looks has a node look at the orders of all, as its worker does now and then.
func (n *bureau) looks(t *testing.T) {
	t.Helper()
	if err := n.takeUp(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// A node that starts, and looks again and again, leaves the orders of another one
// alone while that renews its leases, and takes them up when it does not.
func TestOrdersBelongToANode(t *testing.T) {
	p, ctx := newPair(t), context.Background()
	running, waiting := p.a.order(t, p.k.ID, "c1"), p.a.order(t, p.k.ID, "c2")
	<-p.reels[0].begun
	own := func(want alerts.ClipState, node string, ids ...string) {
		t.Helper()
		for _, id := range ids {
			x := ok[alerts.ClipExport](t)(p.a.store.ClipExport(ctx, id))
			if x.State != want || x.Node != node || x.OrderedOn != "na" || x.Until.Before(p.a.clock.time()) {
				t.Errorf("order %+v, want it %s on node %s", x, want, node)
			}
		}
	}
	if found, err := p.b.cutNext(ctx); err != nil || found {
		t.Errorf("the other node works at an order of the first: %v", err)
	}
	for range 5 {
		p.a.clock.add(exportLease - time.Second)
		if err := p.a.renew(ctx); err != nil {
			t.Fatal(err)
		}
		p.b.looks(t)
		p.b.looks(t)
	}
	own(alerts.ClipsRunning, "na", running.ID)
	own(alerts.ClipsQueued, "na", waiting.ID)

	// A clock that has jumped does not take them either: they are renewed meanwhile.
	p.a.clock.add(24 * time.Hour)
	p.b.looks(t)
	if err := p.a.renew(ctx); err != nil {
		t.Fatal(err)
	}
	p.b.looks(t)
	own(alerts.ClipsRunning, "na", running.ID)

	// The first node hangs: nothing is renewed.
	p.a.clock.add(exportLease + time.Second)
	p.b.looks(t)
	own2 := ok[alerts.ClipExport](t)(p.b.store.ClipExport(ctx, running.ID))
	if own2.Node != "na" {
		t.Error("the first look takes an order that nobody watched")
	}
	p.b.looks(t)
	own(alerts.ClipsQueued, "nb", running.ID, waiting.ID)
	p.cuts(t, p.b)
	wait(t, "the other node", func() bool {
		return p.b.export(t, waiting.ID).State == alerts.ClipsDone && p.b.export(t, running.ID).State == alerts.ClipsDone
	})
	kept := p.shelf.keys()

	// It wakes up, finishes its file, finds out, and takes back its own alone.
	p.reels[0].gate <- struct{}{}
	wait(t, "the first node", func() bool { return p.a.cutting.current() == "" })
	if got := p.shelf.keys(); !slices.Equal(got, kept) || len(got) != 2 || !strings.HasSuffix(got[0], "-nb.mp4") {
		t.Errorf("on the shelf: %v, want %v", got, kept)
	}
	list := ok[[]alerts.Evidence](t)(p.b.store.EvidenceOf(ctx, p.k.ID))
	if err := alerts.CheckEvidence(list); err != nil || len(list) != 2 {
		t.Errorf("%d pieces, %v", len(list), err)
	}
	own(alerts.ClipsDone, "nb", running.ID, waiting.ID)
}

// A node that comes back takes its own orders at once, and those alone.
func TestOrdersOfANodeThatComesBack(t *testing.T) {
	p, ctx := newPair(t), context.Background()
	first := p.a.order(t, p.k.ID, "c1")
	<-p.reels[0].begun
	other := p.b.order(t, p.k.ID, "c2") // the other node is not working yet
	if err := p.a.Desk.Close(); err != nil {
		t.Fatal(err)
	}
	p.a.Desk = p.a.desk(t)
	p.a.Node, p.a.Nodes, p.a.Clipper, p.a.Objects = "na", true, p.reels[0], p.shelf
	p.reels[0].gate, p.reels[0].begun = nil, nil
	p.cuts(t, p.a)
	wait(t, "its own order", func() bool { return p.a.export(t, first.ID).State == alerts.ClipsDone })
	if x := ok[alerts.ClipExport](t)(p.a.store.ClipExport(ctx, other.ID)); x.State != alerts.ClipsQueued || x.Node != "nb" {
		t.Errorf("the other node's order: %+v", x)
	}
	p.cuts(t, p.b)
	wait(t, "the other's", func() bool { return p.b.export(t, other.ID).State == alerts.ClipsDone })
}

// Cancelling on one node ends the work of another; and where there is no footage the
// error says on whose disk was looked.
func TestOrdersAcrossNodes(t *testing.T) {
	p, ctx := newPair(t), context.Background()
	x := p.a.order(t, p.k.ID, "c1")
	<-p.reels[0].begun
	if err := p.b.CancelClips(ctx, p.b.who["hv"], x.ID); err != nil {
		t.Fatal(err)
	}
	if err := p.a.renew(ctx); err != nil {
		t.Fatal(err)
	}
	wait(t, "the end of the work", func() bool { return p.a.cutting.current() == "" })
	if got := p.shelf.keys(); len(got) != 0 || p.b.export(t, x.ID).State != alerts.ClipsCancelled {
		t.Errorf("left: %v", got)
	}
	p.reels[0].gate, p.reels[0].empty = nil, true
	here := p.a.order(t, p.k.ID, "c1")
	wait(t, "nothing here", func() bool { return p.a.export(t, here.ID).State.Over() })
	if v := p.a.export(t, here.ID); v.State != alerts.ClipsFailed || !strings.Contains(v.Error, "on node na; footage lies on the disk of the node that recorded it") {
		t.Errorf("nothing on its own disk: %+v", v)
	}
	if err := p.a.Desk.Close(); err != nil {
		t.Fatal(err)
	}
	p.reels[1].empty = true
	gone := p.a.order(t, p.k.ID, "c2")
	p.a.clock.add(exportLease + time.Second)
	p.b.looks(t)
	p.b.looks(t)
	p.cuts(t, p.b)
	wait(t, "nothing there", func() bool { return p.b.export(t, gone.ID).State.Over() })
	if v := p.b.export(t, gone.ID); v.State != alerts.ClipsFailed || !strings.Contains(v.Error, "on node nb, which took the order up because node na has not answered") {
		t.Errorf("nothing on the other's disk: %+v", v)
	}
}
