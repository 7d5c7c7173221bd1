package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"sharpeyes/alerts"
)

// stills is a Stills with one picture.
type stills struct {
	mu    sync.Mutex
	err   error
	at    time.Time
	tag   string
	asked []string
	hold  chan struct{} // not nil: pictures come when it is closed
	began chan struct{}
}

func (s *stills) KeyFrame(ctx context.Context, req StillRequest) (Still, error) {
	return s.get(ctx, "mp4", req)
}

func (s *stills) Snapshot(ctx context.Context, req StillRequest) (Still, error) {
	return s.get(ctx, "jpg", req)
}

func (s *stills) get(ctx context.Context, kind string, req StillRequest) (Still, error) {
	s.mu.Lock()
	s.asked = append(s.asked, kind+" "+req.Camera+" "+req.Profile)
	hold, err := s.hold, s.err
	at, tag := s.at, s.tag
	s.mu.Unlock()
	if hold != nil {
		s.began <- struct{}{}
		select {
		case <-hold:
		case <-ctx.Done():
			return Still{}, ctx.Err()
		}
	}
	if err != nil {
		return Still{}, err
	}
	return Still{Data: []byte("0123456789 " + kind), Profile: "sub", Codec: "H264", At: at, Tag: tag}, nil
}

func (s *stills) set(fn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fn()
}

func TestStills(t *testing.T) {
	w := newWorld(t)
	cookie := w.as(t, alerts.DutyOfficer, "east")
	at := time.Now().Add(-2500 * time.Millisecond)
	w.stills.set(func() { w.stills.at, w.stills.tag = at, "sub-1" })
	for path, c := range map[string]struct{ kind, contentType string }{
		"/api/v1/cameras/cam-e/keyframe.mp4": {"mp4", "video/mp4"},
		"/api/v1/cameras/cam-e/snapshot.jpg": {"jpg", "image/jpeg"},
	} {
		a := w.call(t, "GET", path+"?profile=main", cookie, nil).want(t, 200)
		h := a.rec.Header()
		if a.rec.Body.String() != "0123456789 "+c.kind || h.Get("Content-Type") != c.contentType || h.Get("Content-Length") != "14" ||
			h.Get("ETag") != `"sub-1"` || h.Get("X-Profile") != "sub" || h.Get("X-Codec") != "H264" ||
			h.Get("X-Picture-At") != at.UTC().Format("2006-01-02T15:04:05.000Z") || h.Get("Last-Modified") != "" ||
			h.Get("Cache-Control") != "private, no-store" {
			t.Errorf("%s: %s %v", path, a.rec.Body, h)
		}
		var age float64
		if _, err := fmt.Sscanf(h.Get("X-Picture-Age"), "%f", &age); err != nil || age < 2.4 || age > 30 || !strings.Contains(h.Get("X-Picture-Age"), ".") {
			t.Errorf("%s: age %q", path, h.Get("X-Picture-Age"))
		}
		if a := w.call(t, "HEAD", path, cookie, nil).want(t, 200); a.rec.Body.Len() != 0 || a.rec.Header().Get("Content-Length") != "14" || a.rec.Header().Get("X-Picture-Age") == "" {
			t.Errorf("HEAD %s: %v", path, a.rec.Header())
		}
		// Safari asks for its films in pieces.
		part := w.call(t, "GET", path, cookie, nil, header("Range", "bytes=0-1")).want(t, 206)
		if part.rec.Body.String() != "01" || part.rec.Header().Get("Content-Range") != "bytes 0-1/14" {
			t.Errorf("%s: %s %v", path, part.rec.Body, part.rec.Header())
		}
		same := w.call(t, "GET", path, cookie, nil, header("If-None-Match", `"sub-1"`)).want(t, 304)
		if same.rec.Body.Len() != 0 || same.rec.Header().Get("X-Picture-Age") == "" {
			t.Errorf("%s: %v", path, same.rec.Header())
		}
		w.call(t, "GET", path, cookie, nil, header("If-None-Match", `"sub-0"`)).want(t, 200)
		w.call(t, "GET", path+"?profile=huge", cookie, nil).want(t, 422)
	}
	if got := strings.Join(w.stills.asked, ", "); !strings.Contains(got, "mp4 cam-e main") || !strings.Contains(got, "jpg cam-e ,") {
		t.Errorf("asked for %s", got)
	}
	// A picture of the clock's future is of now.
	w.stills.set(func() { w.stills.at = time.Now().Add(time.Hour) })
	if a := w.call(t, "GET", "/api/v1/cameras/cam-e/keyframe.mp4", cookie, nil); a.rec.Header().Get("X-Picture-Age") != "0.0" {
		t.Errorf("age %q", a.rec.Header().Get("X-Picture-Age"))
	}
	if l := w.log.String(); !strings.Contains(l, "/api/v1/cameras/cam-e/keyframe.mp4") || !strings.Contains(l, userID(alerts.DutyOfficer, "east")) {
		t.Error("the log does not tell who looked")
	}
}

func TestStillFaults(t *testing.T) {
	w := newWorld(t)
	cookie := w.as(t, alerts.DutyOfficer, "east")
	const path = "/api/v1/cameras/cam-e/snapshot.jpg"
	for _, id := range []string{"cam-w", "nothing", "..%2fcam-e"} {
		w.call(t, "GET", "/api/v1/cameras/"+id+"/keyframe.mp4", cookie, nil).want(t, 404)
	}
	if len(w.stills.asked) != 0 {
		t.Errorf("the video side was asked: %v", w.stills.asked)
	}
	for kind, status := range map[alerts.Kind]int{alerts.Unsupported: 501, alerts.TooMany: 429, alerts.Unavailable: 503,
		alerts.NotFound: 404, alerts.Internal: 500} {
		w.stills.set(func() { w.stills.err = alerts.Errorf(kind, "no") })
		a := w.call(t, "GET", path, cookie, nil)
		if p := a.problem(t, status); p.Kind != kind || (status == 429) != (a.rec.Header().Get("Retry-After") != "") || a.rec.Header().Get("ETag") != "" {
			t.Errorf("%s: %+v %v", kind, p, a.rec.Header())
		}
	}
	w.stills.set(func() { w.stills.err = fmt.Errorf("slow: %w", context.DeadlineExceeded) })
	w.call(t, "GET", path, cookie, nil).problem(t, 503)
	w.API.deps.Stills = nil
	w.call(t, "GET", path, cookie, nil).problem(t, 503)
}

// One account, or all of them, can hold so many pictures and no more.
func TestStillsAtOnce(t *testing.T) {
	w := newWorld(t)
	const path = "/api/v1/cameras/cam-e/keyframe.mp4"
	cookie := w.as(t, alerts.DutyOfficer, "east")
	hold := make(chan struct{})
	w.stills.set(func() { w.stills.hold, w.stills.began = hold, make(chan struct{}) })
	codes := make(chan int, stillsOfUser)
	for range stillsOfUser {
		go func() { codes <- w.call(t, "GET", path, cookie, nil).rec.Code }()
		<-w.stills.began
	}
	w.call(t, "GET", path, cookie, nil).problem(t, http.StatusTooManyRequests)
	go func() { codes <- w.call(t, "GET", path, w.as(t, alerts.Leader, "east"), nil).rec.Code }()
	<-w.stills.began
	close(hold)
	for range stillsOfUser + 1 {
		if code := <-codes; code != 200 {
			t.Errorf("answered %d", code)
		}
	}
	w.stills.set(func() { w.stills.hold = nil })
	w.call(t, "GET", path, cookie, nil).want(t, 200)
}
