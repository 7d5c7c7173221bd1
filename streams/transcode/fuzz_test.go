package transcode

import (
	"bytes"
	"testing"
)

// What ffmpeg writes comes, in the end, of a camera.

func FuzzFLV(f *testing.F) {
	head := "FLV\x01\x01\x00\x00\x00\x09\x00\x00\x00\x00"
	f.Add([]byte(head + "\x09\x00\x00\x18\x00\x00\x28\x00\x00\x00\x00\x17\x00\x00\x00\x00\x01\x4d\x40\x15\xff\xe1\x00\x05\x67\x4d\x40\x15\x01\x01\x00\x02\x68\xef\x00\x00\x00\x00"))
	f.Add([]byte(head + "\x09\x00\x00\x0b\x00\x00\x28\x00\x00\x00\x00\x17\x01\x00\x00\x00\x00\x00\x00\x02\x65\x88\x00\x00\x00\x00"))
	f.Add([]byte(head + "\x09\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		err := readFLV(bytes.NewReader(b), func(x tag) error {
			size := len(x.sps) + len(x.pps)
			for _, n := range x.nalus {
				size += len(n)
			}
			if size > len(b) {
				t.Fatalf("%d bytes of %d", size, len(b))
			}
			return nil
		})
		if err == nil {
			t.Fatal("it ends without an end")
		}
	})
}

func FuzzOpus(f *testing.F) {
	f.Add([]byte("OggS\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x13OpusHead\x01\x01\x38\x01\x80\xbb\x00\x00\x00\x00\x00"))
	f.Add(append([]byte("OggS\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03\x13\x01\xff"),
		bytes.Repeat([]byte("OpusHead\x01\x01\x38"), 30)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		last := int64(-1 << 40)
		err := readOpus(bytes.NewReader(b), func(start int64, packet []byte) {
			if start < last {
				t.Fatalf("%d after %d", start, last)
			}
			last = start
		})
		if err == nil {
			t.Fatal("it ends without an end")
		}
	})
}

func FuzzADTS(f *testing.F) {
	f.Add([]byte{0x14, 0x08})
	f.Add([]byte{0x2b, 0x11, 0x88, 0x00})
	f.Add([]byte{0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := adts(b)
		if err == nil && (h[0] != 0xff || h[1] != 0xf1 || h[2]>>2&15 > 12) {
			t.Fatalf("%x", h)
		}
	})
}
