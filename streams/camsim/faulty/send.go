package faulty

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"time"
)

// maxPacket is the most of a NAL unit that goes into one packet of the camera's
// own pictures.
const maxPacket = 1200

// clockRate is that of every picture, Hz.
const clockRate = 90000

// Way is how packets fare between the camera and its reader: each with the
// given probability. A delayed packet comes after up to three later ones.
type Way struct{ Lose, Repeat, Delay float64 }

// sender is the sending half of a connection. It belongs to the script, but for
// what SETUP sets before.
type sender struct {
	udp    [2]net.PacketConn // nil: interleaved
	to     [2]*net.UDPAddr
	source coder
	random *rand.Rand
	way    Way
	held   []held
	buf    []byte

	payloadType byte
	seq         uint16
	ssrc        uint32
	origin      uint32 // time stamp of the picture shown at mark
	mark        int
	each        int32 // ticks from one picture to the next
	due         time.Time
	reported    time.Time
}

// held is a packet that waits until so many others went before it.
type held struct {
	b     []byte
	after int
}

func (c *Camera) coder() coder {
	return coder{hevc: c.codec == H265, width: c.Width / 16, height: c.Height / 16, gop: c.GOP, between: c.BFrames, busy: c.Busy, inBand: !c.SDPOnly}
}

// openUDP opens a pair of sockets of the camera's own and returns the transport
// that was agreed on.
func (c *Conn) openUDP(port int) (string, error) {
	c.hangUp()
	for i := range c.udp {
		pc, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		c.udp[i], c.to[i] = pc, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port + i}
	}
	own := func(i int) int { return c.udp[i].LocalAddr().(*net.UDPAddr).Port }
	return fmt.Sprintf("RTP/AVP;unicast;client_port=%d-%d;server_port=%d-%d;ssrc=%08X", port, port+1, own(0), own(1), firstSSRC), nil
}

func (c *Conn) hangUp() {
	for i, pc := range c.udp {
		if pc != nil {
			_ = pc.Close()
			c.udp[i] = nil
		}
	}
}

const firstSSRC = 0x5ca1ab1e

func (c *Conn) begin() {
	c.Camera.mu.Lock()
	c.source = c.Camera.coder()
	c.Camera.mu.Unlock()
	c.random = rand.New(rand.NewPCG(1, uint64(c.Camera.plays.Load()))) // so that a test can be repeated
	c.payloadType, c.ssrc, c.seq = 96, firstSSRC, uint16(c.random.Uint32())
	c.origin, c.each = c.random.Uint32(), int32(clockRate/c.Camera.Rate)
	c.due = time.Now()
}

// stamp is the time stamp of a picture by its place.
func (s *sender) stamp(shown int) uint32 { return s.origin + uint32(int32(shown-s.mark)*s.each) }

// at makes stamp the one of the next picture, and each the step from there.
func (s *sender) at(stamp uint32, each int32) {
	s.mark, s.origin, s.each = s.source.last+1, stamp, each
}

// show sends one picture when it is due.
func (c *Conn) show(keys bool) bool {
	if !c.wait() {
		return false
	}
	p := c.source.next(c.Camera.number.Add(1)-1, keys)
	return c.unit(p.nalus, c.stamp(p.shown))
}

// wait is for the moment at which the next picture is due.
func (c *Conn) wait() bool {
	c.due = c.due.Add(time.Second / time.Duration(c.Camera.Rate))
	if late := time.Since(c.due); late > time.Second {
		c.due = time.Now()
	}
	return c.Pause(time.Until(c.due))
}

// unit sends an access unit, and a sender report once a second.
func (c *Conn) unit(nalus [][]byte, stamp uint32) bool {
	if now := time.Now(); now.Sub(c.reported) >= time.Second {
		c.reported = now
		if !c.report(stamp) {
			return false
		}
	}
	for i, n := range nalus {
		if !c.nal(n, stamp, i == len(nalus)-1) {
			return false
		}
	}
	return true
}

