package rtsp

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sharpeyes/streams"
)

// mount is a stream of testdata/gst_server.py.
type mount struct {
	Path      string `json:"path"`
	Launch    string `json:"launch"`
	Transport string `json:"transport,omitempty"`
	Shared    bool   `json:"shared,omitempty"`
	User      string `json:"user,omitempty"`
	Password  string `json:"password,omitempty"`
	Timeout   int    `json:"timeout,omitempty"`
}

// gstreamer starts GStreamer's RTSP server and returns its address.
func gstreamer(t *testing.T, mounts ...mount) string {
	t.Helper()
	list, err := json.Marshal(mounts)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/bin/python3", filepath.Join("testdata", "gst_server.py"), string(list))
	var errs strings.Builder
	cmd.Stderr = &errs
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("GStreamer's RTSP server: %v", err)
	}
	t.Cleanup(func() {
		_ = in.Close() // the server ends with its standard input
		late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		defer late.Stop()
		if err := cmd.Wait(); err != nil {
			t.Errorf("GStreamer's RTSP server: %v\n%s", err, errs.String())
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		_ = cmd.Process.Kill()
		t.Fatalf("GStreamer's RTSP server (apt packages gir1.2-gst-rtsp-server-1.0, python3-gi): %v", err)
	}
	return "127.0.0.1:" + strings.TrimSpace(strings.TrimPrefix(line, "PORT "))
}

const liveSource = "videotestsrc is-live=true pattern=ball ! video/x-raw,width=160,height=120,framerate=25/1 ! " +
	"x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 threads=1 "

// fileSource plays what ffmpeg encoded. interval -1: parameter sets with each
// key frame, 0: in the SDP alone.
func fileSource(path string, interval int) string {
	codec := "h264"
	if strings.Contains(path, "h265") {
		codec = "h265"
	}
	return fmt.Sprintf("filesrc location=%s ! matroskademux ! %sparse ! rtp%spay name=pay0 pt=96 config-interval=%d", path, codec, codec, interval)
}

func TestGStreamer(t *testing.T) {
	t.Parallel()
	baseline := encode(t, "baseline.mkv", "-t", "8", "-profile:v", "baseline")
	high := encode(t, "high.mkv", "-t", "8", "-profile:v", "high", "-bf", "3")
	slices := encode(t, "slices.mkv", "-t", "8", "-bf", "0", "-slices", "6")
	refresh := encode(t, "refresh.mkv", "-t", "8", "-bf", "0", "-x264-params", "intra-refresh=1:keyint=25")
	h265 := encode(t, "h265.mkv", "-t", "8", "-c:v", "libx265", "-x265-params", "keyint=25:min-keyint=25:open-gop=0:bframes=0:log-level=none")
	addr := gstreamer(t,
		mount{Path: "baseline", Launch: fileSource(baseline, -1)},
		mount{Path: "high", Launch: fileSource(high, 0), Transport: "udp"},
		mount{Path: "slices", Launch: fileSource(slices, 0)},
		mount{Path: "refresh", Launch: fileSource(refresh, 0)},
		mount{Path: "sound", Launch: liveSource + "! rtph264pay name=pay0 pt=96 audiotestsrc is-live=true ! " +
			"audio/x-raw,rate=8000,channels=1 ! mulawenc ! rtppcmupay name=pay1 pt=0"},
		mount{Path: "lossy", Launch: liveSource + "! rtph264pay mtu=300 ! identity drop-probability=0.02 name=pay0"},
		mount{Path: "h265", Launch: fileSource(h265, -1)},
		mount{Path: "h265-sdp", Launch: fileSource(h265, 0), Transport: "udp"},
		mount{Path: "vp8", Launch: "videotestsrc is-live=true ! video/x-raw,width=160,height=120 ! vp8enc deadline=1 ! rtpvp8pay name=pay0 pt=96"},
		mount{Path: "opus", Launch: liveSource + "! rtph264pay name=pay0 pt=96 audiotestsrc is-live=true ! audio/x-raw,rate=48000,channels=1 ! " +
			"opusenc ! rtpopuspay name=pay1 pt=97"},
		mount{Path: "aac", Launch: liveSource + "! rtph264pay name=pay0 pt=96 audiotestsrc is-live=true ! audio/x-raw,rate=16000,channels=1 ! " +
			"voaacenc ! rtpmp4gpay name=pay1 pt=97"},
	)
	// They play side by side, in real time.
	pulls := map[string]*pull{}
	for _, path := range []string{"baseline", "high", "slices", "refresh", "sound", "lossy", "h265", "h265-sdp", "opus", "aac", "vp8"} {
		pulls[path] = start(t, quick(), streams.Spec{URL: rtspURL(addr, path), UDP: path == "high" || path == "h265-sdp"})
	}
	for path, keys := range map[string]int{"baseline": 4, "high": 4, "slices": 4, "refresh": 1, "h265": 4, "h265-sdp": 4} {
		t.Run(path, func(t *testing.T) {
			pl := pulls[path]
			pl.TB = t
			checkFile(t, pl, keys)
		})
	}
	t.Run("sound", func(t *testing.T) {
		frames := pulls["sound"].collect(75)
		steady(t, frames)
		if n := count(frames, streams.Audio); n < 30 || frames[0].Desc.Audio != streams.PCMU {
			t.Errorf("%d frames of %q in three seconds", n, frames[0].Desc.Audio)
		}
	})
	t.Run("lossy", func(t *testing.T) {
		frames := pulls["lossy"].collect(60)
		if st := pulls["lossy"].hub.Status(); st.Lost == 0 {
			t.Errorf("no loss counted: %+v", st)
		}
		decodes(t, frames)
	})
	for path, codec := range map[string]streams.Codec{"opus": streams.Opus, "aac": streams.AAC} {
		t.Run(path, func(t *testing.T) {
			frames := pulls[path].collect(75)
			steady(t, frames)
			rate := frames[0].Desc.ClockRate(streams.Audio)
			if n := count(frames, streams.Audio); n < 40 || frames[0].Desc.Audio != codec || rate != map[streams.Codec]int64{streams.Opus: 48000, streams.AAC: 16000}[codec] {
				t.Errorf("%d frames of %q at %d Hz in three seconds", n, frames[0].Desc.Audio, rate)
			}
		})
	}
	t.Run("vp8", func(t *testing.T) {
		st := pulls["vp8"].state(streams.Silent, streams.UnsupportedCodec)
		if !strings.Contains(st.Detail, "VP8") || st.RetryAt.Sub(st.Since) < 60*time.Second {
			t.Errorf("%+v", st)
		}
	})
	t.Run("wrong transport", func(t *testing.T) {
		pl := start(t, quick(), streams.Spec{URL: rtspURL(addr, "sound"), UDP: true})
		pl.state(streams.Refused, streams.BadStream)
	})
	t.Run("wrong path", func(t *testing.T) {
		pl := start(t, quick(), streams.Spec{URL: rtspURL(addr, "nothing")})
		pl.state(streams.Refused, streams.NotFound)
	})
}

// checkFile checks 100 pictures or more of 320x180, 25 to a GOP.
func checkFile(t *testing.T, pl *pull, keys int) {
	t.Helper()
	frames := pl.collect(100)
	steady(t, frames)
	if n := decodes(t, frames); n != len(frames) {
		t.Errorf("ffmpeg decodes %d of %d pictures", n, len(frames))
	}
	for _, f := range frames {
		if f.Key {
			keys--
		}
	}
	st := pl.hub.Status()
	if keys > 0 || keys < -4 || st.Lost+st.Discarded != 0 {
		t.Errorf("%d key frames too few; %+v", keys, st)
	}
	codec := streams.H264
	if strings.Contains(t.Name(), "h265") {
		codec = streams.H265
	}
	if st.Width != 320 || st.Height != 180 || st.Codec != codec || st.Reconnects != 0 {
		t.Errorf("%+v", st)
	}
}

// TestGStreamerSignIn plays over UDP for longer than the server's sessions
// last: only keep-alives hold them, as receiver reports come later.
func TestGStreamerSignIn(t *testing.T) {
	t.Parallel()
	addr := gstreamer(t, mount{Path: "cam", Launch: liveSource + "! rtph264pay name=pay0 pt=96", Transport: "udp",
		User: "user", Password: "s3cret:@/", Timeout: 3})
	t.Run("right", func(t *testing.T) {
		t.Parallel()
		pl := start(t, quick(), streams.Spec{URL: rtspURL(addr, "cam"), UDP: true, Username: "user", Password: "s3cret:@/"})
		frames := pl.collect(7 * 25)
		if pl.dials.count() != 1 || pl.hub.Status().Reconnects != 0 {
			t.Errorf("%d connections; %+v", pl.dials.count(), pl.hub.Status())
		}
		decodes(t, frames)
	})
	for name, s := range map[string]streams.Spec{
		"wrong password": {Username: "user", Password: "wrong"},
		"none":           {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := quick()
			s.URL, s.UDP = rtspURL(addr, "cam"), true
			pl := start(t, p, s)
			st := pl.state(streams.Refused, streams.SignInRefused)
			if wait := time.Until(st.RetryAt); wait < 59*time.Second || wait > 80*time.Second {
				t.Errorf("next try in %v", wait)
			}
			pl.stop()
			// A viewer who comes back does not make us try sooner.
			again := start(t, p, s)
			if got := again.state(streams.Refused, streams.SignInRefused); got.RetryAt.Sub(st.RetryAt).Abs() > time.Second {
				t.Errorf("next try at %v, was to be at %v", got.RetryAt, st.RetryAt)
			}
			if n := pl.dials.count(); n != 1 {
				t.Errorf("%d dials", n)
			}
		})
	}
}

