package clip

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"
)

// maxTables is more than the sample tables can take.
const maxTables = 256 << 20

// epochMP4 is the distance from 1904 to 1970, seconds (8.2.2).
const epochMP4 = 2082844800

// piece is bytes of a file that follow each other, to be copied.
type piece struct {
	file  int
	at, n int64
}

// source opens the files of a cut one after another.
type source struct {
	c  *Cut
	at int
	f  *os.File
}

func (s *source) close() {
	if s.f != nil {
		s.f.Close()
	}
}

func (s *source) copy(w io.Writer, p piece, buf []byte) (int64, error) {
	if s.at != p.file {
		s.close()
		f, err := os.Open(s.c.files[p.file])
		s.f, s.at = f, p.file
		if errors.Is(err, fs.ErrNotExist) {
			s.f, s.at = nil, -1
			return 0, ErrGone
		}
		if err != nil {
			s.f, s.at = nil, -1
			return 0, err
		}
	}
	n, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{io.NewSectionReader(s.f, p.at, p.n)}, buf)
	if err == nil && n != p.n {
		err = ErrDamaged
	}
	return n, err
}

// chunk is samples that follow each other in the clip and have one entry.
type chunk struct {
	at    int64 // from the start of the data
	n     int
	entry int
}

// layOut decides where everything lies and makes all bytes before the data.
func (c *Cut) layOut() {
	var video, audio []chunk
	var size int64
	v, a := c.video.runs, c.audio.runs
	for len(v) > 0 || len(a) > 0 {
		t, runs, chunks := &c.video, &v, &video
		if len(v) == 0 || len(a) > 0 && a[0].seq < v[0].seq {
			t, runs, chunks = &c.audio, &a, &audio
		}
		r := (*runs)[0]
		*runs = (*runs)[1:]
		at, n := r.at, int64(0)
		for _, s := range t.samples[r.first : r.first+r.n] {
			n += int64(s.size)
		}
		*chunks = append(*chunks, chunk{size, r.n, r.entry})
		size += n
		if k := len(c.copies); k > 0 && c.copies[k-1].file == r.file && c.copies[k-1].at+c.copies[k-1].n == at {
			c.copies[k-1].n += n
			continue
		}
		c.copies = append(c.copies, piece{r.file, at, n})
	}
	c.name()
	w := &boxes{}
	c.writeHead(w, video, audio, 0, size)
	head := int64(len(w.b))
	w.b = w.b[:0]
	c.writeHead(w, video, audio, head, size)
	c.head, c.Bytes = w.b, head+size
	c.video.samples, c.audio.samples = nil, nil // in the tables now
}

// name tells what the entries are.
func (c *Cut) name() {
	names := map[string]string{"avc1": "h264", "avc3": "h264", "hvc1": "h265", "hev1": "h265", "mp4a": "aac", "Opus": "opus",
		"ipcm": "pcm", "alaw": "g711a", "ulaw": "g711u"}
	entry := c.video.entries[c.video.runs[0].entry]
	c.Video = names[kindOf(entry)]
	c.Width, c.Height = sizeOf(entry)
	if len(c.audio.samples) > 0 {
		c.Audio = names[kindOf(c.audio.entry())]
	}
	for i, r := range c.video.runs[1:] {
		if r.entry != c.video.runs[i].entry {
			c.Changes++
		}
	}
}

// sizeOf reads a VisualSampleEntry (12.1.3).
func sizeOf(entry []byte) (int, int) {
	return int(binary.BigEndian.Uint16(entry[32:])), int(binary.BigEndian.Uint16(entry[34:]))
}

// boxes builds ISO/IEC 14496-12 boxes in one buffer.
type boxes struct{ b []byte }

func (w *boxes) u16(v uint16)  { w.b = binary.BigEndian.AppendUint16(w.b, v) }
func (w *boxes) u32(v uint32)  { w.b = binary.BigEndian.AppendUint32(w.b, v) }
func (w *boxes) u64(v uint64)  { w.b = binary.BigEndian.AppendUint64(w.b, v) }
func (w *boxes) zero(n int)    { w.b = append(w.b, make([]byte, n)...) }
func (w *boxes) text(s string) { w.b = append(w.b, s...) }
func (w *boxes) begin(k string) int {
	at := len(w.b)
	w.u32(0)
	w.text(k)
	return at
}