// nal sends a NAL unit, in fragments of equal size where it is large (RFC 6184
// 5.8, RFC 7798 4.4.3).
func (c *Conn) nal(n []byte, stamp uint32, last bool) bool {
	if len(n) <= maxPacket {
		return c.Packet(n, stamp, last)
	}
	parts := (len(n) + maxPacket - 1) / maxPacket
	each := (len(n) + parts - 1) / parts
	for rest, first := n[1:], true; len(rest) > 0; first = false {
		k := min(each, len(rest))
		if !c.fragment(n[0], rest[:k], stamp, first, k == len(rest), last && k == len(rest)) {
			return false
		}
		rest = rest[k:]
	}
	return true
}

// fragment sends an FU-A of a H.264 NAL unit with this head.
func (c *Conn) fragment(head byte, part []byte, stamp uint32, first, end, marker bool) bool {
	fu := head & 0x1f
	if first {
		fu |= 0x80
	}
	if end {
		fu |= 0x40
	}
	return c.packet(stamp, marker, []byte{head&0xe0 | 28, fu}, part)
}

// Packet sends one RTP packet the way that packets go. It reports whether the
// other side still takes it.
func (c *Conn) Packet(payload []byte, stamp uint32, marker bool) bool {
	return c.packet(stamp, marker, payload)
}

// packet writes into one buffer, so that a camera that sends much leaves no
// garbage beside what it is to be weighed against.
func (c *Conn) packet(stamp uint32, marker bool, parts ...[]byte) bool {
	b := append(c.buf[:0], '$', 0, 0, 0, 0x80, c.payloadType)
	if marker {
		b[5] |= 0x80
	}
	b = binary.BigEndian.AppendUint16(b, c.seq)
	b = binary.BigEndian.AppendUint32(b, stamp)
	b = binary.BigEndian.AppendUint32(b, c.ssrc)
	for _, p := range parts {
		b = append(b, p...)
	}
	c.buf = b
	c.seq++
	return c.carry(b)
}

// carry loses, repeats and delays as the way says. b begins with room for the
// head of an interleaved frame, and is used again.
func (c *Conn) carry(b []byte) bool {
	if c.random.Float64() < c.way.Lose {
		c.Camera.lost.Add(1)
		return c.release()
	}
	if c.random.Float64() < c.way.Delay {
		c.held = append(c.held, held{bytes.Clone(b), 1 + c.random.IntN(3)})
		return true
	}
	if !c.write(0, b) || c.random.Float64() < c.way.Repeat && !c.write(0, b) {
		return false
	}
	return c.release()
}

// release sends what was held back for long enough.
func (c *Conn) release() bool {
	ok := true
	left := c.held[:0]
	for _, h := range c.held {
		if h.after--; h.after > 0 {
			left = append(left, h)
		} else {
			ok = ok && c.write(0, h.b)
		}
	}
	c.held = left
	return ok
}

// write sends a packet on a channel of the picture: 0 is RTP, 1 is RTCP. It
// begins with room for the head of an interleaved frame.
func (c *Conn) write(channel int, b []byte) bool {
	select {
	case <-c.Gone:
		return false
	default:
	}
	if pc := c.udp[channel]; pc != nil {
		_, _ = pc.WriteTo(b[4:], c.to[channel]) // an answer that nobody listens says nothing here
		return true
	}
	b[0], b[1] = '$', byte(channel)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)-4))
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.Conn.Write(b)
	return err == nil
}

// report sends a sender report (RFC 3550 6.4.1).
func (c *Conn) report(stamp uint32) bool {
	now := time.Now()
	b := []byte{'$', 0, 0, 0, 0x80, 200, 0, 6}
	b = binary.BigEndian.AppendUint32(b, c.ssrc)
	b = binary.BigEndian.AppendUint32(b, uint32(now.Unix()+2208988800))
	b = binary.BigEndian.AppendUint32(b, uint32(uint64(now.Nanosecond())<<32/1e9))
	b = binary.BigEndian.AppendUint32(b, stamp)
	b = binary.BigEndian.AppendUint32(b, uint32(c.seq))
	b = binary.BigEndian.AppendUint32(b, 0)
	return c.write(1, b)
}
