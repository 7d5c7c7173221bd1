package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"

	"github.com/danielgtaylor/huma/v2"
)

const (
	filmSeconds = 60 // the longest run
	cutEvery    = 500 * time.Millisecond
)

// FilmRequest asks for a run of recorded pictures, from the key frame at or
// before At on. Epoch is media time 0; zero: where the run begins.
type FilmRequest struct {
	Camera, Profile string
	At, Epoch       time.Time
	Length          time.Duration
}

// FilmInfo says what a run holds. Next is where what follows begins, zero where
// nothing does.
type FilmInfo struct {
	Codecs         string // RFC 6381
	Sound          string // none, played or left-out
	From, To, Next time.Time
}

// Film is a run as fragmented MP4.
type Film interface {
	Info() FilmInfo
	Init() []byte
	Fragment() ([]byte, error) // good until the next call; io.EOF at the end
	Close()
}

// Playback is a grant to see recordings.
type Playback struct {
	ID      string    `json:"id" doc:"Identifier, for the addresses below it"`
	Expires time.Time `json:"expires" doc:"When it ends at the latest; 30 minutes without a call end it, too"`
	Cameras []string  `json:"cameras" nullable:"false" doc:"The cameras that it is for"`
	Profile string    `json:"profile" enum:"main,sub" doc:"Which stream"`
	From    time.Time `json:"from" doc:"Beginning of what may be seen"`
	To      time.Time `json:"to" doc:"End of it"`
}

// KeyFramesQuery asks for key frames.
type KeyFramesQuery struct {
	ByID
	Camera string    `query:"camera" required:"true" maxLength:"64" doc:"Camera of the playback"`
	Before time.Time `query:"before" required:"true" doc:"Later ones are left out, and one at this time"`
	N      int       `query:"n" minimum:"1" maximum:"100" default:"1" doc:"How many"`
}

// KeyFrameTimes are times of key frames.
type KeyFrameTimes struct {
	Items []time.Time `json:"items" nullable:"false" doc:"Times of key frames, the latest first, from at most ten minutes before"`
}

func (a *API) registerPlaybacks() {
	const tag, path = "Recordings", "/api/v1/playbacks"
	create := a.operation("POST", path, "begin-playback", tag, "See recordings for a purpose; a leader for a case, too")
	create.Description += " It ends with the session and with the right. At most 16 an account: the oldest ends for one more."
	create.DefaultStatus = http.StatusCreated
	handle(a, create, func(ctx context.Context, in *struct{ Body desk.PlaybackInput }) (*struct{ Body Playback }, error) {
		b, err := a.playbacks.begin(ctx, principalOf(ctx), in.Body)
		if err != nil {
			return nil, err
		}
		out := Playback{ID: b.id, Expires: b.expires, Cameras: []string{}, Profile: b.grant.Profile, From: b.grant.From, To: b.grant.To}
		for _, c := range b.grant.Cameras {
			out.Cameras = append(out.Cameras, c.ID)
		}
		return &struct{ Body Playback }{out}, nil
	})
	remove := a.operation("DELETE", path+"/{id}", "end-playback", tag, "End a playback")
	remove.DefaultStatus = http.StatusNoContent
	handle(a, remove, func(ctx context.Context, in *ByID) (*none, error) {
		b, err := a.playbacks.of(principalOf(ctx), in.ID)
		if err != nil {
			return nil, err
		}
		b.end()
		return nil, nil
	})
	handle(a, a.operation("GET", path+"/{id}/keyframes", "key-frames", tag, "Key frames before a time, for stepping backwards"),
		func(ctx context.Context, in *KeyFramesQuery) (*struct{ Body KeyFrameTimes }, error) {
			b, err := a.playbacks.of(principalOf(ctx), in.ID)
			if err == nil {
				err = b.camera(in.Camera)
			}
			if err != nil {
				return nil, err
			}
			if a.deps.Recordings == nil {
				return nil, errNoRecordings()
			}
			list, err := a.deps.Recordings.KeyFrames(ctx, in.Camera, b.grant.Profile, in.Before, in.N)
			out := KeyFrameTimes{Items: []time.Time{}}
			for _, t := range list {
				if !t.Before(b.grant.From) {
					out.Items = append(out.Items, t.UTC().Truncate(time.Millisecond))
				}
			}
			return &struct{ Body KeyFrameTimes }{out}, err
		})
	a.registerFilms(path + "/{id}/media")
}

