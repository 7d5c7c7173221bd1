package rtsp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"sharpeyes/streams"
)

func spec(f *fake) streams.Spec {
	return streams.Spec{URL: rtspURL(f.addr(), "cam"), Username: "admin", Password: "hunter2"}
}

// handshake is a camera that goes wrong before a picture, and what is made of it.
type handshake struct {
	answer func(c *fakeConn, method string) bool
	sdp    string
	state  streams.State
	why    streams.Reason
}

func handshakes() map[string]handshake {
	bigSDP := goodSDP() + strings.Repeat("a=rtpmap:1 x/1\r\n", 3000)
	unauthorized := func(c *fakeConn, how string) bool {
		c.reply("401 Unauthorized", "WWW-Authenticate: "+how+"\r\n", "")
		return true
	}
	return map[string]handshake{
		"silent": {func(*fakeConn, string) bool { return true }, "", streams.Silent, streams.Timeout},
		"one byte at a time": {func(c *fakeConn, _ string) bool {
			for _, b := range "RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: " + strings.Repeat("OPTIONS, ", 100) {
				if !c.raw(string(b)) || !c.pause(30*time.Millisecond) {
					break
				}
			}
			return true
		}, "", streams.Silent, streams.Timeout},
		"slow in each step": {func(c *fakeConn, _ string) bool { c.pause(400 * time.Millisecond); return false }, "",
			streams.Silent, streams.Timeout},
		"closed": {func(c *fakeConn, _ string) bool { _ = c.Close(); return true }, "", streams.Silent, streams.ClosedByCamera},
		"long header line": {func(c *fakeConn, _ string) bool {
			c.raw("RTSP/1.0 200 OK\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n")
			return true
		}, "", streams.Silent, streams.BadStream},
		"endless header": {func(c *fakeConn, _ string) bool {
			c.raw("RTSP/1.0 200 OK\r\n" + strings.Repeat("X-Header: "+strings.Repeat("x", 1000)+"\r\n", 1000))
			return true
		}, "", streams.Silent, streams.BadStream},
		"endless nothing": {func(c *fakeConn, _ string) bool {
			c.raw(strings.Repeat("\r\n", 1<<20))
			return true
		}, "", streams.Silent, streams.BadStream},
		"HTTP": {func(c *fakeConn, _ string) bool {
			c.raw("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
			return true
		}, "", streams.Silent, streams.Timeout},
		"frames instead of answers": {func(c *fakeConn, _ string) bool { c.raw("$\x00\x00\x04abcd"); return true }, "",
			streams.Silent, streams.BadStream},
		"huge body": {func(c *fakeConn, _ string) bool {
			c.raw("RTSP/1.0 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
			return true
		}, "", streams.Silent, streams.BadStream},
		"wrong password, digest": {func(c *fakeConn, _ string) bool { return unauthorized(c, `Digest realm="cam", nonce="1"`) }, "",
			streams.Refused, streams.SignInRefused},
		"wrong password, basic": {func(c *fakeConn, _ string) bool { return unauthorized(c, `Basic realm="cam"`) }, "",
			streams.Refused, streams.SignInRefused},
		"unknown sign-in":      {func(c *fakeConn, _ string) bool { return unauthorized(c, `Bearer realm="cam"`) }, "", streams.Refused, streams.SignInRefused},
		"sign-in that ran out": {func(c *fakeConn, _ string) bool { return unauthorized(c, `Digest realm="cam", nonce="1", stale=TRUE`) }, "", streams.Refused, streams.BadStream},
		"not found":            {status("DESCRIBE", "404 Not Found"), "", streams.Refused, streams.NotFound},
		"busy":                 {status("SETUP", "453 Not Enough Bandwidth"), "", streams.Refused, streams.BadStream},
		"broken":               {status("PLAY", "500 Oops"), "", streams.Refused, streams.BadStream},
		"forbidden":            {status("DESCRIBE", "403 Forbidden"), "", streams.Refused, streams.SignInRefused},
		"SDP bomb":             {nil, bigSDP, streams.Silent, streams.BadStream},
		"no SDP":               {nil, "hello", streams.Silent, streams.BadStream},
		"no video":             {nil, "v=0\r\no=- 0 0 IN IP4 1.1.1.1\r\ns=x\r\nt=0 0\r\nm=audio 0 RTP/AVP 8\r\na=control:1\r\n", streams.Silent, streams.UnsupportedCodec},
		"no such address":      {nil, strings.Replace(goodSDP(), "track1", "%zz", 1), streams.Silent, streams.BadStream},
	}
}

// TestHostileHandshake goes through what can go wrong before a picture. Each is
// given up within the time for connecting, and little is read of it.
func TestHostileHandshake(t *testing.T) {
	for name, c := range handshakes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.answer = c.answer
			if c.sdp != "" {
				f.sdp = c.sdp
			}
			f.serve()
			at := time.Now()
			pl := start(t, impatient(), spec(f))
			st := pl.state(c.state, c.why)
			if took := time.Since(at); took > 5*time.Second {
				t.Errorf("given up after %v", took)
			}
			slow := c.why == streams.SignInRefused || c.why == streams.UnsupportedCodec
			if wait := st.RetryAt.Sub(st.Since); slow != (wait >= 60*time.Second) {
				t.Errorf("next try after %v", wait)
			}
			if n := pl.dials.read.Load(); n > 65<<10*int64(pl.dials.count()) {
				t.Errorf("%d bytes read", n)
			}
			for _, secret := range []string{"hunter2", "admin", f.addr(), "rtsp:"} {
				if strings.Contains(st.Detail, secret) || st.Detail == "" {
					t.Errorf("detail %q", st.Detail)
				}
			}
		})
	}
}

