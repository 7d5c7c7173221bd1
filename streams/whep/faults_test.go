package whep

import (
	"sync"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/webrtc/v4"

	"sharpeyes/streams"
)

// atOnce is how many faults are tried at the same time: most of them wait.
const atOnce = 8

// TestViewerFaults runs every fault that takes its time, several at once, the
// longest first: each has its own server, camera and healthy viewer.
func TestViewerFaults(t *testing.T) {
	checkLeaks(t)
	checkDescriptors(t)
	var all sync.WaitGroup
	turns := make(chan struct{}, atOnce)
	for _, fault := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"vanishes", vanishes},
		{"vanishes with its port", vanishesWithPort},
		{"never reads TCP again", deafTCP},
		{"sleeps 20 s", func(t *testing.T) { sleeps(t, 20*time.Second) }},
		{"does not read", unread},
		{"does not read TCP", unreadTCP},
		{"sleeps 10 s", func(t *testing.T) { sleeps(t, 10*time.Second) }},
		{"sleeps and restarts ICE", func(t *testing.T) { restarts(t, 7*time.Second) }},
		{"20 percent lost", heavyLoss},
		{"1 percent lost", func(t *testing.T) { lossIsRepaired(t, 0.01) }},
		{"5 percent lost", func(t *testing.T) { lossIsRepaired(t, 0.05) }},
		{"only pictures asked for", lossWithoutNACK},
		{"reordered", func(t *testing.T) { disorder(t, path{swap: 0.2}) }},
		{"doubled", func(t *testing.T) { disorder(t, path{twice: 0.5}) }},
		{"all of it", func(t *testing.T) { disorder(t, path{swap: 0.1, twice: 0.1, loss: 0.02, delay: 30 * time.Millisecond}) }},
		{"narrow path", narrow},
		{"sleeps 3 s", func(t *testing.T) { sleeps(t, 3*time.Second) }},
		{"NAT gives another port", rebound},
		{"restarts ICE elsewhere", func(t *testing.T) { restarts(t, 0) }},
		{"camera restarts", cameraRestarts},
		{"camera changes", cameraChanges},
		{"camera removed", cameraRemoved},
	} {
		turns <- struct{}{}
		all.Go(func() {
			t.Run(fault.name, fault.run)
			<-turns
		})
	}
	all.Wait()
}

// lossIsRepaired loses packets both ways: what is missing is sent again, and no
// picture has to be asked for.
func lossIsRepaired(t *testing.T, share float64) {
	st := newStage(t, 50, nil)
	n := newNetwork(t)
	w := st.join(through(n))
	n.set(path{loss: share}, path{loss: share})
	from := st.cam.now()
	st.play(150)
	n.set(path{}, path{})
	st.upToDate(w, 2*time.Second)
	w.mustBeWhole()
	w.mu.Lock()
	plis, nacks := w.plis, w.nacks
	w.mu.Unlock()
	if plis > 0 || nacks == 0 {
		t.Errorf("want only packets asked for: %v", w)
	}
	late := 0
	for _, p := range w.pictures(time.Time{}) {
		if p.n > from && p.at.Sub(st.cam.published(p.n)) > 500*time.Millisecond {
			late++
		}
	}
	if late > 15 {
		t.Errorf("%d of 150 pictures came more than 0.5 s late", late)
	}
}

// heavyLoss keeps the picture coming back, and is not fed by what it asks for.
func heavyLoss(t *testing.T) {
	st := newStage(t, 50, nil)
	n := newNetwork(t)
	w := st.join(through(n))
	n.set(path{loss: 0.2}, path{loss: 0.2})
	for range 3 {
		from := time.Now()
		st.play(75)
		within(t, 5*time.Second, func() bool { return len(w.pictures(from)) > 0 }, "no picture: %v", w)
	}
	again, all := n.repeats.Load(), n.media.Load()
	n.set(path{}, path{})
	st.upToDate(w, 5*time.Second)
	w.mustRunForward()
	if again*2 > all {
		t.Errorf("%d of %d packets were sent again", again, all)
	}
}

// lossWithoutNACK has a viewer that can ask for whole pictures alone. The camera
// makes no new key frame meanwhile: the kept one is sent again.
func lossWithoutNACK(t *testing.T) {
	st := newStage(t, 240, nil) // as long as a hub keeps
	n := newNetwork(t)
	w := st.join(through(n), asksForPictures)
	n.set(path{}, path{loss: 0.5})
	st.play(10)
	n.set(path{}, path{})
	st.upToDate(w, 5*time.Second)
	w.mustRunForward()
	if w.askedForPictures() == 0 {
		t.Errorf("nothing was asked for: %v", w)
	}
}

// disorder shows a path that changes the order or the number of packets, RTCP's
// and STUN's included.
func disorder(t *testing.T, p path) {
	st := newStage(t, 50, nil)
	n := newNetwork(t)
	w := st.join(through(n))
	n.set(p, p)
	st.play(150)
	st.upToDate(w, 2*time.Second)
	w.mustBeWhole()
	if w.askedForPictures() > 0 {
		t.Errorf("pictures had to be asked for: %v", w)
	}
}

