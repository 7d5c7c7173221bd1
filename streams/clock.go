package streams

import "time"

// Limits within which a camera's time stamps are taken as they are. B-frames
// step back a little; a jump beyond is re-based on our own clock.
const (
	maxStepBack    = time.Second
	maxStepForward = 10 * time.Second
)

// rebase turns a camera's time stamps into ones that never jump.
type rebase struct {
	started bool
	fresh   bool // the camera's clock started anew
	offset  int64
	in, out int64 // of the last frame
	at      time.Time
}

func (c *rebase) again() { c.fresh = true }

func (c *rebase) apply(pts, rate int64, now time.Time) int64 {
	step := pts - c.in
	back := int64(maxStepBack.Seconds() * float64(rate))
	forward := int64(maxStepForward.Seconds() * float64(rate))
	switch {
	case !c.started:
		c.offset = -pts
	case c.fresh || step < -back || step > forward:
		gone := max(1, int64(now.Sub(c.at).Seconds()*float64(rate)))
		c.offset = c.out + gone - pts
	}
	c.started, c.fresh = true, false
	c.in, c.out, c.at = pts, pts+c.offset, now
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
