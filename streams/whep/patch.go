package whep

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// MaxFragment and maxCandidates bound a trickle fragment.
const (
	MaxFragment   = 16 << 10
	maxCandidates = 64
)

// fragment is a parsed application/trickle-ice-sdpfrag (RFC 8840).
type fragment struct {
	ufrag, pwd string
	candidates []webrtc.ICECandidateInit
}

func parseFragment(text string) (fragment, error) {
	var f fragment
	if len(text) > MaxFragment {
		return f, fmt.Errorf("%w: fragment over %d bytes", ErrMalformed, MaxFragment)
	}
	mid := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		key, value, _ := strings.Cut(strings.TrimPrefix(line, "a="), ":")
		switch {
		case line == "" || !strings.HasPrefix(line, "a="):
			if line != "" && (len(line) < 2 || line[1] != '=') {
				return f, fmt.Errorf("%w: fragment line %.40q", ErrMalformed, line)
			}
		case key == "ice-ufrag":
			f.ufrag = value
		case key == "ice-pwd":
			f.pwd = value
		case key == "mid":
			mid = value
		case key == "candidate":
			if len(f.candidates) >= maxCandidates {
				return f, fmt.Errorf("%w: more than %d candidates", ErrMalformed, maxCandidates)
			}
			m := mid
			f.candidates = append(f.candidates, webrtc.ICECandidateInit{Candidate: strings.TrimPrefix(line, "a="), SDPMid: &m})
		}
	}
	if f.ufrag == "" && len(f.candidates) == 0 {
		return f, fmt.Errorf("%w: the fragment holds neither a=ice-ufrag nor a=candidate", ErrMalformed)
	}
	return f, nil
}

// Patch adds trickled candidates, or restarts ICE where the fragment brings new
// credentials: then our own new fragment is returned.
func (v *Viewer) Patch(ctx context.Context, text string) (answer string, err error) {
	f, err := parseFragment(text)
	if err != nil {
		return "", err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	select {
	case <-v.done:
		return "", ErrClosed
	default:
	}
	old := iceCredentials(v.offer)
	if f.ufrag == "" || f.ufrag == old.ufrag && (f.pwd == "" || f.pwd == old.pwd) {
		return "", v.addCandidates(f)
	}
	if f.pwd == "" {
		return "", fmt.Errorf("%w: a new a=ice-ufrag needs its a=ice-pwd", ErrMalformed)
	}
	offer := withCredentials(v.offer, f)
	full, err := v.answer(ctx, offer)
	if err != nil {
		return "", err
	}
	v.offer = offer
	v.restarts++
	if v.restarts <= maxRestarts {
		v.handed = nil // they are to be checked anew
	}
	if err := v.addCandidates(f); err != nil {
		return "", err
	}
	return answerFragment(full)
}

// holdCandidates is how long the peer's candidates are kept back. A peer checks
// us first, and our answer to its check is the fastest way to be nominated: with
// checks of our own under way before it has the answer, a browser nominates a
// pair only at its next tick, 200 ms later in pion. Where nothing came by then,
// we check from our side: our own NAT may have to be opened.
const holdCandidates = 400 * time.Millisecond

// addCandidates hands candidates to pion, or keeps them back. v.mu is held.
func (v *Viewer) addCandidates(f fragment) error {
	if v.holds {
		v.held = append(v.held, f.candidates...)
		if len(v.held) > maxCandidates {
			return fmt.Errorf("%w: more than %d candidates", ErrMalformed, maxCandidates)
		}
		return nil
	}
	for _, c := range f.candidates {
		if err := v.hand(c); err != nil {
			if errors.Is(err, webrtc.ErrConnectionClosed) {
				return ErrClosed
			}
			return fmt.Errorf("%w: %w", ErrMalformed, err)
		}
	}
	return nil
}

// addHeld hands over what was kept back. One that cannot be parsed is left out.
func (v *Viewer) addHeld() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.holds = false
	for _, c := range v.held {
		_ = v.hand(c)
	}
	v.held = nil
}

