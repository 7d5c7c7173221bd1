package whep

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/srtp/v3"
	"github.com/pion/webrtc/v4"
)

// rig is an ear, and what seals for it.
type rig struct {
	*ear
	viewer *srtp.Context
	asked  []request
}

func newRig(t *testing.T, profile srtp.ProtectionProfile) *rig {
	t.Helper()
	key, salt := sealKeys(t, profile)
	open, err := srtp.CreateContext(key, salt, profile, srtp.SRTCPReplayProtection(srtcpWindow))
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{}
	if r.viewer, err = srtp.CreateContext(key, salt, profile); err != nil {
		t.Fatal(err)
	}
	picture, sound := newTrack(webrtc.RTPCodecTypeVideo), newTrack(webrtc.RTPCodecTypeAudio)
	picture.ssrc, sound.ssrc = 7, 8
	r.ear = &ear{context: open, tracks: []*track{picture, sound}, ask: func(q request) { r.asked = append(r.asked, q) }}
	return r
}

func (r *rig) seal(t *testing.T, packets ...rtcp.Packet) []byte {
	t.Helper()
	raw, err := rtcp.Marshal(packets)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := r.viewer.EncryptRTCP(nil, raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestFeedbackIsReadAtTheFront(t *testing.T) {
	for _, profile := range sealProfiles {
		t.Run(profile.String(), func(t *testing.T) {
			r := newRig(t, profile)
			nack := r.seal(t, &rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: 8, TotalLost: 3}, {SSRC: 7, TotalLost: 1<<24 - 2}}},
				&rtcp.TransportLayerNack{SenderSSRC: 1, MediaSSRC: 7, Nacks: []rtcp.NackPair{{PacketID: 20}}})
			forged := slices.Clone(nack)
			forged[len(forged)/2] ^= 1
			if !isRTCP(nack) || r.take(forged) || len(r.asked) > 0 {
				t.Fatalf("a packet that was changed on its way asks for %+v", r.asked)
			}
			if !r.take(nack) || len(r.asked) != 2 {
				t.Fatalf("asked for %+v, want a loss of sound and a repetition of picture", r.asked)
			}
			if lost, again := r.asked[0], r.asked[1]; lost.video || lost.lost != 3 || !again.video || len(again.nacks) != 1 || again.nacks[0].PacketID != 20 {
				t.Fatalf("asked for %+v", r.asked)
			}
			if r.take(nack) || len(r.asked) != 2 {
				t.Fatal("a packet that came before was taken again")
			}
			same := r.seal(t, &rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: 8, TotalLost: 3}}})
			if !r.take(same) || len(r.asked) != 2 {
				t.Fatal("a report without news asks for something")
			}
			if !r.take(r.seal(t, &rtcp.PictureLossIndication{SenderSSRC: 1, MediaSSRC: 7}, &rtcp.PictureLossIndication{SenderSSRC: 1, MediaSSRC: 99},
				&rtcp.FullIntraRequest{SenderSSRC: 1, FIR: []rtcp.FIREntry{{SSRC: 99}, {SSRC: 7}}})) || len(r.asked) != 4 || !r.asked[2].keyNow || !r.asked[3].keyNow {
				t.Fatalf("asked for %+v, want a key frame twice", r.asked[2:])
			}
		})
	}
}

// TestVoicesAreFew: each SSRC costs a state, and a viewer may make up as many as
// it likes.
func TestVoicesAreFew(t *testing.T) {
	r := newRig(t, srtp.ProtectionProfileAeadAes128Gcm)
	for i := range uint32(100) {
		if took := r.take(r.seal(t, &rtcp.ReceiverReport{SSRC: i})); took != (i < maxVoices) {
			t.Fatalf("voice %d was taken: %v", i, took)
		}
	}
	if !r.take(r.seal(t, &rtcp.ReceiverReport{SSRC: maxVoices - 1})) {
		t.Fatal("a known voice is not heard any more")
	}
}

// TestReportsKeepAViewerAwake: on a bad line the checks of ICE may be lost, and
// the reports come through.
func TestReportsKeepAViewerAwake(t *testing.T) {
	r := newRig(t, srtp.ProtectionProfileAeadAes128Gcm)
	v := &Viewer{}
	woken := 0
	v.sender.Store(&sender{poke: func() { woken++ }})
	v.ear.Store(r.ear)
	report := func() {
		t.Helper()
		if !v.take(r.seal(t, &rtcp.ReceiverReport{SSRC: 1})) {
			t.Fatal("a report was left to pion")
		}
	}
	report()
	v.onState(webrtc.PeerConnectionStateDisconnected)
	if v.asleep() {
		t.Fatal("a viewer whose report has just come is taken for asleep")
	}
	v.heardAt.Store(clock() - int64(disconnectedAfter+time.Second))
	if !v.asleep() {
		t.Fatal("a viewer that nothing comes from is taken for awake")
	}
	report()
	if v.asleep() || woken != 1 {
		t.Fatalf("after a report: asleep %v, woken %d times", v.asleep(), woken)
	}
	report()
	if woken != 1 {
		t.Fatal("a viewer that was awake was woken")
	}
}
