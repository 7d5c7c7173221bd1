package rtsp

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sharpeyes/streams"
)

// between separates a camera's answers in the corpus of FuzzAnswers.
const between = "~~"

// speak answers each request on a connection with the next of the given texts,
// in which CSEQ stands for the request's number, and hangs up after the last.
func speak(c net.Conn, answers [][]byte) {
	defer c.Close()
	r := bufio.NewReader(c)
	for _, a := range answers {
		number := ""
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			if k, v, _ := strings.Cut(strings.TrimSpace(line), ":"); strings.EqualFold(k, "CSeq") {
				number = strings.TrimSpace(v)
			} else if k == "" {
				break
			}
		}
		if _, err := c.Write(bytes.ReplaceAll(a, []byte("CSEQ"), []byte(number))); err != nil {
			return
		}
	}
}

// conversation is what a camera says up to and after PLAY.
func conversation(sdp, setup, media string) []byte {
	ok := "RTSP/1.0 200 OK\r\nCSeq: CSEQ\r\n"
	return []byte(strings.Join([]string{
		ok + "Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER\r\n\r\n",
		"RTSP/1.0 401 Unauthorized\r\nCSeq: CSEQ\r\nWWW-Authenticate: Digest realm=\"cam\", nonce=\"1\"\r\n\r\n",
		ok + "Content-Type: application/sdp\r\nContent-Base: rtsp://127.0.0.1/cam/\r\nContent-Length: " + strconv.Itoa(len(sdp)) + "\r\n\r\n" + sdp,
		ok + "Session: 42;timeout=60\r\nTransport: " + setup + "\r\n\r\n",
		ok + "Session: 42\r\n\r\n" + media,
	}, between))
}

// FuzzAnswers lets a camera say anything: from the first answer to what comes
// interleaved while it plays. It is given up in time and with a reason, and
// what reaches the hub is well made.
func FuzzAnswers(f *testing.F) {
	const tcp = "RTP/AVP/TCP;unicast;interleaved=0-1"
	key := "$\x00\x00\x12\x80\xe0\x00\x01\x00\x00\x00\x01\x00\x00\x00\x07" + string(idr)
	more := "$\x00\x00\x12\x80\xe0\x00\x02\x00\x00\x0e\x11\x00\x00\x00\x07" + string(slice)
	f.Add(conversation(goodSDP(), tcp, key+more))
	f.Add(conversation(goodSDP(), tcp, "$\x01\x00\x08\x81\xcb\x00\x01\x00\x00\x00\x07"+key+"RTSP/1.0 200 OK\r\nCSeq: 9\r\nContent-Length: 2\r\n\r\nok"+more))
	f.Add(conversation(goodSDP(), tcp, "$\x00\xff\xff\x80"+key+"$$$\x00\x00\x00ANNOUNCE rtsp://x RTSP/1.0\r\nCSeq: 1\r\n\r\n"))
	f.Add(conversation(sdpHead+sdpH265+sdpAAC, "RTP/AVP/TCP;interleaved=2-3;ssrc=00000007", "$\x02\x00\x0e\x80\xe1\x00\x01\x00\x00\x00\x01\x00\x00\x00\x07\x26\x01"))
	f.Add(conversation(goodSDP(), "RTP/AVP/TCP;unicast;interleaved=254-255;source=1.2.3.4;mode=play", key))
	f.Add([]byte("RTSP/1.0 302 Moved\r\nCSeq: CSEQ\r\nLocation: rtsp://127.0.0.1:1/x\r\n\r\n"))
	f.Add([]byte("RTSP/1.0 200 OK\r\nCSeq: CSEQ\r\nContent-Length: -1\r\n\r\n~~HTTP/1.1 400\r\n\r\n~~$\x00\x00\x01x"))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	defer ln.Close()
	f.Fuzz(func(t *testing.T, said []byte) {
		answers := bytes.Split(said, []byte(between))
		p := New()
		p.ReadTimeout, p.MinBackoff = 300*time.Millisecond, time.Minute
		var spoken sync.WaitGroup
		p.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, network, ln.Addr().String())
			if err != nil {
				return nil, err
			}
			far, err := ln.Accept()
			if err != nil {
				return nil, err
			}
			spoken.Go(func() { speak(far, answers) })
			return c, nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		var last streams.Status
		hub := streams.NewHub("cam", streams.Main, time.Now, func(s streams.Status) {
			if last = s; !s.RetryAt.IsZero() {
				cancel()
			}
		})
		r := hub.NewReader(func() {})
		p.Pull(ctx, streams.Spec{URL: "rtsp://" + ln.Addr().String() + "/cam", Username: "admin", Password: "hunter2"}, hub)
		spoken.Wait()
		if last.RetryAt.IsZero() || last.Detail == "" || last.Reason == "" {
			t.Errorf("it ended with %+v", last)
		}
		for _, secret := range []string{"hunter2", "admin", "127.0.0.1", "rtsp:"} {
			if strings.Contains(last.Detail, secret) {
				t.Errorf("detail %q", last.Detail)
			}
		}
		for {
			frame, _ := r.Next()
			if frame == nil {
				break
			}
			for _, b := range frame.Payloads {
				if len(b) == 0 || len(b) > streams.MaxPayload {
					t.Fatalf("a payload of %d bytes", len(b))
				}
			}
		}
	})
}