// status answers one method with a status.
func status(method, line string) func(*fakeConn, string) bool {
	return func(c *fakeConn, m string) bool {
		if m == method {
			c.reply(line, "", "")
		}
		return m == method
	}
}

// badPictures are what a camera sends in place of a picture. What is only too
// large is in TestFaultHugeUnits.
func badPictures() map[string]func(c *fakeConn) {
	return map[string]func(c *fakeConn){
		"garbage": func(c *fakeConn) {
			for range 200 {
				b := make([]byte, rand.N(300))
				for i := range b {
					b[i] = byte(rand.N(256))
				}
				c.raw("$" + string(byte(rand.N(4))) + string(binary.BigEndian.AppendUint16(nil, uint16(len(b)))) + string(b))
			}
			c.seq += 1000
			c.send(slice, 1, true)
		},
		"small fragments without end": func(c *fakeConn) {
			c.send([]byte{0x7c, 0x85, 1}, 1, false)
			for range 20_000 {
				c.send([]byte{0x7c, 0x05, 1}, 1, false)
			}
		},
		"many NAL units": func(c *fakeConn) {
			for range 2000 {
				c.send(slice, 1, false)
			}
		},
		"many in one packet": func(c *fakeConn) {
			c.send(append([]byte{24}, bytes.Repeat([]byte{0, 1, 0x41}, 2000)...), 1, true)
		},
		"empty and broken packets": func(c *fakeConn) {
			for _, p := range [][]byte{{}, {0x7c}, {24}, {24, 0xff, 0xff}, {24, 0, 0, 1}, {25}, {29, 1}, {0x1f}, {0}} {
				c.send(p, 1, true)
			}
		},
		"answers nobody asked for": func(c *fakeConn) {
			for range 100 {
				c.raw("RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n")
			}
			c.send([]byte{0x7c}, 1, true)
		},
	}
}

// TestHostilePictures sends what is no picture, then good ones: they come
// through, and what was dropped is counted.
func TestHostilePictures(t *testing.T) {
	for name, bad := range badPictures() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.play = func(fc *fakeConn) {
				fc.send(idr, 0, true)
				bad(fc)
				for stamp := uint32(9000); fc.pause(20 * time.Millisecond); {
					stamp = fc.gop(stamp, 4)
				}
			}
			f.serve()
			pl := start(t, quick(), spec(f))
			frames := pl.collect(50)
			st := pl.hub.Status()
			if st.Discarded == 0 || st.Reconnects != 0 || pl.dials.count() != 1 {
				t.Errorf("%d dials, %+v", pl.dials.count(), st)
			}
			steady(t, frames)
		})
	}
}

