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

// meter measures frame rate, bit rate and key interval over windows of at
// least a second.
type meter struct {
	from        time.Time
	frames      int
	bytes       int
	fps, kbps   float64
	lastKey     time.Time
	keyInterval time.Duration
	last        time.Time
}

func (m *meter) frame(f *Frame, now time.Time) {
	if d := now.Sub(m.from); d >= time.Second {
		if d < 3*time.Second {
			m.fps = float64(m.frames) / d.Seconds()
			m.kbps = float64(m.bytes) * 8 / 1000 / d.Seconds()
		}
		m.from, m.frames, m.bytes = now, 0, 0
	}
	m.frames++
	m.bytes += f.Size
	m.last = now
	if f.Key {
		if !m.lastKey.IsZero() {
			m.keyInterval = now.Sub(m.lastKey)
		}
		m.lastKey = now
	}
}

// rates returns zeros where frames stopped coming.
func (m *meter) rates(now time.Time) (fps, kbps float64) {
	if now.Sub(m.last) > 2*time.Second {
		return 0, 0
	}
	return m.fps, m.kbps
}
