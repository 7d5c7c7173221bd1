package rtsp

import (
	"bufio"
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/pion/rtcp"
)

// askEvery is the least time between two requests for a key frame.
const askEvery = time.Second

// asks is how a camera can be asked for a key frame.
type asks uint8

const (
	asksNot asks = iota
	asksPLI      // picture loss indication, RFC 4585 6.3.1
	asksFIR      // full intra request, RFC 5104 4.3.1
)

// asksOf reads what a camera's description offers for its medium with a number:
// a profile with feedback (RFC 4585 4.1), or the feedback by name (4.2).
func asksOf(sdp []byte, medium int) asks {
	at, how := -1, asksNot
	for lines := bufio.NewScanner(bytes.NewReader(sdp)); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if m, ok := strings.CutPrefix(line, "m="); ok {
			at++
			if f := strings.Fields(m); at == medium && len(f) > 2 && strings.HasSuffix(f[2], "AVPF") {
				how = asksPLI
			}
			continue
		}
		fb, ok := strings.CutPrefix(line, "a=rtcp-fb:")
		if !ok || at != medium {
			continue
		}
		switch _, what, _ := strings.Cut(fb, " "); {
		case what == "nack pli":
			return asksPLI
		case strings.HasPrefix(what, "ccm fir") && how == asksNot:
			how = asksFIR
		}
	}
	return how
}

// asker asks a camera for key frames, once in askEvery at most.
type asker struct {
	how    asks
	client *gortsplib.Client
	medium *description.Media
	source *source
	serial uint8
	last   time.Time
}

func newAsker(c *gortsplib.Client, offer *description.Session, video *description.Media, sdp []byte, s *source) *asker {
	return &asker{how: asksOf(sdp, slices.Index(offer.Medias, video)), client: c, medium: video, source: s}
}

// ask sends a request, or returns how long that has to wait.
func (a *asker) ask(now time.Time) (wait time.Duration) {
	if since := now.Sub(a.last); since < askEvery {
		return askEvery - since
	}
	a.last = now
	const own = 0x53454757 // what we send is never media, so that any number will do
	from := a.source.now.Load()
	var request rtcp.Packet = &rtcp.PictureLossIndication{SenderSSRC: own, MediaSSRC: from}
	if a.how == asksFIR {
		a.serial++
		request = &rtcp.FullIntraRequest{SenderSSRC: own, MediaSSRC: from, FIR: []rtcp.FIREntry{{SSRC: from, SequenceNumber: a.serial}}}
	}
	// Feedback goes behind a report and a name (RFC 4585 3.1). A full queue
	// means that the camera takes nothing: the next request is soon enough.
	_ = a.client.WritePacketRTCP(a.medium, &rtcp.CompoundPacket{
		&rtcp.ReceiverReport{SSRC: own}, rtcp.NewCNAMESourceDescription(own, userAgent), request})
	return 0
}
