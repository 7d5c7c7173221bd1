// Package streams holds a camera's packets and frames, and the hub that fans
// them out to bounded readers.
//
// Invariants:
//   - One pull per camera and profile (Fleet), whatever the number of readers.
//   - Frames are cut into RTP payloads once, by the puller (Packetize); every
//     reader shares them and must not write to them.
//   - Time stamps that leave the hub never jump: a camera that restarts or
//     whose clock leaps is re-based on the server's monotonic clock.
//   - The memory of a frame that all who got it have released takes another
//     (Frame.Release); what somebody keeps is never written to.
//   - A reader that falls behind goes on at the newest key frame and counts
//     what it lost; it never holds up the hub or another reader.
package streams

import (
	"sync/atomic"
	"time"
)

// Codec names a codec as SDP does.
type Codec string

// The codecs that are carried.
const (
	H264 Codec = "H264"
	H265 Codec = "H265"
	PCMA Codec = "PCMA" // G.711 A-law
	PCMU Codec = "PCMU" // G.711 mu-law
	Opus Codec = "OPUS"
	// AAC is carried for the transcoder and the recorder: no browser takes it.
	AAC Codec = "MPEG4-GENERIC"
)

// Profile is one of a camera's streams.
type Profile string

// The profiles.
const (
	Main Profile = "main" // 主码流
	Sub  Profile = "sub"  // 子码流
)

// Desc describes what a stream carries. It is immutable once published.
type Desc struct {
	Video         Codec // always set
	Audio         Codec // empty: no sound
	AudioChannels int
	Width, Height int // pixels; 0 until parameter sets were seen
	SPS, PPS      []byte
	VPS           []byte // H.265 alone
	AudioRate     int    // AAC alone: its clock, Hz
	AudioConfig   []byte // AAC alone: AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1)
	BFrames       bool   // the camera sends B-pictures
	BPyramid      bool   // and other pictures refer to them: most of a GOP is put aside
	Pending       bool   // a few more pictures have to be seen to tell BPyramid
}

// Kind tells a frame of the picture from one of the sound.
type Kind uint8

// The kinds of frames.
const (
	Video Kind = iota
	Audio
)

// ClockRate is the RTP clock of a kind, Hz (RFC 6184 8.2.1, RFC 3551 4.5.14,
// RFC 7587 4.1, RFC 3640 3.1).
func (d *Desc) ClockRate(k Kind) int64 {
	switch {
	case k == Video:
		return 90000
	case d != nil && d.Audio == Opus:
		return 48000
	case d != nil && d.Audio == AAC:
		return int64(d.AudioRate)
	}
	return 8000
}

// Frame is one access unit, or one packet of sound, cut into RTP payloads. It
// is immutable and shared once published.
type Frame struct {
	Kind     Kind
	Key      bool      // decoding can start here: an IDR or IRAP picture with its parameter sets
	PTS      int64     // in the kind's clock; never jumps
	At       time.Time // server's clock when the frame had arrived
	Payloads [][]byte  // at most MaxPayload bytes each; the marker goes on the last; AAC: joined they are one access unit
	Size     int       // bytes of all payloads
	Aside    bool      // not for viewers: their decoders do not put pictures in order
	Desc     *Desc     // what the stream carried at this frame

	pooled  bool         // the payloads lie in chunks
	holders atomic.Int32 // the hub, and who got the frame of a reader; at 0 its chunks are used again
}

// State is what a pull is doing.
type State string

// The states of a pull.
const (
	Idle        State = "idle"        // nobody watches an on-demand camera
	Connecting  State = "connecting"  // dialling, or waiting for the first frame
	Live        State = "live"        // frames arrive
	Refused     State = "refused"     // the camera does not let us in
	Unreachable State = "unreachable" // no way to the camera
	Silent      State = "silent"      // connected, but nothing that can be used comes
)

// Reason says why in one code that the interface translates.
type Reason string

// The reasons.
const (
	NoReason         Reason = ""
	SignInRefused    Reason = "sign_in_refused"
	NotFound         Reason = "not_found" // the camera has no such stream
	NoRoute          Reason = "no_route"
	ConnRefused      Reason = "connection_refused"
	Timeout          Reason = "timeout"
	NoData           Reason = "no_data"
	NoKeyFrame       Reason = "no_key_frame" // only changes of a picture that never came
	ClosedByCamera   Reason = "closed_by_camera"
	UnsupportedCodec Reason = "unsupported_codec"
	BadStream        Reason = "bad_stream"
	NotAllowed       Reason = "address_not_allowed"
	NoViewers        Reason = "no_viewers"
)

// Status is what is known of a stream at a moment.
type Status struct {
	Camera      string
	Profile     Profile
	State       State
	Reason      Reason
	Detail      string // plain English; holds no address with credentials
	Since       time.Time
	LastFrame   time.Time // zero: none yet
	LastKey     time.Time
	RetryAt     time.Time // zero: no try is planned
	FPS         float64   // over the last second or more
	Kbps        float64
	KeyInterval time.Duration // between the last two key frames; 0 unknown
	Width       int
	Height      int
	Codec       Codec
	Lost        int64 // RTP packets lost between camera and us
	Discarded   int64 // frames that were broken, too large, or before a key frame
	Reconnects  int64
	Readers     int
	BFrames     bool // the camera sends B-pictures
	Degraded    bool // packets were lost lately
	// By how much the camera's clock is ahead of ours, as it said when; zero: it
	// has never said.
	ClockOffset time.Duration
	ClockAt     time.Time
}
