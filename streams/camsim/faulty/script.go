package faulty

import (
	"bytes"
	"math"
	"net"
	"time"
)

// Forever is more pictures than any test waits for.
const Forever = math.MaxInt

// Step is one line of a script. It reports whether the script goes on. After the
// last one the camera closes the connection.
type Step func(c *Conn) bool

// Steps is a script that is the same for each connection.
func Steps(steps ...Step) func(int) []Step {
	return func(int) []Step { return steps }
}

// Once is a script for the first connection; the later ones play as a good
// camera does.
func Once(steps ...Step) func(int) []Step {
	return func(n int) []Step {
		if n == 0 {
			return steps
		}
		return []Step{Play(Forever)}
	}
}

func (c *Camera) steps() []Step {
	n := int(c.plays.Add(1)) - 1
	if c.Script == nil {
		return []Step{Play(Forever)}
	}
	return c.Script(n)
}

func (c *Conn) run(steps []Step) {
	c.begin()
	for _, step := range steps {
		if !step(c) {
			return
		}
	}
}

// Play sends n pictures at the camera's rate.
func Play(n int) Step { return play(n, true) }

// Keyless sends n pictures without a key frame among them.
func Keyless(n int) Step { return play(n, false) }

func play(n int, keys bool) Step {
	return func(c *Conn) bool {
		for range n {
			if !c.show(keys) {
				return false
			}
		}
		return true
	}
}

// Skip loses the next n pictures on the way.
func Skip(n int) Step {
	return func(c *Conn) bool {
		way := c.way
		c.way.Lose = 1
		ok := play(n, false)(c)
		c.way = way
		return ok
	}
}

// Midway makes the stream begin in the middle of a GOP.
func Midway() Step {
	return func(c *Conn) bool {
		c.source.next(0, true)
		return true
	}
}

// Freeze sends the same picture n times: what changes is the RTP header.
func Freeze(n int) Step {
	return func(c *Conn) bool {
		c.source.renew()
		p := c.source.next(c.Camera.number.Add(1)-1, true)
		for i := range n {
			if !c.wait() || !c.unit(p.nalus, c.stamp(p.shown+i)) {
				return false
			}
		}
		c.source.last += n - 1
		c.source.renew()
		return true
	}
}

// Silence sends nothing for a time, but answers requests.
func Silence(d time.Duration) Step {
	return func(c *Conn) bool {
		if !c.Pause(d) {
			return false
		}
		c.due = time.Now()
		return true
	}
}

// Reports sends sender reports alone for a time.
func Reports(d time.Duration) Step {
	return func(c *Conn) bool {
		for end := time.Now().Add(d); time.Now().Before(end); {
			if !c.wait() || !c.report(c.stamp(c.source.last)) {
				return false
			}
		}
		return true
	}
}

// Drip begins an interleaved packet and sends one byte of it at a time.
func Drip(every time.Duration) Step {
	return func(c *Conn) bool {
		for ok := c.Drip("$\x00\xff\xff", every); ok; {
			ok = c.Drip("x", every)
		}
		return false
	}
}

// Until stops sending until ch is closed.
func Until(ch <-chan struct{}) Step {
	return func(c *Conn) bool {
		select {
		case <-ch:
			c.due = time.Now()
			return true
		case <-c.Gone:
			return false
		}
	}
}

// Reached closes ch.
func Reached(ch chan<- struct{}) Step {
	return func(*Conn) bool { close(ch); return true }
}

// Hang ends the connection with a reset.
func Hang() Step {
	return func(c *Conn) bool {
		if t, ok := c.Conn.(*net.TCPConn); ok {
			_ = t.SetLinger(0)
		}
		return false
	}
}

// Jump moves the time stamps by so many ticks.
func Jump(ticks int64) Step {
	return func(c *Conn) bool {
		c.at(c.stamp(c.source.last+1)+uint32(ticks), c.each)
		return true
	}
}