// narrow is a path that takes half of the stream: what comes is of the present.
func narrow(t *testing.T) {
	st := newStage(t, 50, nil)
	n := newNetwork(t)
	w := st.join(through(n))
	n.set(path{}, path{rate: 350_000})
	st.play(200)
	sent := n.media.Load()
	n.set(path{}, path{})
	st.upToDate(w, 5*time.Second)
	w.mustRunForward()
	if most := int64(8 * 1000); sent > most {
		t.Errorf("%d packets were sent into a narrow path, want at most %d", sent, most)
	}
}

// sleeps takes the network away both ways, as a closed laptop does.
func sleeps(t *testing.T, d time.Duration) {
	st := newStage(t, 100, nil)
	n := newNetwork(t)
	w := st.join(through(n))
	n.set(path{dead: true}, path{dead: true})
	st.play(int(d / pictureTime))
	awake, kept := time.Now(), st.cam.kept()
	n.set(path{}, path{})
	st.comesBack(w, awake, kept)
}

// rebound gives the viewer another address without its knowing. As browsers do,
// it names no address of its own, and names its choice in every check.
func rebound(t *testing.T) {
	st := newStage(t, 100, nil)
	n := newNetwork(t)
	w := st.join(through(n), hidden)
	nominate := nominated(only(w.pc.RemoteDescription().SDP, "a=ice-pwd:"))
	n.touch.Store(&nominate)
	for range 2 {
		moved, kept := time.Now(), st.cam.kept()
		n.rebind()
		st.comesBack(w, moved, kept)
	}
}

// restarts takes the viewer to another network, where it restarts ICE.
func restarts(t *testing.T, after time.Duration) {
	st := newStage(t, 100, nil)
	w := st.join(through(newNetwork(t)))
	w.net.tearDown()
	st.play(int(after / pictureTime))
	moved, kept := time.Now(), st.cam.kept()
	w.net = newNetwork(t)
	w.restart()
	st.comesBack(w, moved, kept)
}

// unread is a viewer whose checks arrive while nothing reaches it.
func unread(t *testing.T) {
	st := newStage(t, 100, nil)
	n := newNetwork(t)
	w := st.join(through(n))
	n.set(path{}, path{dead: true})
	st.play(250)
	read, kept := time.Now(), st.cam.kept()
	n.set(path{}, path{})
	st.comesBack(w, read, kept)
}

// unreadTCP is a viewer over TCP that stops reading for a while: its connection
// fills up. Others, over UDP and over TCP, do not wait for it.
func unreadTCP(t *testing.T) {
	st := newStage(t, 50, func(s *Server) { s.TCPAddr = "127.0.0.1:0" })
	st.cam.change(func() { st.cam.size = 10_000 }) // 2 Mbit/s
	p := newPipe(t)
	w, beside := st.join(over(p)), st.join(over(newPipe(t)))
	p.stall(true)
	st.play(100)
	st.upToDate(beside, 2*time.Second)
	p.stall(false)
	st.upToDate(w, 5*time.Second)
	w.mustRunForward()
	beside.mustBeWhole()
}

// deafTCP is one that never reads again: it is ended. Another like it can be
// ended at once.
func deafTCP(t *testing.T) {
	st := newStage(t, 50, func(s *Server) { s.TCPAddr = "127.0.0.1:0" })
	st.cam.change(func() { st.cam.size = 10_000 })
	p, q := newPipe(t), newPipe(t)
	deaf, closed, beside := st.join(over(p)), st.join(over(q)), st.join(over(newPipe(t)))
	p.stall(true)
	q.stall(true)
	st.play(75)
	done := make(chan struct{})
	go func() { closed.view.Close(); close(done) }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Error("Close waits for a viewer that does not read")
	}
	within(t, disconnectedAfter+failedAfter+15*time.Second, func() bool { return ended(deaf.view) }, "the viewer is held for ever")
	st.upToDate(beside, 2*time.Second)
	beside.mustRunForward() // one over TCP may lose pictures of its own on a busy machine
	<-done
}

func ended(v *Viewer) bool {
	select {
	case <-v.Done():
		return true
	default:
		return false
	}
}

// vanishes is a viewer that is gone without a goodbye.
func vanishes(t *testing.T) {
	st := newStage(t, 100, nil)
	n := newNetwork(t)
	w := st.join(through(n))
	n.set(path{dead: true}, path{dead: true})
	st.play(int((disconnectedAfter + 2*keepAlive + time.Second) / pictureTime)) // the limit, and a turn of ICE's clock
	media, bytes := n.media.Load(), n.bytes.Load()
	within(t, failedAfter+10*time.Second, func() bool { return ended(w.view) }, "the viewer is held for ever")
	if sent := n.media.Load() - media; sent > 0 {
		t.Errorf("%d packets went into the void", sent)
	}
	if sent := n.bytes.Load() - bytes; sent > 20_000 {
		t.Errorf("%d bytes went into the void", sent)
	}
	within(t, time.Second, func() bool { return st.s.Viewers() == 1 }, "%d viewers are counted", st.s.Viewers())
}

