package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/streams"
	"sharpeyes/streams/transcode"
	"sharpeyes/streams/whep"
)

// What browsers offer, shortened.
const (
	offerHead = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 00:11\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"
	offerH264 = "m=video 9 UDP/TLS/RTP/SAVPF 102\r\nc=IN IP4 0.0.0.0\r\na=recvonly\r\na=rtpmap:102 H264/90000\r\n" +
		"a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n"
	offerH265 = "m=video 9 UDP/TLS/RTP/SAVPF 49\r\nc=IN IP4 0.0.0.0\r\na=recvonly\r\na=rtpmap:49 H265/90000\r\na=fmtp:49 level-id=93;profile-id=1\r\n"
	offerOpus = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=recvonly\r\na=rtpmap:111 opus/48000/2\r\n"
)

// sending pretends to pull: what a stream carries is the name of its URL.
func sending(t *testing.T, main, sub string) video {
	t.Helper()
	descs := map[string]streams.Desc{
		"h264":    {Video: streams.H264},
		"h265":    {Video: streams.H265},
		"pyramid": {Video: streams.H264, BFrames: true, BPyramid: true},
		"pending": {Video: streams.H264, Pending: true},
		"aac":     {Video: streams.H264, Audio: streams.AAC, AudioRate: 16000, AudioConfig: []byte{0x14, 0x08}},
		"265+aac": {Video: streams.H265, Audio: streams.AAC, AudioRate: 16000, AudioConfig: []byte{0x14, 0x08}},
	}
	fleet := streams.NewFleet(func(ctx context.Context, s streams.Spec, hub *streams.Hub) {
		if s.URL == "gone" {
			hub.SetState(streams.Unreachable, streams.NoRoute, "no way to the camera", time.Time{})
		} else if d, ok := descs[s.URL]; ok {
			hub.Describe(&d)
		}
		<-ctx.Done()
	})
	t.Cleanup(fleet.Close)
	specs := []streams.Spec{{Camera: "cam", Profile: streams.Main, URL: main}}
	if sub != "" {
		specs = append(specs, streams.Spec{Camera: "cam", Profile: streams.Sub, URL: sub})
	}
	fleet.Set("cam", specs...)
	pool := transcode.New()
	pool.Max, pool.Hardware, pool.FFmpeg = 1, false, filepath.Join(t.TempDir(), "ffmpeg")
	t.Cleanup(pool.Close)
	return video{fleet: fleet, transcodes: pool, log: slog.New(slog.DiscardHandler)}
}