// StampAt gives the next picture a time stamp.
func StampAt(stamp uint32) Step {
	return func(c *Conn) bool { c.at(stamp, c.each); return true }
}

// Pace makes time stamps go by so many ticks a picture: 0 makes them stand
// still, less makes them run back.
func Pace(ticks int32) Step {
	return func(c *Conn) bool { c.at(c.stamp(c.source.last+1), ticks); return true }
}

// Over makes packets fare otherwise from here on.
func Over(w Way) Step {
	return func(c *Conn) bool { c.way = w; return true }
}

// Large sends a key frame with one slice of size bytes, in fragments of 60,000,
// or of 1,200 over UDP.
func Large(size int) Step {
	return func(c *Conn) bool {
		part := make([]byte, 60_000)
		if c.udp[0] != nil {
			part = part[:maxPacket]
		}
		for i := range part {
			part[i] = 0x55
		}
		stamp := c.stamp(c.source.last + 1)
		c.source.last++
		for done := 0; done < size; done += len(part) {
			k := min(len(part), size-done)
			part[0] = 0x55
			if done == 0 {
				part[0] = 0x88 // the first macroblock, an I slice
			}
			end := done+k == size
			if !c.fragment(0x65, part[:k], stamp, done == 0, end, end) {
				return false
			}
		}
		c.due = time.Now()
		return true
	}
}

// Fragments sends n fragments of size bytes of a NAL unit that never ends.
func Fragments(n, size int) Step {
	return func(c *Conn) bool {
		part := bytes.Repeat([]byte{0x88}, size)
		stamp := c.stamp(c.source.last + 1)
		c.source.last++
		for i := range n {
			if !c.fragment(0x65, part, stamp, i == 0, false, false) {
				return false
			}
		}
		c.due = time.Now()
		return true
	}
}

// Resize goes on with pictures of another size, from a key frame.
func Resize(width, height int) Step {
	return func(c *Conn) bool {
		c.source.width, c.source.height = width/16, height/16
		c.source.renew()
		return true
	}
}

// SwitchTo goes on in another codec, from a key frame, as if nothing had
// happened: under the same payload type or another. The next DESCRIBE offers it.
func SwitchTo(codec string, payloadType byte) Step {
	return func(c *Conn) bool {
		c.Camera.mu.Lock()
		c.Camera.codec = codec
		c.Camera.mu.Unlock()
		c.source.hevc, c.payloadType = codec == H265, payloadType
		c.source.renew()
		return true
	}
}

// Source goes on as another SSRC, from a key frame; the sequence numbers and
// time stamps start anew.
func Source(ssrc uint32) Step {
	return func(c *Conn) bool {
		c.ssrc, c.seq = ssrc, uint16(c.random.Uint32())
		c.at(c.random.Uint32(), c.each)
		c.source.renew()
		return true
	}
}

// Renumber goes on with other sequence numbers, from a key frame.
func Renumber(seq uint16) Step {
	return func(c *Conn) bool {
		c.seq = seq
		c.source.renew()
		return true
	}
}

// Bye sends an RTCP BYE (RFC 3550 6.6).
func Bye() Step {
	return func(c *Conn) bool {
		return c.write(1, []byte{'$', 1, 0, 8, 0x81, 203, 0, 1, byte(c.ssrc >> 24), byte(c.ssrc >> 16), byte(c.ssrc >> 8), byte(c.ssrc)})
	}
}

// The ways to answer wrongly, for Camera.Answer.

// Mute never answers a method; "" is any.
func Mute(method string) func(*Conn, string) bool {
	return func(_ *Conn, m string) bool { return method == "" || m == method }
}

// Slowly answers every request byte by byte with a header that never ends.
func Slowly(every time.Duration) func(*Conn, string) bool {
	return func(c *Conn, _ string) bool {
		for ok := c.Drip("RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: ", every); ok; {
			ok = c.Drip("OPTIONS, ", every)
		}
		return true
	}
}
