// Package still makes pictures that stand still out of key frames: an MP4 of one
// frame, which browsers show without anybody decoding it here, and a JPEG by
// ffmpeg where that is installed.
//
// Invariants:
//   - What cameras send is hostile: every box is made of parameter sets that were
//     read within bounds, and a frame that cannot be shown is ErrNoPicture, never
//     a panic.
//   - The same frame always makes the same bytes.
//   - A frame's memory is shared with viewers: it is copied, never written to.
//   - JPEGs: at most AtOnce programs at a time, one for each stream, and answers
//     that are a few seconds old are given again. Under load callers wait for the
//     one that runs, and beyond MaxWaiting they are turned away.
package still

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/Eyevinn/mp4ff/mp4"

	"sharpeyes/streams"
)

// ErrNoPicture is for a frame that nothing can be shown of: no key frame,
// without parameter sets, or with broken ones.
var ErrNoPicture = errors.New("the key frame cannot be shown")

// One frame of 1/25 s. Players want a length; how long the frame really stood
// nobody knows before the next one.
const (
	timescale = 90000
	duration  = timescale / 25
)

// MP4 makes a progressive file of one key frame: ftyp, moov, mdat (ISO/IEC
// 14496-12), H.264 as avc1 and H.265 as hvc1 with all their parameter sets in the
// sample entry (ISO/IEC 14496-15 5.4.2, 8.4.1), as strict players want them.
func MP4(f *streams.Frame) ([]byte, error) {
	k, err := read(f)
	if err != nil {
		return nil, err
	}
	sample := make([]byte, 0, f.Size+4*len(k.slices))
	for _, n := range k.slices {
		sample = append(sample, byte(len(n)>>24), byte(len(n)>>16), byte(len(n)>>8), byte(len(n)))
		sample = append(sample, n...)
	}
	brand := "avc1"
	if k.hevc {
		brand = "hvc1"
	}
	ftyp := mp4.NewFtyp("isom", 0x200, []string{"isom", "iso2", "mp41", brand})
	moov, offset, err := movie(k.sampleEntry(), k.displayWidth(), k.height, len(sample))
	if err != nil {
		return nil, err
	}
	mdat := &mp4.MdatBox{}
	mdat.SetData(sample)
	*offset = uint32(ftyp.Size() + moov.Size() + mdat.HeaderSize())
	out := bytes.NewBuffer(make([]byte, 0, int(ftyp.Size()+moov.Size()+mdat.Size())))
	for _, b := range []mp4.Box{ftyp, moov, mdat} {
		if err := b.Encode(out); err != nil {
			return nil, fmt.Errorf("still: write %s: %w", b.Type(), err)
		}
	}
	return out.Bytes(), nil
}

// movie describes one track with one sample; where that begins is to be filled
// in when the size of all is known.
func movie(entry *mp4.VisualSampleEntryBox, width, height, size int) (moov *mp4.MoovBox, offset *uint32, err error) {
	moov = mp4.NewMoovBox()
	mvhd := mp4.CreateMvhd()
	mvhd.Timescale, mvhd.Duration = timescale, duration
	moov.AddChild(mvhd)
	trak := mp4.CreateEmptyTrak(1, timescale, "video", "und")
	trak.Tkhd.Duration, trak.Mdia.Mdhd.Duration = duration, duration
	trak.Tkhd.Width, trak.Tkhd.Height = mp4.Fixed32(width<<16), mp4.Fixed32(height<<16)
	trak.Mdia.Hdlr.Name = "video"
	table := trak.Mdia.Minf.Stbl
	table.Stsd.AddChild(entry)
	table.Stts.SampleCount, table.Stts.SampleTimeDelta = []uint32{1}, []uint32{duration}
	if err := table.Stsc.AddEntry(1, 1, 1); err != nil {
		return nil, nil, fmt.Errorf("still: %w", err)
	}
	table.Stsz.SampleNumber, table.Stsz.SampleSize = 1, []uint32{uint32(size)}
	table.Stco.ChunkOffset = []uint32{0}
	moov.AddChild(trak)
	return moov, &table.Stco.ChunkOffset[0], nil
}

// AnnexB is the key frame as a byte stream that a decoder can start with
// (H.264 and H.265 annex B).
func AnnexB(f *streams.Frame) ([]byte, error) {
	k, err := read(f)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, f.Size+1024)
	for _, set := range [][][]byte{k.vps, k.sps, k.pps, k.slices} {
		for _, n := range set {
			out = append(append(out, 0, 0, 0, 1), n...)
		}
	}
	return out, nil
}