func (a *API) registerFilms(path string) {
	op := a.operation("GET", path, "play", "Recordings", "A run of recorded pictures as fragmented MP4, for Media Source Extensions")
	op.Description += " From the key frame at or before `at`, whole groups of pictures, up to a gap or a change of the stream. 404 with a fault of `at` where nothing is recorded then."
	text := func(name, description string, required bool) *huma.Param {
		return &huma.Param{Name: name, In: "query", Required: required, Description: description, Schema: &huma.Schema{Type: "string"}}
	}
	op.Parameters = []*huma.Param{
		text("camera", "Camera of the playback", true),
		text("at", "Time that has to be shown, RFC 3339", true),
		text("epoch", "Time that is media time 0, so that cameras can be shown in step; not after the first picture; where the run begins when absent", false),
		{Name: "seconds", In: "query", Description: "How long, 1 to 60; 10 when absent", Schema: &huma.Schema{Type: "integer"}},
	}
	head := func(description string) *huma.Param {
		return &huma.Param{Description: description, Schema: &huma.Schema{Type: "string"}}
	}
	op.Responses = map[string]*huma.Response{"200": {Description: "The run", Headers: map[string]*huma.Param{
		"X-Codecs": head("Codecs as MediaSource takes them, such as avc1.64001f,mp4a.40.2; hvc1... needs a browser that decodes H.265"),
		"X-Sound":  head("none, played, or left-out: there is sound that no browser takes in MP4 (G.711)"),
		"X-From":   head("When its first picture was taken, RFC 3339"),
		"X-To":     head("When it ends"),
		"X-Next":   head("Where what follows begins: the same as X-To where nothing is missing; absent where nothing follows"),
	}, Content: map[string]*huma.MediaType{"video/mp4": {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}}
	a.handlePlain(op, a.playFilm)
}

// filmRequest reads the query.
func (b *playback) filmRequest(r *http.Request) (FilmRequest, error) {
	q := r.URL.Query()
	req := FilmRequest{Camera: q.Get("camera"), Profile: b.grant.Profile, Length: 10 * time.Second}
	if err := b.camera(req.Camera); err != nil {
		return req, err
	}
	var err error
	if req.At, err = time.Parse(time.RFC3339, q.Get("at")); err != nil {
		return req, alerts.InvalidField("at", "must be a time such as 2026-11-23T15:59:00.250Z")
	}
	if s := q.Get("epoch"); s != "" {
		if req.Epoch, err = time.Parse(time.RFC3339, s); err != nil {
			return req, alerts.InvalidField("epoch", "must be a time such as 2026-11-23T15:59:00.250Z")
		}
	}
	if s := q.Get("seconds"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > filmSeconds {
			return req, alerts.InvalidField("seconds", "must be 1 to %d", filmSeconds)
		}
		req.Length = time.Duration(n) * time.Second
	}
	if req.At.Before(b.grant.From) || !req.At.Before(b.grant.To) {
		return req, alerts.InvalidField("at", "must lie within the playback, %s to %s", stamp(b.grant.From), stamp(b.grant.To))
	}
	return req, nil
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

func (a *API) playFilm(w http.ResponseWriter, r *http.Request) error {
	b, err := a.playbacks.of(principalOf(r.Context()), r.PathValue("id"))
	if err != nil {
		return err
	}
	req, err := b.filmRequest(r)
	if err != nil {
		return err
	}
	if a.deps.Recordings == nil {
		return errNoRecordings()
	}
	done, err := a.playbacks.films.begin(b.user)
	if err != nil {
		return err
	}
	defer done()
	film, err := a.deps.Recordings.Play(r.Context(), req)
	if err != nil {
		return err
	}
	defer film.Close()
	info := film.Info()
	b.showing(req.Camera, info.From, info.To)
	h := w.Header()
	h.Set("Cache-Control", "private, no-store")
	h.Set("Content-Type", "video/mp4")
	h.Set("X-Codecs", info.Codecs)
	h.Set("X-Sound", info.Sound)
	h.Set("X-From", stamp(info.From))
	h.Set("X-To", stamp(info.To))
	if !info.Next.IsZero() {
		h.Set("X-Next", stamp(info.Next))
	}
	rc := http.NewResponseController(w)
	defer b.cutOff(rc)()
	if _, err := w.Write(film.Init()); err != nil {
		return nil // the caller has gone
	}
	for {
		fragment, err := film.Fragment()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = b.ctx.Err()
		}
		if err == nil {
			_, err = w.Write(fragment)
		}
		if err != nil {
			_ = rc.SetWriteDeadline(longAgo()) // half a run must not look whole
			return nil
		}
	}
}

func longAgo() time.Time { return time.Unix(1, 0) }

// cutOff ends the waiting for a reader that has stalled once the playback has
// ended; the func returned ends that. Each write sets a deadline of its own, so
// that one has to be set again.
func (b *playback) cutOff(rc *http.ResponseController) (done func()) {
	sent := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-sent:
			return
		case <-b.ctx.Done():
		}
		again := time.NewTicker(cutEvery)
		defer again.Stop()
		for {
			_ = rc.SetWriteDeadline(longAgo())
			select {
			case <-sent:
				return
			case <-again.C:
			}
		}
	})
	return func() { close(sent); wg.Wait() }
}
