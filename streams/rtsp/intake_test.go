package rtsp

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sharpeyes/streams"
)

// The cameras of the benchmark: 2 Mbit/s, 25 frames a second, a key frame every
// four seconds. Each packet is a write of its own, as the slowest cameras do.
const (
	benchCameras = "SHARPEYES_BENCH_CAMERAS" // makes the test binary a set of cameras
	benchRate    = 25
	benchGOP     = 100
	benchPacket  = 1150
	benchDelta   = 8  // packets of a frame
	benchKey     = 60 // packets of a key frame
	benchMeasure = 6 * time.Second
)

// BenchmarkIntake takes in cameras that nobody watches. They live in a process
// of their own, so that the CPU time is that of taking in alone.
func BenchmarkIntake(b *testing.B) {
	for _, n := range []int{1, 20, 100, 200} {
		b.Run(fmt.Sprintf("cameras=%d", n), func(b *testing.B) { benchIntake(b, n, nil) })
	}
}

// benchIntake measures n cameras; with is called once they are known, before they
// are live.
func benchIntake(b *testing.B, n int, with func(*streams.Fleet)) {
	addr := benchChild(b)
	debug.FreeOSMemory()
	before := resident(b)
	p := New()
	p.PerHost, p.HostGap = n, time.Millisecond // they are behind one address
	fleet := streams.NewFleet(p.Pull)
	live := make(chan string, 16*n)
	fleet.OnChange = func(s streams.Status) {
		if s.State == streams.Live {
			live <- s.Camera
		}
	}
	defer fleet.Close()
	for i := range n {
		id := strconv.Itoa(i)
		fleet.Set(id, streams.Spec{Camera: id, Profile: streams.Main, URL: rtspURL(addr, "cam"), Always: true})
	}
	if with != nil {
		with(fleet)
	}
	for seen := map[string]bool{}; len(seen) < n; {
		select {
		case id := <-live:
			seen[id] = true
		case <-time.After(patience):
			b.Fatalf("%d of %d cameras are live", len(seen), n)
		}
	}
	time.Sleep(benchGOP * time.Second / benchRate) // a whole GOP is kept
	for b.Loop() {
		cpu, wrote, at := cpuTime(b), written(b), time.Now()
		time.Sleep(benchMeasure)
		share := float64(cpuTime(b)-cpu) / float64(time.Since(at)) * 100
		b.ReportMetric(share, "cpu%")
		b.ReportMetric(share/float64(n), "cpu%/camera")
		if with != nil {
			b.ReportMetric(float64(written(b)-wrote)/time.Since(at).Seconds()/1e6, "written-MB/s")
		}
		b.ReportMetric(float64(resident(b)-before)/float64(n), "resident-B/camera")
	}
	var lost, discarded int64
	fps := 0.0
	fleet.Each(func(s streams.Status) { lost += s.Lost; discarded += s.Discarded; fps += s.FPS })
	b.ReportMetric(fps/float64(n), "fps/camera")
	b.ReportMetric(float64(lost), "lost")
}

func cpuTime(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func resident(b *testing.B) int64 {
	raw, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(raw))[1], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// benchChild starts this binary as cameras and returns their address.
func benchChild(b *testing.B) string {
	cmd := exec.CommandContext(b.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), benchCameras+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close() // the child ends with it
		_ = cmd.Wait()
	})
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(addr)
}

// cameras is what the child does until its standard input ends.
func cameras() error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(ln.Addr())
	s := &benchServer{}
	go s.pace()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go s.talk(c)
		}
	}()
	_, _ = os.Stdin.Read(make([]byte, 1))
	return ln.Close()
}

type benchServer struct {
	mu    sync.Mutex
	conns []*benchConn
}

type benchConn struct {
	net.Conn
	phase, frame int
	seq          uint16
	gone         bool
}

func (s *benchServer) talk(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		method, cseq, transport := "", "", ""
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			line = strings.TrimSpace(line)
			if line == "" {
				break
			}
			if method == "" {
				method, _, _ = strings.Cut(line, " ")
			}
			if k, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(k, "cseq") {
				cseq = v
			} else if ok && strings.EqualFold(k, "transport") {
				transport = v
			}
		}
		head := "RTSP/1.0 200 OK\r\nCSeq:" + cseq + "\r\n"
		switch method {
		case "OPTIONS":
			head += "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n\r\n"
		case "DESCRIBE":
			sdp := goodSDP()
			head += fmt.Sprintf("Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", len(sdp), sdp)
		case "SETUP":
			head += "Session: 1\r\nTransport:" + transport + "\r\n\r\n"
		default:
			head += "Session: 1\r\n\r\n"
		}
		if _, err := c.Write([]byte(head)); err != nil {
			return
		}
		if method == "PLAY" {
			s.mu.Lock()
			s.conns = append(s.conns, &benchConn{Conn: c, phase: len(s.conns) * 7})
			s.mu.Unlock()
		}
	}
}

// pace shares the cameras out over the milliseconds of a frame.
func (s *benchServer) pace() {
	const slots = 1000 / benchRate
	packets := [2][][]byte{benchPackets(slice[0], benchDelta), benchPackets(idr[0], benchKey)}
	start := time.Now()
	for k := 0; ; k++ {
		time.Sleep(time.Until(start.Add(time.Duration(k) * time.Millisecond)))
		s.mu.Lock()
		conns := s.conns
		s.mu.Unlock()
		for i, c := range conns {
			if i%slots == k%slots && !c.gone {
				c.send(packets, uint32(k/slots)*90000/benchRate)
			}
		}
	}
}

func (c *benchConn) send(packets [2][][]byte, stamp uint32) {
	of := packets[0]
	if (c.frame+c.phase)%benchGOP == 0 {
		of = packets[1]
	}
	c.frame++
	for _, p := range of {
		p[6], p[7] = byte(c.seq>>8), byte(c.seq)
		p[8], p[9], p[10], p[11] = byte(stamp>>24), byte(stamp>>16), byte(stamp>>8), byte(stamp)
		c.seq++
		if _, err := c.Write(p); err != nil {
			c.gone = true
			return
		}
	}
}

// benchPackets is one slice in n fragments, interleaved (RFC 6184 5.8, RFC 2326 10.12).
func benchPackets(head byte, n int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		p := make([]byte, 4+12+2+benchPacket)
		p[0], p[1], p[2], p[3] = '$', 0, byte((len(p)-4)>>8), byte(len(p)-4)
		p[4], p[5], p[15] = 0x80, 96, 9
		p[16], p[17] = head&0xe0|28, head&0x1f
		for j := 18; j < len(p); j++ {
			p[j] = byte(j*7) | 1
		}
		if i == 0 {
			p[17] |= 0x80
			p[18] = 0x88 // first_mb_in_slice is 0
		}
		if i == n-1 {
			p[17] |= 0x40
			p[5] |= 0x80
		}
		out[i] = p
	}
	return out
}
