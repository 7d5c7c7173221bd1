package rtsp

import (
	"bytes"
	"strings"
	"testing"

	"sharpeyes/streams"
)

func TestTolerable(t *testing.T) {
	noConfig := strings.Replace(sdpAAC, "config=1408;", "", 1)
	badSPS := strings.Replace(sdpH265, spsH265, "QgEB", 1)
	for name, c := range map[string]struct {
		sdp   string
		video streams.Codec // empty: refused
		audio streams.Codec
		same  bool
	}{
		"good":                       {sdpVideo + sdpPCMA, streams.H264, streams.PCMA, true},
		"AAC without its config":     {sdpVideo + noConfig, streams.H264, "", false},
		"and other sound":            {sdpVideo + noConfig + sdpPCMU, streams.H264, streams.PCMU, false},
		"SPS of H.265 cut short":     {badSPS + sdpPCMA, streams.H265, streams.PCMA, false},
		"sprop that is no base64":    {strings.Replace(sdpVideo, "Z2QADKy0", "****", 1), streams.H264, "", false},
		"bare line feeds":            {strings.ReplaceAll(sdpVideo+noConfig, "\r\n", "\n"), streams.H264, "", false},
		"nothing understood":         {noConfig, "", "", true},
		"more media than are looked": {sdpVideo + strings.Repeat(noConfig, maxSections), "", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			body := []byte(sdpHead + c.sdp)
			got := tolerable(bytes.Clone(body))
			if bytes.Equal(got, body) != c.same {
				t.Errorf("mended to\n%s", got)
			}
			offer, err := offerOf(string(got))
			if err != nil {
				if c.video != "" {
					t.Fatal(err)
				}
				return
			}
			with, err := choose(offer)
			if err != nil {
				t.Fatal(err)
			}
			if with.desc.Video != c.video || with.desc.Audio != c.audio {
				t.Errorf("%+v", with.desc)
			}
		})
	}
}

// FuzzTolerable mends nothing that is understood, and makes nothing up.
func FuzzTolerable(f *testing.F) {
	f.Add(sdpHead + sdpVideo + strings.Replace(sdpAAC, "config=1408;", "", 1))
	f.Add(sdpHead + strings.Replace(sdpH265, spsH265, "QgEB", 1) + sdpPCMA)
	f.Add("m=\nm=\n\rm=video")
	f.Fuzz(func(t *testing.T, body string) {
		got := string(tolerable([]byte(body)))
		if got == body {
			return
		}
		if understood([]byte(body)) || !understood([]byte(got)) || len(got) > len(body) {
			t.Fatalf("%q became %q", body, got)
		}
		for line := range strings.Lines(got) {
			if !strings.Contains(body, line) {
				t.Fatalf("%q is made up", line)
			}
		}
	})
}