// maxHanded bounds the addresses that a viewer makes us check: they may be
// anybody's.
const (
	maxHanded   = 24
	maxRestarts = 8 // so often a restart makes them be checked anew
)

// hand gives pion a candidate to check, unless its address was already, is
// another viewer's, or is one too many. v.mu is held.
func (v *Viewer) hand(c webrtc.ICECandidateInit) error {
	if f := strings.Fields(c.Candidate); len(f) > 5 {
		where := strings.ToLower(f[2]) + " " + f[4] + " " + f[5]
		if slices.Contains(v.handed, where) || len(v.handed) == maxHanded {
			return nil
		}
		at, err := netip.ParseAddrPort(net.JoinHostPort(f[4], f[5]))
		if err == nil && (everybody(at.Addr()) || v.server.taken(netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), v)) {
			return nil
		}
		v.handed = append(v.handed, where)
	}
	return v.pc.AddICECandidate(c)
}

// everybody tells addresses that no single peer has.
func everybody(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsUnspecified() || a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// takeCandidates cuts the candidates out of an offer.
func takeCandidates(offer string) (rest string, candidates []webrtc.ICECandidateInit) {
	var b strings.Builder
	section := -1
	for line := range strings.Lines(offer) {
		text := strings.TrimRight(line, "\r\n")
		if strings.HasPrefix(text, "m=") {
			section++
		}
		c, ok := strings.CutPrefix(text, "a=candidate:")
		switch {
		case ok && section >= 0 && len(candidates) < maxCandidates:
			n := uint16(section)
			candidates = append(candidates, webrtc.ICECandidateInit{Candidate: "candidate:" + c, SDPMLineIndex: &n})
		case !ok && text != "a=end-of-candidates":
			b.WriteString(text + "\r\n")
		}
	}
	return b.String(), candidates
}

// iceCredentials returns those of an SDP's first section that has them.
func iceCredentials(text string) (f fragment) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if v, ok := strings.CutPrefix(line, "a=ice-ufrag:"); ok && f.ufrag == "" {
			f.ufrag = v
		}
		if v, ok := strings.CutPrefix(line, "a=ice-pwd:"); ok && f.pwd == "" {
			f.pwd = v
		}
	}
	return f
}

// withCredentials is the offer again with other ICE credentials and without
// candidates: what the browser would have sent in a full renegotiation.
func withCredentials(offer string, f fragment) string {
	var b strings.Builder
	for line := range strings.Lines(offer) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(line, "a=candidate:"), line == "a=end-of-candidates":
			continue
		case strings.HasPrefix(line, "a=ice-ufrag:"):
			line = "a=ice-ufrag:" + f.ufrag
		case strings.HasPrefix(line, "a=ice-pwd:"):
			line = "a=ice-pwd:" + f.pwd
		}
		b.WriteString(line + "\r\n")
	}
	return b.String()
}

// answerFragment cuts the ICE part out of an answer.
func answerFragment(answer string) (string, error) {
	var d sdp.SessionDescription
	if err := d.UnmarshalString(answer); err != nil {
		return "", fmt.Errorf("own answer: %w", err)
	}
	var b strings.Builder
	own := iceCredentials(answer)
	fmt.Fprintf(&b, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\n", own.ufrag, own.pwd)
	if len(d.MediaDescriptions) == 0 {
		return "", errors.New("own answer: no media section")
	}
	m := d.MediaDescriptions[0] // bundled: the first section speaks for all
	fmt.Fprintf(&b, "m=%s 9 %s 0\r\n", m.MediaName.Media, strings.Join(m.MediaName.Protos, "/"))
	if mid, ok := m.Attribute("mid"); ok {
		fmt.Fprintf(&b, "a=mid:%s\r\n", mid)
	}
	for _, a := range m.Attributes {
		if a.Key == "candidate" {
			fmt.Fprintf(&b, "a=candidate:%s\r\n", a.Value)
		}
	}
	b.WriteString("a=end-of-candidates\r\n")
	return b.String(), nil
}
