package transcode

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

var errOgg = errors.New("broken Ogg")

// readOpus reads the packets of Opus in Ogg (RFC 3533, RFC 7845) with the sample
// that each begins with, at 48 kHz, the encoder's lead left out.
func readOpus(r io.Reader, each func(start int64, packet []byte)) error {
	br := bufio.NewReader(r)
	var packet []byte
	var packets, lead, at int64
	for {
		var head [27]byte
		if _, err := io.ReadFull(br, head[:]); err != nil {
			return err
		}
		if string(head[:4]) != "OggS" {
			return fmt.Errorf("%w: no page", errOgg)
		}
		var lacing [255]byte
		segments := lacing[:head[26]]
		if _, err := io.ReadFull(br, segments); err != nil {
			return err
		}
		for _, n := range segments {
			from := len(packet)
			packet = append(packet, make([]byte, n)...)
			if _, err := io.ReadFull(br, packet[from:]); err != nil {
				return err
			}
			if len(packet) > 64<<10 {
				return fmt.Errorf("%w: a packet without end", errOgg)
			}
			if n == 255 {
				continue
			}
			switch packets++; packets {
			case 1: // RFC 7845 5.1
				if len(packet) < 19 || string(packet[:8]) != "OpusHead" {
					return fmt.Errorf("%w: no Opus", errOgg)
				}
				lead = int64(binary.LittleEndian.Uint16(packet[10:]))
			case 2: // comments
			default:
				each(at-lead, packet)
				at += opusSamples(packet)
			}
			packet = nil
		}
	}
}

// opusSamples is the length of a packet (RFC 6716 3.1), at 48 kHz.
func opusSamples(p []byte) int64 {
	if len(p) == 0 {
		return 0
	}
	config, frames := p[0]>>3, int64(1)
	switch p[0] & 3 {
	case 1, 2:
		frames = 2
	case 3:
		if len(p) > 1 {
			frames = int64(p[1] & 0x3f)
		}
	}
	switch {
	case config < 12: // SILK
		return frames * [4]int64{480, 960, 1920, 2880}[config&3]
	case config < 16: // hybrid
		return frames * [2]int64{480, 960}[config&1]
	}
	return frames * [4]int64{120, 240, 480, 960}[config&3] // CELT
}
