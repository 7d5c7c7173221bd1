package clip

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// page plays the clips that it is told of and sends back how grey their first and
// last pictures are, and how long they take.
const page = `<!doctype html><script>
const at = (v, t) => new Promise((ok, no) => {
	v.onerror = () => no(new Error(v.error.message))
	v.requestVideoFrameCallback(() => ok())
	v.currentTime = t
})
const grey = v => { const c = document.createElement('canvas').getContext('2d'); c.canvas.width = v.videoWidth; c.canvas.height = v.videoHeight
	c.drawImage(v, 0, 0); return c.getImageData(v.videoWidth / 2, v.videoHeight / 2, 1, 1).data[0] }
async function look(src) {
	const v = document.createElement('video')
	v.muted = true; v.preload = 'auto'; v.src = src
	await new Promise((ok, no) => { v.onloadeddata = ok; v.onerror = () => no(new Error(v.error.message)) })
	await at(v, 0.001); const first = grey(v)
	await at(v, v.duration - 0.02); const last = grey(v)
	await at(v, 0)
	v.playbackRate = 4
	await new Promise(ok => { v.onended = ok; v.play() })
	return {first, last, duration: v.duration}
}
(async () => {
	const out = []
	for (const src of CLIPS) { try { out.push(await look(src)) } catch (e) { out.push({error: String(e)}) } }
	await fetch('/done', {method: 'POST', body: JSON.stringify(out)})
})()
</script>`

type looked struct {
	First, Last int
	Duration    float64
	Error       string
}

// chromium plays clips in a real browser.
func chromium(t *testing.T, names []string) []looked {
	t.Helper()
	done := make(chan []looked, 1)
	mux := http.NewServeMux()
	urls := make([]string, len(names))
	for i, name := range names {
		urls[i] = "/" + strconv.Itoa(i) + ".mp4"
		mux.HandleFunc("GET "+urls[i], func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, name) })
	}
	list, _ := json.Marshal(urls)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<script>const CLIPS = %s</script>%s", list, page)
	})
	mux.HandleFunc("POST /done", func(_ http.ResponseWriter, r *http.Request) {
		var out []looked
		if err := json.NewDecoder(r.Body).Decode(&out); err != nil {
			t.Error(err)
		}
		done <- out
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	profile, err := os.MkdirTemp("", "clip-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(profile) // what its children still write is no failure
	cmd := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--enable-unsafe-swiftshader", "--autoplay-policy=no-user-gesture-required",
		"--user-data-dir="+profile, "--remote-debugging-port=0", srv.URL)
	cmd.WaitDelay, cmd.SysProcAttr = 5*time.Second, &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { // the whole group: its children keep the profile
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	}()
	select {
	case out := <-done:
		return out
	case <-ctx.Done():
		t.Fatal("Chromium said nothing for two minutes")
	}
	return nil
}

// shade is a film whose picture n is as grey as 2n of 219 steps.
func shade(t *testing.T, bFrames int) *film {
	t.Helper()
	return shootFrom(t, "nullsrc=rate=25:size=160x90,geq=lum='16+2*mod(N,100)':cb=128:cr=128", "x264", 4, bFrames)
}

func TestChromiumPlays(t *testing.T) {
	var names []string
	var want [][2]int
	for _, bFrames := range []int{0, 2} {
		f := shade(t, bFrames)
		r := openRing(t, t.TempDir())
		r.roll(f, 0, 50, nil)
		r.rest(2 * time.Second)
		r.roll(f, 50, 50, nil)
		r.rest(0)
		for _, w := range [][2]int{{13, 42}, {30, 88}} { // the second over the gap
			from, to := time.Duration(w[0])*step, time.Duration(w[1])*step
			if w[1] > 50 {
				to += 2 * time.Second
			}
			cuts, files := cut(t, r, from, to)
			if len(cuts) != 1 {
				t.Fatalf("%d clips", len(cuts))
			}
			names, want = append(names, files[0]), append(want, [2]int{w[0], w[1] - 1})
			if d := cuts[0].To.Sub(cuts[0].From); d != to-from {
				t.Errorf("%v is told, want %v", d, to-from)
			}
		}
	}
	for i, got := range chromium(t, names) {
		number := func(grey int) int { return (grey*219 + 255) / (2 * 255) }
		first, last := number(got.First), number(got.Last)
		if got.Error != "" || first != want[i][0] || last != want[i][1] {
			t.Errorf("clip %d: Chromium shows pictures %d to %d, want %v; %s", i, first, last, want[i], got.Error)
		}
		long := float64(want[i][1]-want[i][0]+1) * step.Seconds()
		if want[i][1] >= 50 {
			long += 2
		}
		// A picture that is decoded before the last, and shown after it, counts.
		if got.Duration < long-0.005 || got.Duration > long+float64(i/2)*2*step.Seconds()+0.005 {
			t.Errorf("clip %d takes %v s, want %v", i, got.Duration, long)
		}
	}
}
