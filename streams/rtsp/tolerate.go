package rtsp

import (
	"bytes"

	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/sdp"
)

// maxSections bounds the media of a description that is mended.
const maxSections = 16

// tolerable mends a camera's description that the library would refuse as a
// whole: a section that it does not understand is left out, so that strange
// sound does not cost the picture, and a picture goes without the parameters of
// its format, since parameter sets come in the stream too. What cannot be mended
// is returned as it is.
func tolerable(body []byte) []byte {
	if understood(body) {
		return body
	}
	head, sections := split(body)
	if len(sections) > maxSections {
		return body
	}
	mended := bytes.Clone(head)
	for _, s := range sections {
		for _, try := range [][]byte{s, withoutFormats(s)} {
			if understood(append(bytes.Clone(head), try...)) {
				mended = append(mended, try...)
				break
			}
		}
	}
	if !understood(mended) {
		return body
	}
	return mended
}

func understood(body []byte) bool {
	var s sdp.SessionDescription
	var d description.Session
	return s.Unmarshal(body) == nil && d.Unmarshal(&s) == nil
}

// split cuts a description before each of its media.
func split(body []byte) (head []byte, sections [][]byte) {
	from := 0
	for line := range bytes.Lines(body) {
		if bytes.HasPrefix(line, []byte("m=")) {
			if sections == nil {
				head = body[:from:from]
			}
			sections = append(sections, nil)
		}
		if n := len(sections); n > 0 {
			sections[n-1] = append(sections[n-1], line...)
		}
		from += len(line)
	}
	return head, sections
}

// withoutFormats leaves the parameters of a picture's formats out. Sound needs
// its own.
func withoutFormats(section []byte) []byte {
	if !bytes.HasPrefix(section, []byte("m=video")) {
		return section
	}
	var out []byte
	for line := range bytes.Lines(section) {
		if !bytes.HasPrefix(line, []byte("a=fmtp:")) {
			out = append(out, line...)
		}
	}
	return out
}
