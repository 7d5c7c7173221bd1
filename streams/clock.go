package streams

import "time"

// Limits within which a camera's time stamps are taken as they are. B-frames
// step back a little. Stamps that run ahead of our clock make a viewer wait for
// pictures that are there; ones that fall behind are a network that is held up,
// for as long as a camera is borne at all.
const (
	maxStepBack = time.Second
	maxAhead    = time.Second
	maxBehind   = 10 * time.Second
)

// rebase turns a camera's time stamps into ones that never jump, never go back
// but for B-frames, and stay with our own clock whatever the camera's does.
type rebase struct {
	started bool
	fresh   bool  // the camera's clock started anew
	in, out int64 // of the last frame
	top     int64 // the largest out
	from    time.Time
	wall    int64 // our clock at the last frame, since from: never summed up, so that no rounding does
}

func (c *rebase) again() { c.fresh = true }

func (c *rebase) apply(pts, rate int64, bFrames bool, now time.Time) int64 {
	if !c.started {
		c.started, c.fresh, c.in, c.from = true, false, pts, now
		return 0
	}
	ticks := func(d time.Duration) int64 { return int64(d.Seconds() * float64(rate)) }
	least := int64(1)
	if bFrames {
		least = c.top - c.out - ticks(maxStepBack)
	}
	wall := ticks(now.Sub(c.from))
	step, gone := pts-c.in, wall-c.wall
	switch lead := c.out + step - wall; {
	case c.fresh || step < least:
		step = max(1, gone)
	case lead > ticks(maxAhead):
		step = max(1, min(step, gone))
	case lead < -ticks(maxBehind):
		step = wall - ticks(maxBehind) - c.out
	}
	c.fresh, c.in, c.wall = false, pts, wall
	c.out += step
	c.top = max(c.top, c.out)
	return c.out
}

// meterSlots is how many one-second counts the rates are taken over: more than
// a GOP, so that the bit rate does not swing with the key frames.
const meterSlots = 8

// meter measures frame rate, bit rate and key interval.
type meter struct {
	slots       [meterSlots]slot // a ring; at is the current one
	at          int
	last        time.Time
	lastKey     time.Time
	keyInterval time.Duration
}

// slot counts what came in one second.
type slot struct {
	from          time.Time
	frames, bytes int
}

func (m *meter) frame(f *Frame, now time.Time) {
	if now.Sub(m.last) > 2*time.Second {
		m.slots = [meterSlots]slot{} // after a gap the past says nothing
	}
	if s := &m.slots[m.at]; s.from.IsZero() {
		s.from = now
	} else if now.Sub(s.from) >= time.Second {
		m.at = (m.at + 1) % meterSlots
		m.slots[m.at] = slot{from: now}
	}
	m.slots[m.at].frames++
	m.slots[m.at].bytes += f.Size
	m.last = now
	if f.Key {
		if !m.lastKey.IsZero() {
			m.keyInterval = now.Sub(m.lastKey)
		}
		m.lastKey = now
	}
}

// rates returns the averages over the full seconds that were counted, and zeros
// where frames stopped coming.
func (m *meter) rates(now time.Time) (fps, kbps float64) {
	if now.Sub(m.last) > 2*time.Second {
		return 0, 0
	}
	from, frames, bytes := m.slots[m.at].from, 0, 0
	for i, s := range m.slots {
		if i == m.at || s.from.IsZero() {
			continue
		}
		if s.from.Before(from) {
			from = s.from
		}
		frames += s.frames
		bytes += s.bytes
	}
	d := m.slots[m.at].from.Sub(from).Seconds()
	if d <= 0 {
		return 0, 0
	}
	return float64(frames) / d, float64(bytes) * 8 / 1000 / d
}
