package transcode

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"sharpeyes/streams"
)

// tag is one picture of an FLV file, or what a decoder has to know first.
type tag struct {
	ms       uint32
	config   bool
	sps, pps []byte
	nalus    [][]byte
}

var errFLV = errors.New("broken FLV")

// readFLV reads H.264 in FLV (Adobe Flash Video File Format 10.1, annex E): it
// tells the size of each picture ahead, where Annex B would keep one back until
// the next has begun.
func readFLV(r io.Reader, each func(tag) error) error {
	br := bufio.NewReaderSize(r, 64<<10)
	var head [13]byte // with the size of the tag before the first
	if _, err := io.ReadFull(br, head[:]); err != nil {
		return err
	}
	if string(head[:3]) != "FLV" || binary.BigEndian.Uint32(head[5:]) != 9 {
		return fmt.Errorf("%w: no header", errFLV)
	}
	for {
		var h [11]byte
		if _, err := io.ReadFull(br, h[:]); err != nil {
			return err
		}
		size := int(h[1])<<16 | int(h[2])<<8 | int(h[3])
		if size > streams.MaxAccessUnit {
			return fmt.Errorf("%w: a tag of %d bytes", errFLV, size)
		}
		body := make([]byte, size+4) // with the size again
		if _, err := io.ReadFull(br, body); err != nil {
			return err
		}
		if h[0] != 9 || size < 5 || body[0]&0x0f != 7 { // video, AVC
			continue
		}
		t := tag{ms: uint32(h[7])<<24 | uint32(h[4])<<16 | uint32(h[5])<<8 | uint32(h[6])}
		var err error
		switch body[1] {
		case 0:
			t.config = true
			t.sps, t.pps, err = readAVCConfig(body[5:size])
		case 1:
			t.nalus, err = readAVC(body[5:size])
		default:
			continue
		}
		if err == nil {
			err = each(t)
		}
		if err != nil {
			return err
		}
	}
}

// readAVCConfig takes the first SPS and PPS (ISO/IEC 14496-15 5.3.3.1).
func readAVCConfig(b []byte) (sps, pps []byte, err error) {
	if len(b) < 6 || b[4]&3 != 3 {
		return nil, nil, fmt.Errorf("%w: parameter sets", errFLV)
	}
	b = b[5:]
	for _, set := range []*[]byte{&sps, &pps} {
		if len(b) < 1 {
			return nil, nil, fmt.Errorf("%w: parameter sets", errFLV)
		}
		n := int(b[0] & 0x1f)
		b = b[1:]
		for i := range n {
			if len(b) < 2 || len(b) < 2+int(binary.BigEndian.Uint16(b)) {
				return nil, nil, fmt.Errorf("%w: parameter sets", errFLV)
			}
			k := 2 + int(binary.BigEndian.Uint16(b))
			if i == 0 {
				*set = b[2:k:k]
			}
			b = b[k:]
		}
	}
	return sps, pps, nil
}

// readAVC splits NAL units with their sizes before them.
func readAVC(b []byte) (nalus [][]byte, err error) {
	for len(b) > 0 {
		if len(b) < 4 || uint32(len(b)-4) < binary.BigEndian.Uint32(b) {
			return nil, fmt.Errorf("%w: NAL units", errFLV)
		}
		n := 4 + int(binary.BigEndian.Uint32(b))
		nalus, b = append(nalus, b[4:n:n]), b[n:]
	}
	return nalus, nil
}
