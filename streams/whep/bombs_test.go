package whep

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
)

// TestOfferBombs posts offers that are as large and as strange as they may be:
// each is refused with a kind, or becomes a viewer that can be closed.
func TestOfferBombs(t *testing.T) {
	checkLeaks(t)
	checkDescriptors(t)
	st := newStage(t, 50, nil)
	good := newWatcher(t).describe(nil)
	media := strings.Index(good, "m=")
	head, video := good[:media], good[media:strings.Index(good, "m=audio")]
	fill := func(line func(i int) string) string {
		b := strings.Builder{}
		b.WriteString(good)
		for i := 0; ; i++ {
			l := line(i) + "\r\n"
			if b.Len()+len(l) > MaxOffer {
				return b.String()
			}
			b.WriteString(l)
		}
	}
	sections := func(n int) string {
		b := strings.Builder{}
		b.WriteString(head)
		for i := range n {
			b.WriteString(strings.Replace(video, "a=mid:0", fmt.Sprintf("a=mid:%d", i), 1))
		}
		return b.String()
	}
	for name, offer := range map[string]string{
		"attributes":       fill(func(i int) string { return fmt.Sprintf("a=x%d:y", i) }),
		"one long line":    good + "a=x:" + strings.Repeat("y", MaxOffer-len(good)-6) + "\r\n",
		"candidates":       fill(func(i int) string { return fmt.Sprintf("a=candidate:%d 1 udp 1 127.0.0.1 %d typ host", i, 1+i) }),
		"no candidates":    fill(func(int) string { return "a=candidate:" }),
		"payload types":    fill(func(i int) string { return fmt.Sprintf("a=rtpmap:%d H264/90000", i) }),
		"parameters":       fill(func(i int) string { return fmt.Sprintf("a=fmtp:%d packetization-mode=1;x%d=y", i%128, i) }),
		"sources":          fill(func(i int) string { return fmt.Sprintf("a=ssrc:%d cname:x", i) }),
		"source groups":    fill(func(i int) string { return fmt.Sprintf("a=ssrc-group:FID %d %d", i, i+1) }),
		"extensions":       fill(func(i int) string { return fmt.Sprintf("a=extmap:%d urn:x:%d", i, i) }),
		"fingerprints":     fill(func(int) string { return "a=fingerprint:sha-256 " + strings.Repeat("00:", 31) + "00" }),
		"layers":           fill(func(i int) string { return fmt.Sprintf("a=rid:%d recv", i) }),
		"groups":           fill(func(i int) string { return fmt.Sprintf("a=group:BUNDLE %d", i) }),
		"credentials":      fill(func(i int) string { return fmt.Sprintf("a=ice-ufrag:%08d", i) }),
		"8 sections":       sections(maxMedia),
		"9 sections":       sections(maxMedia + 1),
		"sections of one":  strings.Repeat(good, maxMedia),
		"empty sections":   head + strings.Repeat("m=video 9 UDP/TLS/RTP/SAVPF 0\r\n", maxMedia),
		"strange sections": good + strings.Repeat("m=\x00\xff 9 X 0\r\n", 3),
		"no line ends":     strings.ReplaceAll(good, "\r\n", " "),
		"zeros":            strings.Repeat("\x00", MaxOffer),
		"over the bound":   good + strings.Repeat("a=x\r\n", MaxOffer/5),
		"long credentials": strings.ReplaceAll(good, "a=ice-ufrag:", "a=ice-ufrag:"+strings.Repeat("x", 8_000)),
		"odd credentials":  strings.ReplaceAll(good, "a=ice-ufrag:", "a=ice-ufrag::\x00:"),
		"no hash":          strings.ReplaceAll(good, "a=fingerprint:sha-256 ", "a=fingerprint:md2 "),
	} {
		t.Run(name, func(t *testing.T) {
			released := make(chan struct{})
			v, _, err := st.s.View(t.Context(), st.cam.hub, offer, func() { close(released) })
			switch {
			case err == nil:
				v.Close()
			case !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrNoCodec):
				t.Errorf("an error of no kind: %v", err)
			}
			select {
			case <-released:
			case <-time.After(5 * time.Second):
				t.Error("the stream is held")
			}
		})
	}
	if n := st.s.Viewers(); n != 1 {
		t.Errorf("%d viewers are counted", n)
	}
}

// TestStrangeCandidates names addresses that are nobody's, or everybody's.
func TestStrangeCandidates(t *testing.T) {
	checkLeaks(t)
	checkDescriptors(t)
	st := newStage(t, 50, nil)
	crowd, err := net.ListenUDP("udp4", nil) // hears what is sent to all of 127.0.0.0/8
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = crowd.Close() }()
	port := crowd.LocalAddr().(*net.UDPAddr).Port
	w := newWatcher(t)
	offer := without(w.describe(nil), "a=candidate:")
	for i, at := range []string{fmt.Sprintf("127.255.255.255 %d", port), fmt.Sprintf("255.255.255.255 %d", port), "224.0.0.1 5353", "0.0.0.0 9",
		":: 9", "ff02::1 9", "fe80::1%lo 9", "127.0.0.1 0", "127.0.0.1 65536", "127.0.0.1 -1", "0177.0.0.1 9", "2130706433 9", "localhost 9",
		"x.local 9", "metadata.internal 80", "[::1] 9", "::ffff:127.0.0.1 0"} {
		offer += fmt.Sprintf("a=candidate:%d 1 udp 1 %s typ host\r\n", i, at)
	}
	v, _, err := st.s.View(t.Context(), st.cam.hub, offer, func() {})
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1500)
	_ = crowd.SetReadDeadline(time.Now().Add(3 * time.Second))
	if n, from, err := crowd.ReadFromUDPAddrPort(buf); err == nil {
		t.Errorf("%d bytes came to everybody, from %v", n, from)
	}
	v.Close()
}

// TestNoDataChannel offers one: we have no use for it, and what would come there
// would be held for nobody.
func TestNoDataChannel(t *testing.T) {
	checkLeaks(t)
	checkDescriptors(t)
	st := newStage(t, 50, nil)
	w := newWatcher(t)
	open := make(chan struct{})
	dc, err := w.pc.CreateDataChannel("x", nil)
	if err != nil {
		t.Fatal(err)
	}
	dc.OnOpen(func() { close(open) })
	offer := w.describe(nil)
	v, answer, err := st.s.View(t.Context(), st.cam.hub, offer, func() {})
	if errors.Is(err, ErrMalformed) || errors.Is(err, ErrNoCodec) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	w.view = v
	w.accept(answer)
	within(t, 10*time.Second, func() bool { return w.newest() >= 0 || w.pc.ConnectionState() == webrtc.PeerConnectionStateFailed }, "no picture: %v", w)
	select {
	case <-open:
		t.Error("a data channel was opened")
	case <-time.After(2 * time.Second):
	}
}

// TestPortIsOurs opens a second server on the first one's port, as a second
// process does: it must hear that the port is taken, not wait there for ever.
func TestPortIsOurs(t *testing.T) {
	checkLeaks(t)
	checkDescriptors(t)
	s := openServer(t, nil)
	second := NewServer()
	second.UDPAddr = s.Addr().String()
	if err := second.Open(); err == nil {
		second.Close()
		t.Error("two servers have one port")
	}
}
