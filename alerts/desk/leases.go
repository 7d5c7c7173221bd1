package desk

import (
	"context"
	"fmt"
	"time"

	"sharpeyes/alerts"
)

// An order for clips belongs to the node that took it, because that is where its
// footage was looked at and lies. While the node runs it renews the lease of each
// of its orders, waiting or being worked at. Once a lease has run out by the clock
// of another node, and is not renewed while that one watches it, so that neither a
// clock that is wrong nor a store that was away for all takes an order from a node
// that runs, the other takes the order up. The first, should it run after all, finds
// that out before it adds anything, and takes its files back.
const (
	exportLease = 2 * time.Minute
	leasePeriod = 20 * time.Second // of renewing
	leaseWatch  = 2 * leasePeriod
)

// overdue is a lease that has run out, while it is watched.
type overdue struct {
	until time.Time
	since time.Time // with the monotonic clock
}

// watched tells whether a lease that has run out was so at the look before, and long
// enough ago; else it is watched from now on.
func (q *cutting) watched(x alerts.ClipExport, before map[string]overdue) bool {
	seen, ok := before[x.ID]
	if !ok || !seen.until.Equal(x.Until) {
		seen = overdue{x.Until, time.Now()}
	} else if time.Since(seen.since) >= q.watch {
		return true
	}
	q.overdue[x.ID] = seen
	return false
}

// worksAt tells whether an order is being worked at, by this node.
func (d *Desk) worksAt(x alerts.ClipExport) bool {
	return x.State == alerts.ClipsRunning && x.Node == d.Node
}

// keyMark is the node's part of an object's key: two nodes on one folder never
// write, nor take back, each other's files.
func (d *Desk) keyMark() string {
	if d.Node == "" {
		return ""
	}
	return "-" + d.Node
}

// openOrders returns all orders that are not over.
func openOrders(ctx context.Context, r alerts.Reader) ([]alerts.ClipExport, error) {
	running, err := r.ClipExportsIn(ctx, alerts.ClipsRunning, maxExports)
	if err != nil {
		return nil, err
	}
	queued, err := r.ClipExportsIn(ctx, alerts.ClipsQueued, maxExports)
	return append(running, queued...), err
}

// takeUp puts this node's orders that nobody works at back into the queue, and takes
// those whose lease has run out. The one worker calls it, between two orders.
func (d *Desk) takeUp(ctx context.Context) error {
	before := d.cutting.overdue
	return d.write(ctx, func(c *change) error {
		list, err := openOrders(ctx, c)
		if err != nil {
			return err
		}
		d.cutting.overdue = make(map[string]overdue)
		for _, x := range list {
			mine := x.Node == d.Node
			if mine && x.State == alerts.ClipsQueued || !mine && (c.now.Before(x.Until) || !d.cutting.watched(x, before)) {
				continue
			}
			x.State, x.Node, x.Until = alerts.ClipsQueued, d.Node, c.now.Add(exportLease)
			if err := c.SaveClipExport(x); err != nil {
				return err
			}
		}
		return nil
	})
}

// keepLeases renews until ctx ends, and ends the work at an order that is this
// node's no more: cancelled or taken up by another one.
func (d *Desk) keepLeases(ctx context.Context, report func(error)) {
	tick := time.NewTicker(leasePeriod)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := d.renew(ctx); err != nil && ctx.Err() == nil {
			report(err)
		}
	}
}

func (d *Desk) renew(ctx context.Context) error {
	err := d.write(ctx, func(c *change) error {
		list, err := openOrders(ctx, c)
		if err != nil {
			return err
		}
		for _, x := range list {
			if x.Node != d.Node {
				continue
			}
			x.Until = c.now.Add(exportLease)
			if err := c.SaveClipExport(x); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	id := d.cutting.current()
	if id == "" {
		return nil
	}
	x, err := d.store.ClipExport(ctx, id)
	if err == nil && !d.worksAt(x) {
		d.cutting.cancel(id)
	}
	return err
}

// elsewhere says where else a file may be that is missing here.
func (d *Desk) elsewhere() string {
	if !d.Nodes {
		return ""
	}
	return " on node " + d.Node + "; where evidence.dir is not one folder for all nodes, it may lie on another one's disk: check it there"
}

// nothing says why there is no clip, and on whose disk was looked.
func (d *Desk) nothing(x *alerts.ClipExport) string {
	const where = "footage lies on the disk of the node that recorded it"
	switch {
	case x.OrderedOn != d.Node && x.OrderedOn != "":
		return fmt.Sprintf("nothing was recorded in this time on node %s, which took the order up because node %s has not answered for %v; %s: order it again when that one is back",
			d.Node, x.OrderedOn, exportLease, where)
	case d.Nodes:
		return fmt.Sprintf("nothing was recorded in this time on node %s; %s: where that is another one, order it there", d.Node, where)
	}
	return "nothing was recorded in this time"
}