// full begins a full box (4.2).
func (w *boxes) full(k string, version byte, flags uint32) int {
	at := w.begin(k)
	w.u32(uint32(version)<<24 | flags)
	return at
}
func (w *boxes) end(at int) { binary.BigEndian.PutUint32(w.b[at:], uint32(len(w.b)-at)) }

func (w *boxes) matrix() {
	for _, v := range [9]uint32{0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000} {
		w.u32(v)
	}
}

// writeHead adds ftyp, moov and the head of mdat; the data lies at head.
func (c *Cut) writeHead(w *boxes, video, audio []chunk, head, size int64) {
	at := w.begin("ftyp")
	w.text("isom")
	w.u32(512)
	w.text("isomiso4mp41")
	w.end(at)
	made := uint64(c.From.Unix() + epochMP4)
	long := uint64(c.end - c.shown)
	moov := w.begin("moov")
	at = w.full("mvhd", 1, 0)
	w.u64(made)
	w.u64(made)
	w.u32(videoRate)
	w.u64(long)
	w.u32(0x10000)
	w.u16(0x100)
	w.zero(10)
	w.matrix()
	w.zero(24)
	w.u32(audioTrack + 1)
	w.end(at)
	wide := size > math.MaxUint32-maxTables
	c.writeTrack(w, &c.video, videoTrack, made, video, head, wide)
	if len(audio) > 0 {
		c.writeTrack(w, &c.audio, audioTrack, made, audio, head, wide)
	}
	w.end(moov)
	if size+8 > math.MaxUint32 {
		w.u32(1)
		w.text("mdat")
		w.u64(uint64(size + 16))
		return
	}
	w.u32(uint32(size + 8))
	w.text("mdat")
}

func (c *Cut) writeTrack(w *boxes, t *track, id uint32, made uint64, chunks []chunk, head int64, wide bool) {
	trak := w.begin("trak")
	edits := c.edits(t, id)
	c.writeTrackHead(w, id, made, edits)
	edts := w.begin("edts")
	at := w.full("elst", 1, 0)
	w.u32(uint32(len(edits)))
	for _, e := range edits {
		w.u64(e.long)
		w.u64(uint64(e.at))
		w.u32(0x10000)
	}
	w.end(at)
	w.end(edts)
	mdia := w.begin("mdia")
	at = w.full("mdhd", 1, 0)
	w.u64(made)
	w.u64(made)
	w.u32(uint32(t.rate))
	last := t.samples[len(t.samples)-1]
	w.u64(uint64(last.dts + int64(last.dur) - t.samples[0].dts))
	w.u16(0x55c4) // und
	w.u16(0)
	w.end(at)
	at = w.full("hdlr", 0, 0)
	w.u32(0)
	w.text(map[uint32]string{videoTrack: "vide", audioTrack: "soun"}[id])
	w.zero(13)
	w.end(at)
	minf := w.begin("minf")
	if id == videoTrack {
		at = w.full("vmhd", 0, 1)
		w.zero(8)
	} else {
		at = w.full("smhd", 0, 0)
		w.zero(4)
	}
	w.end(at)
	dinf := w.begin("dinf")
	dref := w.full("dref", 0, 0)
	w.u32(1)
	w.end(w.full("url ", 0, 1))
	w.end(dref)
	w.end(dinf)
	t.writeTables(w, chunks, head, wide)
	w.end(minf)
	w.end(mdia)
	w.end(trak)
}

func (c *Cut) writeTrackHead(w *boxes, id uint32, made uint64, edits []edit) {
	at := w.full("tkhd", 1, 3)
	w.u64(made)
	w.u64(made)
	w.u32(id)
	w.u32(0)
	var long uint64
	for _, e := range edits {
		long += e.long
	}
	w.u64(long)
	w.zero(12)
	if id == audioTrack {
		w.u32(0x1000000) // volume
		w.matrix()
		w.u64(0)
	} else {
		w.u32(0)
		w.matrix()
		w.u32(uint32(c.Width) << 16)
		w.u32(uint32(c.Height) << 16)
	}
	w.end(at)
}

