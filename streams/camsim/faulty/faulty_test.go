package faulty

import (
	"context"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func opened(t *testing.T, tune func(*Camera)) *Camera {
	t.Helper()
	c := New()
	c.Failed = t.Errorf
	if tune != nil {
		tune(c)
	}
	if err := c.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// ffmpeg pulls n pictures and returns what it says of each.
func ffmpeg(t *testing.T, url string, n int, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	args = append(args, "-i", url, "-fps_mode", "passthrough", "-frames:v", strconv.Itoa(n), "-f", "framemd5", "-")
	out, err := exec.CommandContext(ctx, "ffmpeg", append([]string{"-v", "error"}, args...)...).CombinedOutput()
	return string(out), err
}

// TestPlaysToFFmpeg has somebody else's client take the good side of the camera.
func TestPlaysToFFmpeg(t *testing.T) {
	sign := func(c *Camera) { c.Username, c.Password = "admin", "hunter2" }
	for name, c := range map[string]struct {
		tune func(*Camera)
		user string
		args []string
	}{
		"TCP":        {nil, "", []string{"-rtsp_transport", "tcp"}},
		"UDP":        {nil, "", []string{"-rtsp_transport", "udp"}},
		"H.265":      {func(c *Camera) { c.Codec = H265 }, "", []string{"-rtsp_transport", "tcp"}},
		"B-pictures": {func(c *Camera) { c.BFrames = 2; c.SDPOnly = true }, "", []string{"-rtsp_transport", "tcp"}},
		"sign-in":    {sign, "admin:hunter2@", []string{"-rtsp_transport", "tcp"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cam := opened(t, c.tune)
			out, err := ffmpeg(t, strings.Replace(cam.URL(), "//", "//"+c.user, 1), 20, c.args...)
			if n := strings.Count(out, "\n0,"); err != nil || n < 20 {
				t.Errorf("%d pictures, %v: %s", n, err, out)
			}
		})
	}
}

// TestLocks lets nobody in after too many wrong passwords, for a time.
func TestLocks(t *testing.T) {
	cam := opened(t, func(c *Camera) {
		c.Username, c.Password, c.LockAfter, c.LockFor = "admin", "hunter2", 3, time.Hour
	})
	for try, password := range []string{"wrong", "hunter2", "wrong", "hunter2", "wrong", "wrong", "wrong", "hunter2"} {
		out, err := ffmpeg(t, strings.Replace(cam.URL(), "//", "//admin:"+password+"@", 1), 1, "-rtsp_transport", "tcp")
		if in, want := err == nil, password == "hunter2" && try < 7; in != want || !in && !strings.Contains(out, "401") {
			t.Errorf("try %d with %q: %v %s", try, password, err, out)
		}
	}
	if !cam.Locked() || len(cam.Refused()) < 6 {
		t.Errorf("%d wrong sign-ins", len(cam.Refused()))
	}
}

// TestComesAndGoes refuses, comes back on its port, and hangs up at the door.
func TestComesAndGoes(t *testing.T) {
	cam := opened(t, nil)
	dial := func() error {
		conn, err := net.Dial("tcp", cam.Addr())
		if err != nil {
			return err
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			return err
		}
		if _, err := conn.Write([]byte("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")); err != nil {
			return err
		}
		_, err = conn.Read(make([]byte, 1))
		return err
	}
	for range 20 {
		if err := dial(); err != nil {
			t.Fatalf("up: %v", err)
		}
		cam.Down()
		if err := dial(); err == nil || cam.Connections() != 0 {
			t.Fatal("it answers when it is down")
		}
		if err := cam.Up(); err != nil {
			t.Fatal(err)
		}
		cam.Slam(true)
		if err := dial(); err == nil {
			t.Fatal("it talks at the door")
		}
		cam.Slam(false)
	}
}