// vanishesWithPort is one whose host answers with ICMP.
func vanishesWithPort(t *testing.T) {
	st := newStage(t, 100, nil)
	w := st.join(through(newNetwork(t)))
	w.net.tearDown()
	within(t, disconnectedAfter+failedAfter+10*time.Second, func() bool { return ended(w.view) }, "the viewer is held for ever")
	within(t, time.Second, func() bool { return st.s.Viewers() == 1 }, "%d viewers are counted", st.s.Viewers())
}

// cameraRestarts lets the camera come back with another clock.
func cameraRestarts(t *testing.T) {
	st := newStage(t, 50, nil)
	w := st.join()
	for _, jump := range []int64{-1 << 40, 1 << 40, 0} {
		st.cam.change(func() { st.cam.still = true; st.cam.hub.Interrupt() })
		<-time.After(time.Second)
		st.cam.change(func() { st.cam.still, st.cam.k, st.cam.pts = false, 0, st.cam.pts+jump; st.cam.hub.Restart() })
		st.play(25)
		st.upToDate(w, 2*time.Second)
	}
	w.mustBeWhole()
}

// cameraChanges lets it send other sizes and profiles, and so payload types.
func cameraChanges(t *testing.T) {
	st := newStage(t, 50, nil)
	w := st.join()
	for i, sps := range [][]byte{{0x67, 0x64, 0, 0x28}, {0x67, 0x42, 0xe0, 0x1f}, {0x67, 0x4d, 0, 0x32}} {
		d := *st.cam.desc
		d.SPS, d.Width, d.Height = sps, 640*(i+1), 360*(i+1)
		st.cam.change(func() { st.cam.desc, st.cam.k = &d, 0 })
		st.play(25)
		st.upToDate(w, 2*time.Second)
	}
	w.mustBeWhole()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.types) < 2 {
		t.Errorf("payload types %v were used, want one of each profile", w.types)
	}
}

// cameraRemoved ends its viewers, and no others.
func cameraRemoved(t *testing.T) {
	st := newStage(t, 50, nil)
	other := newSource(t, 50, 0)
	fleet := streams.NewFleet(relay(other))
	t.Cleanup(fleet.Close)
	fleet.Set("cam001", streams.Spec{Camera: "cam001", Profile: streams.Main, Always: true})
	hub, release, err := fleet.Acquire("cam001", streams.Main)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	w := newWatcher(t)
	v := w.open(st.s, hub)
	within(t, 10*time.Second, func() bool { return w.newest() >= 0 }, "no picture: %v", w)
	fleet.Set("cam001")
	within(t, 5*time.Second, func() bool { return ended(v) }, "the viewer outlives its camera")
	within(t, 5*time.Second, func() bool { return w.pc.ConnectionState() == webrtc.PeerConnectionStateClosed }, "it is not told: %v", w)
	if n := st.s.Viewers(); n != 1 {
		t.Errorf("%d viewers are counted", n)
	}
}

// TestPeersOfEveryKind opens viewers with each SRTP profile and DTLS role.
func TestPeersOfEveryKind(t *testing.T) {
	checkLeaks(t)
	checkDescriptors(t)
	st := newStage(t, 50, nil)
	for name, opt := range map[string]watching{
		"AES-128 CM with HMAC-SHA1-80": profile(dtls.SRTP_AES128_CM_HMAC_SHA1_80),
		"AES-128 GCM":                  profile(dtls.SRTP_AEAD_AES_128_GCM),
		"DTLS active":                  setup("active"),
		"DTLS passive":                 setup("passive"),
		"DTLS actpass":                 setup("actpass"),
		"no address named":             hidden,
	} {
		t.Run(name, func(t *testing.T) {
			here := *st
			here.t = t
			w := here.join(opt)
			here.play(10)
			here.upToDate(w, 2*time.Second)
			w.mustBeWhole()
		})
	}
}

// TestFirstPictureIsTheKeptOne joins deep inside groups of pictures of several
// lengths: the first picture is the kept key frame, and what follows it comes at
// once.
func TestFirstPictureIsTheKeptOne(t *testing.T) {
	checkLeaks(t)
	checkDescriptors(t)
	for name, gop := range map[string]int{"1 s": 25, "4 s": 100, "10 s": 249} {
		t.Run(name, func(t *testing.T) {
			s, cam := openServer(t, nil), newSource(t, gop, gop*2/3)
			w := newWatcher(t)
			kept := cam.kept()
			w.open(s, cam.hub)
			within(t, 10*time.Second, func() bool { return w.newest() >= int(cam.now())-1 }, "it is not live: %v", w)
			first := w.pictures(time.Time{})[0]
			if late := cam.kept(); first.n != kept && first.n != late || !first.key {
				t.Errorf("the first picture is %d (key %v), the kept one was %d, then %d", first.n, first.key, kept, late)
			}
			w.mustBeWhole()
		})
	}
}