// TestVLC pulls from VLC, which serves over UDP alone.
func TestVLC(t *testing.T) {
	t.Parallel()
	path := encode(t, "vlc.mkv", "-t", "10", "-bf", "2")
	addr := vlc(t, path)
	t.Run("udp", func(t *testing.T) {
		t.Parallel()
		pl := start(t, quick(), streams.Spec{URL: rtspURL(addr, "cam"), UDP: true})
		frames := pl.collect(75)
		steady(t, frames)
		if n := decodes(t, frames); n != count(frames, streams.Video) {
			t.Errorf("ffmpeg decodes %d of %d pictures", n, count(frames, streams.Video))
		}
		if n := count(frames, streams.Audio); n < 60 || frames[0].Desc.Audio != streams.PCMA {
			t.Errorf("%d frames of %q in three seconds", n, frames[0].Desc.Audio)
		}
	})
	t.Run("tcp", func(t *testing.T) {
		t.Parallel()
		pl := start(t, quick(), streams.Spec{URL: rtspURL(addr, "cam")})
		pl.state(streams.Refused, streams.BadStream)
	})
}

// vlc starts VLC and waits until it takes connections. VLC does not run as root.
func vlc(t *testing.T, path string) string {
	t.Helper()
	home := t.TempDir()
	addr := freeAddr(t)
	args := []string{"cvlc", "-I", "dummy", "--rtsp-host=127.0.0.1", "--loop", path, "--sout", "#rtp{sdp=rtsp://" + addr + "/cam}", "--sout-all"}
	if os.Getuid() == 0 {
		if err := os.Chmod(filepath.Dir(home), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(home, 65534, 65534); err != nil {
			t.Fatal(err)
		}
		args = append([]string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Env = append(os.Environ(), "HOME="+home)
	if err := cmd.Start(); err != nil {
		t.Fatalf("VLC (apt packages vlc-bin, vlc-plugin-base): %v", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // it is always killed
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	for deadline := time.Now().Add(patience); ; {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			_ = c.Close()
			return addr
		}
		select {
		case <-ended:
			t.Fatalf("VLC ended: %s", out.String())
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatal("VLC does not listen")
		}
	}
}

// freeAddr is a loopback address that was free a moment ago, for programs that
// cannot choose one.
func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().String()
}