// edit is an entry of the edit list: its length in the movie's clock, its place in
// the track's; -1: nothing is shown.
type edit struct {
	long uint64
	at   int64
}

// edits lets what is shown begin with the first picture in the range. Sound that
// begins later is led by an empty edit.
func (c *Cut) edits(t *track, id uint32) []edit {
	long := c.end - c.shown
	if id == videoTrack {
		return []edit{{uint64(long), c.shown - t.samples[0].dts}}
	}
	first, last := t.samples[0], t.samples[len(t.samples)-1]
	shown := (c.shown*t.rate + videoRate/2) / videoRate
	end := (last.dts + int64(last.dur)) * videoRate / t.rate
	stop := min(c.end, end)
	if first.dts <= shown {
		return []edit{{uint64(max(stop-c.shown, 1)), shown - first.dts}}
	}
	wait := (first.dts - shown) * videoRate / t.rate
	return []edit{{uint64(wait), -1}, {uint64(max(stop-c.shown-wait, 1)), 0}}
}

// writeTables adds the sample table (8.5 to 8.7).
func (t *track) writeTables(w *boxes, chunks []chunk, head int64, wide bool) {
	stbl := w.begin("stbl")
	at := w.full("stsd", 0, 0)
	w.u32(uint32(len(t.entries)))
	for _, e := range t.entries {
		w.b = append(w.b, e...)
	}
	w.end(at)
	w.lengths("stts", 0, t.samples, func(s sample) uint32 { return s.dur })
	if slices.ContainsFunc(t.samples, func(s sample) bool { return s.off != 0 }) {
		w.lengths("ctts", 1, t.samples, func(s sample) uint32 { return uint32(s.off) })
	}
	if slices.ContainsFunc(t.samples, func(s sample) bool { return !s.key }) {
		at = w.full("stss", 0, 0)
		count := len(w.b)
		w.u32(0)
		n := uint32(0)
		for i, s := range t.samples {
			if s.key {
				w.u32(uint32(i + 1))
				n++
			}
		}
		binary.BigEndian.PutUint32(w.b[count:], n)
		w.end(at)
	}
	at = w.full("stsz", 0, 0)
	w.u32(0)
	w.u32(uint32(len(t.samples)))
	for _, s := range t.samples {
		w.u32(s.size)
	}
	w.end(at)
	at = w.full("stsc", 0, 0)
	count := len(w.b)
	w.u32(0)
	n := uint32(0)
	for i, c := range chunks {
		if i > 0 && chunks[i-1].n == c.n && chunks[i-1].entry == c.entry {
			continue
		}
		w.u32(uint32(i + 1))
		w.u32(uint32(c.n))
		w.u32(uint32(c.entry + 1))
		n++
	}
	binary.BigEndian.PutUint32(w.b[count:], n)
	w.end(at)
	if wide {
		at = w.full("co64", 0, 0)
	} else {
		at = w.full("stco", 0, 0)
	}
	w.u32(uint32(len(chunks)))
	for _, c := range chunks {
		if wide {
			w.u64(uint64(head + c.at))
		} else {
			w.u32(uint32(head + c.at))
		}
	}
	w.end(at)
	w.end(stbl)
}

// lengths adds a table of runs of equal values (8.6.1).
func (w *boxes) lengths(kind string, version byte, list []sample, of func(sample) uint32) {
	at := w.full(kind, version, 0)
	count := len(w.b)
	w.u32(0)
	n := uint32(0)
	for i := 0; i < len(list); {
		j := i
		for j < len(list) && of(list[j]) == of(list[i]) {
			j++
		}
		w.u32(uint32(j - i))
		w.u32(of(list[i]))
		n++
		i = j
	}
	binary.BigEndian.PutUint32(w.b[count:], n)
	w.end(at)
}
