package api

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// deadlines is a ResponseWriter that notes its read deadlines.
type deadlines struct {
	http.ResponseWriter
	set []time.Time
}

func (d *deadlines) SetReadDeadline(at time.Time) error {
	d.set = append(d.set, at)
	return nil
}

func TestPacedBody(t *testing.T) {
	d := &deadlines{ResponseWriter: httptest.NewRecorder()}
	body := newPacedBody(d, io.NopCloser(iotest.OneByteReader(strings.NewReader("abc"))))
	if b, err := io.ReadAll(body); string(b) != "abc" || err != nil {
		t.Fatalf("%q (%v)", b, err)
	}
	if len(d.set) != 5 || !d.set[4].IsZero() {
		t.Fatalf("deadlines %v", d.set)
	}
	for _, at := range d.set[:4] {
		if until := time.Until(at); until > bodyPause || until < bodyPause-patience {
			t.Errorf("deadline in %v", until)
		}
	}
	// The last deadline does not move on, and holds after a failure.
	d.set = nil
	body = newPacedBody(d, io.NopCloser(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("abc")))))
	body.last = time.Now().Add(time.Second)
	if _, err := io.ReadAll(body); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("got %v", err)
	}
	for _, at := range d.set {
		if !at.Equal(body.last) {
			t.Errorf("deadline %v, want %v", at, body.last)
		}
	}
}
