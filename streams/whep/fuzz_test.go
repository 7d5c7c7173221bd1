package whep

import (
	"errors"
	"strings"
	"testing"
)

// sampleOffer is what a browser sends, shortened.
const sampleOffer = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n" +
	"a=fingerprint:sha-256 00:11\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n" +
	"m=video 9 UDP/TLS/RTP/SAVPF 102\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=recvonly\r\na=rtpmap:102 H264/90000\r\n" +
	"a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n" +
	"m=audio 9 UDP/TLS/RTP/SAVPF 8\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=recvonly\r\na=rtpmap:8 PCMA/8000\r\n"

func FuzzCheckOffer(f *testing.F) {
	f.Add(sampleOffer)
	f.Add(strings.ReplaceAll(sampleOffer, "\r\n", "\n"))
	f.Add(strings.ReplaceAll(sampleOffer, "packetization-mode=1", "packetization-mode=0"))
	f.Add(strings.ReplaceAll(strings.ReplaceAll(sampleOffer, "H264", "H265"), "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
		"level-id=93;profile-id=1;tier-flag=0;tx-mode=SRST"))
	f.Add("v=0\r\nm=video 99999999999999999999 X 0\r\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, offer string) {
		_, err := checkOffer(offer)
		if err != nil && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrNoCodec) {
			t.Fatalf("an error of no kind: %v", err)
		}
		if up := strings.ToUpper(offer); err == nil && !strings.Contains(up, "H264") && !strings.Contains(up, "H265") {
			t.Fatal("taken without H.264 and H.265")
		}
		a, again := Accepts(offer)
		if (err == nil) != (again == nil) || (err == nil) != (len(a.Video) > 0) {
			t.Fatalf("%v, then %v with %v", err, again, a.Video)
		}
	})
}

func FuzzParseFragment(f *testing.F) {
	f.Add("a=ice-ufrag:abcd\r\na=ice-pwd:0123\r\nm=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=candidate:1 1 udp 1 10.0.0.1 9 typ host\r\n")
	f.Add("a=end-of-candidates\r\n")
	f.Add("a=candidate")
	f.Add("\x00")
	f.Fuzz(func(t *testing.T, text string) {
		frag, err := parseFragment(text)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		if len(frag.candidates) > maxCandidates || frag.ufrag == "" && len(frag.candidates) == 0 {
			t.Fatalf("taken: %+v", frag)
		}
		// New credentials must not be able to add lines of their own.
		offer := withCredentials(sampleOffer, frag)
		if strings.Count(offer, "\r\n") != strings.Count(sampleOffer, "\r\n") || strings.Count(offer, "\n") != strings.Count(sampleOffer, "\n") {
			t.Fatalf("the offer grew:\n%s", offer)
		}
	})
}