func TestNoPicture(t *testing.T) {
	for name, c := range map[string]struct {
		play   func(c *fakeConn)
		detail string
		stays  bool // connected
	}{
		"nothing": {func(c *fakeConn) { <-c.gone }, "sends no picture", false},
		"parameter sets alone": {func(c *fakeConn) {
			for c.pause(20 * time.Millisecond) {
				c.send(sps, 1, true)
			}
		}, "sends no picture", false},
		"one unit without end": {func(c *fakeConn) {
			for c.pause(time.Millisecond) {
				c.send(slice, 1, false)
			}
		}, "sends no picture", false},
		"no key frame": {func(c *fakeConn) {
			for stamp := uint32(1); c.pause(20 * time.Millisecond); stamp += 3600 {
				c.send(slice, stamp, true)
			}
		}, "no key frame", true},
		"it stops": {func(c *fakeConn) { c.gop(1, 5); <-c.gone }, "sends no picture", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.play = c.play
			p := impatient()
			p.KeyWait = 2500 * time.Millisecond
			at := time.Now()
			pl := start(t, p, spec(f.serve()))
			why := streams.NoData
			if c.stays {
				why = streams.NoKeyFrame
			}
			st := pl.state(streams.Silent, why)
			if !strings.Contains(st.Detail, c.detail) || st.RetryAt.IsZero() != c.stays {
				t.Errorf("%+v", st)
			}
			if took := time.Since(at); took < 900*time.Millisecond || took > 5*time.Second {
				t.Errorf("told after %v", took)
			}
			if c.stays {
				for st.RetryAt.IsZero() { // it is asked anew in the end
					st = pl.state(streams.Silent, why)
				}
				if took := time.Since(at); took < 2400*time.Millisecond {
					t.Errorf("asked anew after %v", took)
				}
			}
		})
	}
}

func TestRedirects(t *testing.T) {
	redirect := func(to string) func(*fakeConn, string) bool {
		return func(c *fakeConn, m string) bool {
			if m == "DESCRIBE" {
				c.reply("302 Found", "Location: "+to+"\r\n", "")
			}
			return m == "DESCRIBE"
		}
	}
	t.Run("same host", func(t *testing.T) {
		t.Parallel()
		target, f := newFake(t), newFake(t)
		target.play = func(c *fakeConn) { c.gop(1, 50); <-c.gone }
		target.serve()
		f.answer = redirect("rtsp://" + target.addr() + "/cam")
		pl := start(t, quick(), spec(f.serve()))
		pl.collect(20)
		if a, b := pl.dials.addrs[0], pl.dials.addrs[1]; a != f.addr() || b != target.addr() {
			t.Errorf("dialled %s, then %s", a, b)
		}
		if gap := pl.dials.at[1].Sub(pl.dials.at[0]); gap < time.Second {
			t.Errorf("two dials within %v", gap)
		}
	})
	for name, to := range map[string]string{"other host": "rtsp://127.0.0.2:%d/cam", "by name": "rtsp://localhost:%d/cam", "metadata": "rtsp://169.254.169.254:%d/"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target, f := newFake(t), newFake(t)
			target.serve()
			f.answer = redirect(fmt.Sprintf(to, target.ln.Addr().(*net.TCPAddr).Port))
			pl := start(t, quick(), spec(f.serve()))
			st := pl.state(streams.Refused, streams.NotAllowed)
			if pl.dials.count() != 1 || st.RetryAt.Sub(st.Since) < 60*time.Second {
				t.Errorf("dialled %q; %+v", pl.dials.addrs, st)
			}
		})
	}
	t.Run("endless", func(t *testing.T) {
		t.Parallel()
		f := newFake(t)
		f.answer = redirect(rtspURL(f.addr(), "cam"))
		p := quick()
		p.MinBackoff = 10 * time.Second
		pl := start(t, p, spec(f.serve()))
		pl.state(streams.Silent, streams.BadStream)
		if n := pl.dials.count(); n != 3 {
			t.Errorf("%d dials", n)
		}
	})
}