// install makes transcoding possible as far as choosing goes.
func (v video) install(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(v.transcodes.FFmpeg, []byte("#!/bin/sh\nexec cat > /dev/null\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestPick(t *testing.T) {
	const h264, both, h265 = offerHead + offerH264, offerHead + offerH264 + offerH265, offerHead + offerH265
	for name, c := range map[string]struct {
		main, sub, offer string
		ffmpeg           bool
		asked            streams.Profile
		want             streams.Profile // empty: refused
		codec            streams.Codec
		transcoded       bool
		derived          bool // by sound alone
		kind             alerts.Kind
		says             string
	}{
		"as asked":                 {main: "h264", sub: "h264", offer: h264, asked: streams.Sub, want: streams.Sub, codec: streams.H264},
		"H.265 untouched":          {main: "h265", sub: "h264", offer: both, asked: streams.Main, want: streams.Main, codec: streams.H265},
		"H.265 alone":              {main: "h265", offer: h265, asked: streams.Main, want: streams.Main, codec: streams.H265},
		"the sub stream by itself": {main: "h265", sub: "h264", offer: h264, ffmpeg: true, asked: streams.Main, want: streams.Sub, codec: streams.H264},
		"the main one by itself":   {main: "h264", sub: "h265", offer: h264, asked: streams.Sub, want: streams.Main, codec: streams.H264},
		"both H.265":               {main: "h265", sub: "h265", offer: h264, ffmpeg: true, asked: streams.Sub, want: streams.Sub, codec: streams.H265, transcoded: true},
		"without ffmpeg": {main: "h265", sub: "h265", offer: h264, asked: streams.Main, kind: alerts.Unsupported,
			says: "the camera sends H.265, which this browser does not take, and ffmpeg is not installed"},
		"the other is gone":     {main: "h265", sub: "gone", offer: h264, asked: streams.Main, kind: alerts.Unsupported, says: "ffmpeg"},
		"H.264 to H.265 alone":  {main: "h264", offer: h265, asked: streams.Main, kind: alerts.Unsupported, says: "H264"},
		"gone":                  {main: "gone", sub: "h264", offer: h264, asked: streams.Main, kind: alerts.Unavailable, says: "no way"},
		"says nothing":          {main: "silent", offer: h264, asked: streams.Main, want: streams.Main},
		"not settled":           {main: "pending", offer: h264, asked: streams.Main, want: streams.Main},
		"pyramid":               {main: "pyramid", offer: h264, ffmpeg: true, asked: streams.Main, want: streams.Main, codec: streams.H264, transcoded: true},
		"pyramid, no ffmpeg":    {main: "pyramid", offer: h264, asked: streams.Main, want: streams.Main, codec: streams.H264},
		"pyramid, sub is plain": {main: "pyramid", sub: "h264", offer: h264, ffmpeg: true, asked: streams.Main, want: streams.Sub, codec: streams.H264},
		"AAC, no sound wanted":  {main: "aac", offer: h264, ffmpeg: true, asked: streams.Main, want: streams.Main, codec: streams.H264},
		"AAC":                   {main: "aac", offer: h264 + offerOpus, ffmpeg: true, asked: streams.Main, want: streams.Main, codec: streams.H264, derived: true},
		"AAC, no ffmpeg":        {main: "aac", offer: h264 + offerOpus, asked: streams.Main, want: streams.Main, codec: streams.H264},
		"H.265 and AAC":         {main: "265+aac", offer: h264 + offerOpus, ffmpeg: true, asked: streams.Main, want: streams.Main, codec: streams.H265, transcoded: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := sending(t, c.main, c.sub)
			if c.ffmpeg {
				v.install(t)
			}
			takes, err := whep.Accepts(c.offer)
			if err != nil {
				t.Fatal(err)
			}
			got, err := v.pick(t.Context(), "cam", c.asked, takes)
			if c.want == "" {
				var e *alerts.Error
				if !errors.As(err, &e) || e.Kind != c.kind || !strings.Contains(e.Message, c.says) {
					t.Fatalf("%v", err)
				}
				if coded := len(e.Faults) == 1 && e.Faults[0] == (alerts.Fault{Field: "codec", Message: "h265_not_taken"}); coded != strings.Contains(c.says, "ffmpeg") {
					t.Errorf("%+v", e.Faults)
				}
			} else {
				if err != nil {
					t.Fatal(err)
				}
				defer got.release()
				source, _ := v.fleet.Hub("cam", c.want)
				if got.profile != c.want || got.codec != c.codec || got.transcoded != c.transcoded || (got.hub != source) != (c.transcoded || c.derived) {
					t.Errorf("%+v", got)
				}
			}
		})
	}
}

// TestPickBounds has more wanted than the machine is to transcode.
func TestPickBounds(t *testing.T) {
	v := sending(t, "265+aac", "h265")
	v.install(t)
	takes, err := whep.Accepts(offerHead + offerH264 + offerOpus)
	if err != nil {
		t.Fatal(err)
	}
	main, err := v.pick(t.Context(), "cam", streams.Main, takes)
	if err != nil || !main.transcoded {
		t.Fatalf("%+v, %v", main, err)
	}
	same, err := v.pick(t.Context(), "cam", streams.Main, takes)
	if err != nil || same.hub != main.hub {
		t.Fatalf("not shared: %v", err)
	}
	same.release()
	if _, err := v.pick(t.Context(), "cam", streams.Sub, takes); alerts.KindOf(err) != alerts.Unavailable || !strings.Contains(err.Error(), "1 at a time") {
		t.Fatalf("one more: %v", err)
	}
	main.release()
	main.release()
}
