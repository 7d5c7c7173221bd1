package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"sharpeyes/alerts"

	"github.com/danielgtaylor/huma/v2"
)

// Bounds of stills that are being sent: a page of cameras asks for many at a
// time, and each is a key frame in memory.
const (
	stillsAtOnce = 512 // of everybody
	stillsOfUser = 128
	stillTime    = 20 * time.Second // waiting for a camera that is called for it included
)

// StillRequest asks for the last picture of a camera.
type StillRequest struct {
	Camera  string
	Profile string // "main", "sub", or empty: the one that is there
}

// Still is the last picture of a camera.
type Still struct {
	Data    []byte
	Profile string    // the one that it is of: "main" or "sub"
	Codec   string    // of the camera's stream: "H264" or "H265"
	At      time.Time // when its key frame had arrived
	Tag     string    // names the key frame
}

// Stills gives last pictures: KeyFrame an MP4 of one frame, Snapshot a JPEG.
// Error kinds: NotFound for an unknown camera, Unsupported where what makes them
// is not installed, TooMany, Unavailable where the camera has no picture.
type Stills interface {
	KeyFrame(ctx context.Context, req StillRequest) (Still, error)
	Snapshot(ctx context.Context, req StillRequest) (Still, error)
}

func (a *API) registerStills() {
	const camera = "/api/v1/cameras/{id}"
	slots := newBusy(stillsAtOnce, stillsOfUser, "pictures")
	a.still(slots, camera+"/keyframe.mp4", "keyframe", "video/mp4",
		"The last key frame as an MP4 of one frame, as the camera sent it", func(ctx context.Context, req StillRequest) (Still, error) {
			return a.deps.Stills.KeyFrame(ctx, req)
		})
	a.still(slots, camera+"/snapshot.jpg", "snapshot", "image/jpeg",
		"The last picture as a JPEG, a few seconds old at most; needs ffmpeg on the server", func(ctx context.Context, req StillRequest) (Still, error) {
			return a.deps.Stills.Snapshot(ctx, req)
		})
}

func (a *API) still(slots *busy, path, id, contentType, summary string, get func(context.Context, StillRequest) (Still, error)) {
	op := a.operation("GET", path, id, "Video", summary)
	op.Parameters = []*huma.Param{
		{Name: "profile", In: "query", Description: "main or sub; left out: the one that is being received, else sub",
			Schema: &huma.Schema{Type: "string", Enum: []any{"main", "sub"}}},
		{Name: "If-None-Match", In: "header", Description: "ETag of the picture that the caller has", Schema: &huma.Schema{Type: "string"}},
	}
	text := func(description string) *huma.Param {
		return &huma.Param{Description: description, Schema: &huma.Schema{Type: "string"}}
	}
	headers := map[string]*huma.Param{
		"ETag":          text("Names the key frame"),
		"X-Picture-Age": text("How old the picture is, seconds with one decimal"),
		"X-Picture-At":  text("When its key frame had arrived, RFC 3339"),
		"X-Profile":     text("The stream that it is of: main or sub"),
		"X-Codec":       text("The codec of that stream: H264 or H265"),
	}
	op.Responses = map[string]*huma.Response{
		"200": {Description: "The picture", Headers: headers, Content: map[string]*huma.MediaType{contentType: {Schema: &huma.Schema{Type: "string", Format: "binary"}}}},
		"304": {Description: "The caller has the last picture; the headers tell how old it is by now", Headers: headers},
	}
	a.handlePlain(op, func(w http.ResponseWriter, r *http.Request) error {
		s, done, err := a.lastPicture(slots, r, get)
		if err != nil {
			return err
		}
		defer done()
		h := w.Header()
		// Pictures of places stay out of the browser's disk; who has one sends its
		// ETag.
		h.Set("Cache-Control", "private, no-store")
		h.Set("ETag", `"`+s.Tag+`"`)
		h.Set("Content-Type", contentType)
		h.Set("X-Picture-Age", fmt.Sprintf("%.1f", max(0, a.viewers.clock().Sub(s.At).Seconds())))
		h.Set("X-Picture-At", s.At.UTC().Format("2006-01-02T15:04:05.000Z07:00"))
		h.Set("X-Profile", s.Profile)
		h.Set("X-Codec", s.Codec)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(s.Data))
		return nil
	})
}

// lastPicture finds a picture that the caller may see. done is to be called when
// it is sent.
func (a *API) lastPicture(slots *busy, r *http.Request, get func(context.Context, StillRequest) (Still, error)) (_ Still, done func(), err error) {
	profile := r.URL.Query().Get("profile")
	switch profile {
	case "", "main", "sub":
	default:
		return Still{}, nil, alerts.InvalidField("profile", "must be main or sub, or left out")
	}
	p := principalOf(r.Context())
	// What the caller may not see is not there for him; the video side does not
	// know of scopes.
	camera, err := a.desk.Camera(r.Context(), p.Scope, r.PathValue("id"))
	if err != nil {
		return Still{}, nil, err
	}
	if a.deps.Stills == nil {
		return Still{}, nil, alerts.Errorf(alerts.Unavailable, "video is not switched on here")
	}
	done, err = slots.begin(p.User.ID)
	if err != nil {
		return Still{}, nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), stillTime)
	defer cancel()
	s, err := get(ctx, StillRequest{Camera: camera.ID, Profile: profile})
	if err == nil {
		err = a.desk.Seen(ctx, p.Scope, alerts.AuditStill, "camera/"+camera.ID, camera.AreaID)
	}
	if err != nil {
		done()
		return Still{}, nil, stillError(err)
	}
	return s, done, nil
}

// stillError gives what is not installed the status that HTTP has for it.
func stillError(err error) error {
	var e *alerts.Error
	switch {
	case errors.As(err, &e) && e.Kind == alerts.Unsupported:
		return newProblem(http.StatusNotImplemented, e.Kind, e.Message)
	case errors.Is(err, context.DeadlineExceeded):
		return &alerts.Error{Kind: alerts.Unavailable, Message: "the picture was not there in time; try again", Err: err}
	}
	return err
}

// busy counts what is being got and sent, of everybody and of each account.
type busy struct {
	most, mostOfUser int
	what             string // in words

	mu    sync.Mutex
	all   int
	users map[string]int
}

func newBusy(most, mostOfUser int, what string) *busy {
	return &busy{most: most, mostOfUser: mostOfUser, what: what, users: make(map[string]int)}
}

func (b *busy) begin(user string) (done func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.users[user] >= b.mostOfUser:
		return nil, alerts.Errorf(alerts.TooMany, "this account is getting %d %s already", b.mostOfUser, b.what)
	case b.all >= b.most:
		return nil, alerts.Errorf(alerts.TooMany, "too many %s are being sent at the moment", b.what)
	}
	b.all++
	b.users[user]++
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.all--
		if b.users[user]--; b.users[user] == 0 {
			delete(b.users, user)
		}
	}, nil
}
