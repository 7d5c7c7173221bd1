package streams

import (
	"context"
	"sync"
)

// Describe says what the stream is going to carry, before its first frame.
func (h *Hub) Describe(d *Desc) {
	h.mu.Lock()
	h.describe(d)
	h.mu.Unlock()
}

// describe takes a description. h.mu is held.
func (h *Hub) describe(d *Desc) {
	if h.desc == d {
		return
	}
	h.desc = d
	h.status.Width, h.status.Height, h.status.Codec, h.status.BFrames = d.Width, d.Height, d.Video, d.BFrames
	h.spread()
}

// spread wakes those who wait for news. h.mu is held.
func (h *Hub) spread() {
	if h.news != nil {
		close(h.news)
		h.news = nil
	}
}

// Desc waits until it is known what the stream carries, and returns nil where
// ctx or the stream ends, or the pull fails, before that. What a stream carried
// before a pause counts as known.
func (h *Hub) Desc(ctx context.Context) *Desc {
	for {
		h.mu.Lock()
		if h.desc != nil && !h.desc.Pending {
			d := h.desc
			h.mu.Unlock()
			return d
		}
		switch h.status.State {
		case Refused, Unreachable, Silent:
			h.mu.Unlock()
			return nil
		}
		if h.news == nil {
			h.news = make(chan struct{})
		}
		news := h.news
		h.mu.Unlock()
		select {
		case <-news:
		case <-h.gone:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// Derive returns a hub for what is made of this one's frames, and a function that
// ends it for good, once. Time stamps are taken as they are. It has a life of its own: who derives it ends it when
// this one is gone.
func (h *Hub) Derive() (d *Hub, end func()) {
	d = NewHub(h.camera, h.profile, h.now, nil)
	d.derived = true
	return d, sync.OnceFunc(func() { close(d.gone) })
}
