package camsim

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"
)

var errDown = errors.New("the camera is down")

// handler answers RTSP requests (RFC 2326).
type handler struct {
	s     *Server
	cams  map[string]*camera
	ready chan struct{} // closed once the cameras can be asked for
}

// find gives the camera and the stream that a path names.
func (h *handler) find(path string) (*camera, *stream) {
	name, rest, _ := strings.Cut(strings.Trim(path, "/"), "/")
	c := h.cams[name]
	switch {
	case c == nil:
		return nil, nil
	case rest == "" || rest == Main:
		return c, c.streams[0]
	case rest == Sub && len(c.streams) > 1:
		return c, c.streams[1]
	}
	return nil, nil
}

// admit finds the stream for a DESCRIBE or SETUP, or says why not.
func (h *handler) admit(conn *gortsplib.ServerConn, req *base.Request, path string) (*camera, *stream, *base.Response, error) {
	<-h.ready
	c, st := h.find(path)
	if c != nil && c.stopped.Load() {
		// A camera without power does not say goodbye.
		_ = conn.NetConn().Close()
		return nil, nil, &base.Response{StatusCode: base.StatusServiceUnavailable}, errDown
	}
	if h.s.Username != "" && !conn.VerifyCredentials(req, h.s.Username, h.s.Password) {
		return nil, nil, &base.Response{StatusCode: base.StatusUnauthorized}, liberrors.ErrServerAuth{}
	}
	if st == nil {
		return nil, nil, &base.Response{StatusCode: base.StatusNotFound}, nil
	}
	return c, st, &base.Response{StatusCode: base.StatusOK}, nil
}

func (h *handler) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	_, st, res, err := h.admit(ctx.Conn, ctx.Request, ctx.Path)
	if st == nil {
		return res, nil, err
	}
	return res, st.out, nil
}

func (h *handler) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	c, st, res, err := h.admit(ctx.Conn, ctx.Request, ctx.Path)
	if st == nil {
		return res, nil, err
	}
	if !c.join(ctx.Session, st, h.s.Sessions) {
		return &base.Response{StatusCode: base.StatusNotEnoughBandwidth}, nil, nil
	}
	return res, st.out, nil
}

func (h *handler) OnPlay(ctx *gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	p, ok := ctx.Session.UserData().(*place)
	if !ok {
		return &base.Response{StatusCode: base.StatusBadRequest}, errors.New("PLAY before SETUP")
	}
	if !p.playing.Swap(true) {
		p.st.playing.Add(1)
	}
	p.st.joined.Store(true)
	return &base.Response{StatusCode: base.StatusOK}, nil
}

func (h *handler) OnPause(ctx *gortsplib.ServerHandlerOnPauseCtx) (*base.Response, error) {
	if p, ok := ctx.Session.UserData().(*place); ok && p.playing.Swap(false) {
		p.st.playing.Add(-1)
	}
	return &base.Response{StatusCode: base.StatusOK}, nil
}

func (h *handler) OnGetParameter(*gortsplib.ServerHandlerOnGetParameterCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil // keep-alive
}

func (h *handler) OnSessionClose(ctx *gortsplib.ServerHandlerOnSessionCloseCtx) {
	p, ok := ctx.Session.UserData().(*place)
	if !ok {
		return
	}
	if p.playing.Swap(false) {
		p.st.playing.Add(-1)
	}
	p.cam.leave(ctx.Session)
}

// OnStreamWriteError is called for each packet that did not fit a slow reader's queue.
func (h *handler) OnStreamWriteError(*gortsplib.ServerHandlerOnStreamWriteErrorCtx) {
	h.s.lost.Add(1)
}

// Stop makes a camera vanish: its sessions are cut and whoever asks for it is
// hung up on, without an answer. (For "connection refused" Close the server.)
func (s *Server) Stop(path string) error {
	c, err := s.camera(path)
	if err != nil {
		return err
	}
	c.stopped.Store(true)
	c.faulted.Store(true)
	c.mu.Lock()
	defer c.mu.Unlock()
	for ss := range c.sessions {
		ss.Close() // closes its TCP connection too; does not wait
	}
	return nil
}

// Start brings a stopped camera back.
func (s *Server) Start(path string) error {
	c, err := s.camera(path)
	if err != nil {
		return err
	}
	c.stopped.Store(false)
	return nil
}

// Silence keeps a camera's sessions open without sending a packet. When it
// ends, each stream goes on with its next key frame.
func (s *Server) Silence(path string, on bool) error {
	c, err := s.camera(path)
	if err != nil {
		return err
	}
	c.silent.Store(on)
	c.faulted.Store(true)
	return nil
}

// Viewers is the number of sessions of a camera that have been set up.
func (s *Server) Viewers(path string) int {
	c, err := s.camera(path)
	if err != nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.sessions)
}

func (s *Server) camera(path string) (*camera, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.cams[path]
	if !s.open || c == nil {
		return nil, fmt.Errorf("camsim: no camera %q is open", path)
	}
	return c, nil
}
