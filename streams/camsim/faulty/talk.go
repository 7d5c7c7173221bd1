package faulty

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Conn is one connection to a camera. Its methods may be called from its
// answers and from its script.
type Conn struct {
	net.Conn
	Camera *Camera
	Header map[string]string // of the request at hand, names in lower case
	Gone   chan struct{}     // closed when the other side has said goodbye or hung up

	gone func()
	mu   sync.Mutex // one writer at a time
	sender
}

func newConn(c *Camera, nc net.Conn) *Conn {
	conn := &Conn{Conn: nc, Camera: c, Gone: make(chan struct{})}
	conn.gone = sync.OnceFunc(func() { close(conn.Gone) })
	return conn
}

func (c *Conn) end() {
	c.gone()
	_ = c.Conn.Close() // who reads has seen its end
	c.hangUp()
}

// talk answers requests until the other side is gone. While a script runs it
// goes on, so that keep-alives are answered.
func (c *Conn) talk() {
	r := bufio.NewReaderSize(c.Conn, 4<<10)
	var playing sync.WaitGroup
	defer playing.Wait()
	defer c.gone()
	defer c.Conn.Close()
	for {
		method, uri, err := c.next(r)
		if err != nil {
			return
		}
		c.Camera.count(method)
		if a := c.Camera.Answer; a != nil && a(c, method) {
			continue
		}
		if method == "TEARDOWN" {
			c.OK("", "")
			return
		}
		if c.respond(method, uri) && method == "PLAY" {
			steps := c.Camera.steps()
			playing.Go(func() {
				c.run(steps)
				_ = c.Conn.Close() // as a camera does that has had enough
			})
		}
	}
}

// respond answers as a good camera does. It reports whether it gave what was
// asked for.
func (c *Conn) respond(method, uri string) bool {
	switch method {
	case "OPTIONS":
		c.OK("Public: "+c.Camera.Public+"\r\n", "")
		return true
	case "DESCRIBE":
		if !c.signedIn(method, uri) {
			return false
		}
		body := c.Camera.SDP
		if body == "" {
			body = c.Camera.describe()
		}
		c.OK("Content-Type: application/sdp\r\nContent-Base: rtsp://"+c.Camera.addr+"/cam/\r\n", body)
		return true
	}
	if !c.signedIn(method, uri) {
		return false
	}
	session := "Session: 42" + c.Camera.Extra + "\r\n"
	if method != "SETUP" {
		c.OK(session, "")
		return true
	}
	transport := c.Header["transport"]
	if _, ports, ok := strings.Cut(transport, "client_port="); ok {
		ports, _, _ = strings.Cut(ports, ";")
		first, _, _ := strings.Cut(ports, "-")
		port, err := strconv.Atoi(first)
		if err == nil {
			transport, err = c.openUDP(port)
		}
		if err != nil {
			c.Camera.failed("setup %q: %v", c.Header["transport"], err)
			return false
		}
	}
	c.OK("Transport: "+transport+"\r\n"+session, "")
	return true
}

func (c *Camera) count(method string) {
	c.mu.Lock()
	c.requests[method]++
	c.mu.Unlock()
}

// describe is the camera's SDP (RFC 6184 8.2.1, RFC 7798 7.1).
func (c *Camera) describe() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	b64 := base64.StdEncoding.EncodeToString
	var how string
	if c.codec == H265 {
		how = fmt.Sprintf("sprop-vps=%s;sprop-sps=%s;sprop-pps=%s", b64(hevcVPS), b64(hevcSPS), b64(hevcPPS))
	} else {
		k := c.coder()
		how = "packetization-mode=1;sprop-parameter-sets=" + b64(k.sps()) + "," + b64(k.pps())
	}
	return "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=faulty\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 " + c.codec + "/90000\r\n" +
		"a=fmtp:96 " + how + "\r\na=control:track1\r\n"
}

// next reads a request, past interleaved frames.
func (c *Conn) next(r *bufio.Reader) (method, uri string, err error) {
	for {
		b, err := r.Peek(1)
		if err != nil {
			return "", "", err
		}
		if b[0] != '$' {
			break
		}
		head, err := r.Peek(4)
		if err != nil {
			return "", "", err
		}
		if _, err := r.Discard(4 + int(head[2])<<8 + int(head[3])); err != nil {
			return "", "", err
		}
	}
	line, err := r.ReadString('\n')
	if err != nil {
		return "", "", err
	}
	method, uri, _ = strings.Cut(line, " ")
	uri, _, _ = strings.Cut(uri, " ")
	c.Header = map[string]string{}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", "", err
		}
		line = strings.TrimSpace(line)
		if line == "" {
			return method, uri, nil
		}
		k, v, _ := strings.Cut(line, ":")
		c.Header[strings.ToLower(k)] = strings.TrimSpace(v)
	}
}

// OK answers with 200.
func (c *Conn) OK(headers, body string) { c.Reply("200 OK", headers, body) }

// Reply answers the request at hand. headers are whole lines.
func (c *Conn) Reply(status, headers, body string) {
	if body != "" {
		headers += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	c.Raw("RTSP/1.0 " + status + "\r\nCSeq: " + c.Header["cseq"] + "\r\n" + headers + "\r\n" + body)
}

// Raw writes as it is. It reports whether the other side still takes it.
func (c *Conn) Raw(s string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := io.WriteString(c.Conn, s)
	return err == nil
}

// Drip writes byte by byte. It reports whether the other side is still there.
func (c *Conn) Drip(s string, every time.Duration) bool {
	for i := range len(s) {
		if !c.Raw(s[i:i+1]) || !c.Pause(every) {
			return false
		}
	}
	return true
}

// Pause waits. It reports whether the other side is still there.
func (c *Conn) Pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-c.Gone:
		return false
	case <-t.C:
		return true
	}
}
