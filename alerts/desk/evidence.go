package desk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"time"

	"sharpeyes/alerts"
)

// Bounds of evidence.
const (
	MaxClip       = 4 * time.Hour
	maxClipCams   = 16
	maxPurpose    = 200  // characters
	maxEvidence   = 3000 // of a case; its photos and files are at most 1400
	maxExports    = 200  // that wait, of everybody
	maxOwnExports = 20
)

// Clip is one file that a Clipper has cut.
type Clip struct {
	Footage   alerts.Footage // but for the camera's name and place, and what was asked for
	Bytes     int64
	MediaType string
	// Write writes the file; progress is told of bytes.
	Write func(ctx context.Context, w io.Writer, progress func(done, total int64)) error
}

// Clipper is the record of footage, as far as evidence needs it.
type Clipper interface {
	// Cut calls take for each file that [from, to) of a camera's profile makes,
	// mostly one; nothing of it is deleted meanwhile. NotFound: there is nothing.
	Cut(ctx context.Context, camera, profile string, from, to time.Time, take func(Clip) error) error
	// Pin keeps footage until a time, on the disk when it returns.
	Pin(camera string, from, to, until time.Time, why string) (string, error)
	Unpin(id string) error
}

// PhotoCopies opens what may be shown of a photo, a copy without metadata, and the
// original, which is read for its hash alone.
type PhotoCopies interface {
	Open(id string, thumb bool) (io.ReadSeekCloser, error)
	Original(ctx context.Context, id string) (io.ReadCloser, error)
}

// EvidenceState tells where the file of a piece is seen.
type EvidenceState string

// The states of pieces.
const (
	EvidenceKept  EvidenceState = "kept"
	EvidenceMoved EvidenceState = "moved"
)

// EvidenceView is one piece of evidence of a case.
type EvidenceView struct {
	ID         string               `json:"id" doc:"Identifier"`
	CaseID     string               `json:"case_id" doc:"Case that it belongs to"`
	N          int                  `json:"n" doc:"Place in the case's chain, from 1"`
	Kind       alerts.EvidenceKind  `json:"kind" enum:"clip,copy,photo,file" doc:"clip: footage, unaltered; copy: altered for sharing; photo: of an incident of the case; file: of the case itself, such as proof"`
	Camera     string               `json:"camera,omitempty" doc:"Camera"`
	CameraName string               `json:"camera_name,omitempty" doc:"Its name then"`
	Profile    string               `json:"profile,omitempty" enum:"main,sub" doc:"Stream"`
	From       *time.Time           `json:"from,omitempty" doc:"Asked for: beginning"`
	To         *time.Time           `json:"to,omitempty" doc:"Asked for: end"`
	ActualFrom *time.Time           `json:"actual_from,omitempty" doc:"Server's time of the first picture shown"`
	ActualTo   *time.Time           `json:"actual_to,omitempty" doc:"End of the last picture shown"`
	Frames     int                  `json:"frames,omitempty" doc:"Pictures shown"`
	Width      int                  `json:"width,omitempty" doc:"Pixels"`
	Height     int                  `json:"height,omitempty" doc:"Pixels"`
	Codec      string               `json:"codec,omitempty" doc:"Such as h264 or h265+aac"`
	Gaps       []alerts.FootageGap  `json:"gaps,omitempty" doc:"Times without footage; the picture before stands there"`
	Losses     []alerts.FootageLoss `json:"losses,omitempty" doc:"Times in which pictures are missing, at most 100"`
	Lost       int                  `json:"lost,omitempty" doc:"How many such times there are in all"`
	OffsetMS   *int64               `json:"clock_offset_ms,omitempty" doc:"By how much the camera's clock was ahead of the server's"`
	Bytes      int64                `json:"bytes" doc:"Length of the file"`
	SHA256     string               `json:"sha256" doc:"Of the file as it is kept, of a photo or a file as it was sent, hex"`
	MediaType  string               `json:"media_type" doc:"Of the file"`
	Chain      string               `json:"chain" doc:"Hash over this piece and those before it, hex"`
	AuditSeq   int64                `json:"audit_seq" doc:"Entry of the audit that carries it"`
	Of         string               `json:"of,omitempty" doc:"Of a copy: the clip; of an incident's photo: the incident"`
	By         string               `json:"by,omitempty" doc:"Who had it made"`
	At         time.Time            `json:"at" doc:"When it came in"`
	Purpose    string               `json:"purpose,omitempty" doc:"What for"`
	Note       string               `json:"note,omitempty" doc:"Note"`
	RequestID  string               `json:"clip_request_id,omitempty" doc:"Request that was approved for it"`
	FileName   string               `json:"file_name,omitempty" doc:"Of a clip or a copy, when it is downloaded"`
	URL        string               `json:"url" doc:"Where the file is; of a photo or a file, where the copy is that is shown of it; empty: it was moved"`
	Thumb      string               `json:"thumb_url,omitempty" doc:"Of a photo or a file: where the small copy is"`
	State      EvidenceState        `json:"state" enum:"kept,moved" doc:"kept: the file is there; moved: a photo whose incident lies on another case now, where it is shown"`
}

func evidenceView(e alerts.Evidence) EvidenceView {
	f := e.Footage
	return EvidenceView{ID: e.ID, CaseID: e.CaseID, N: e.N, Kind: e.Kind, Camera: f.CameraID, CameraName: f.CameraName, Profile: f.Profile,
		From: optional(f.From), To: optional(f.To), ActualFrom: optional(f.ActualFrom), ActualTo: optional(f.ActualTo), Frames: f.Frames,
		Width: f.Width, Height: f.Height, Codec: f.Codec, Gaps: f.Gaps, Losses: f.Losses, Lost: f.Lost, OffsetMS: f.OffsetMS, Bytes: e.Bytes,
		SHA256: e.SHA256, MediaType: e.MediaType, Chain: e.Hash, AuditSeq: e.AuditSeq, Of: e.Of, By: e.ByName, At: e.At, Purpose: e.Purpose,
		Note: e.Note, RequestID: e.RequestID, FileName: path.Base(clipName(e)), URL: "/api/v1/evidence/" + e.ID + "/file", State: EvidenceKept}
}

// photoView is a piece that is a photo or a file: what is shown of it is a copy,
// and that of an incident which lies on another case now is shown there.
func photoView(e alerts.Evidence, here bool) EvidenceView {
	v := evidenceView(e)
	v.FileName, v.URL, v.Thumb, v.State = "", "", "", EvidenceMoved
	if here {
		url := "/api/v1/photos/" + e.PhotoID()
		if e.Kind == alerts.EvidenceFile {
			url = "/api/v1/attachments/" + e.PhotoID()
		}
		v.URL, v.Thumb, v.State = url, url+"?size=thumb", EvidenceKept
	}
	return v
}

// filedHere tells of which pieces a copy is shown with a case.
func filedHere(k *alerts.Case, filings []alerts.Filing) func(alerts.Evidence) bool {
	here := make(map[string]bool, len(filings))
	for _, l := range filings {
		here[l.IncidentID] = l.CaseID == k.ID
	}
	return func(e alerts.Evidence) bool { return e.Kind != alerts.EvidencePhoto || here[e.Of] }
}

// CaseEvidence lists what a case rests on, in the order of its chain: clips,
// copies, the photos of its incidents, its files.
func (d *Desk) CaseEvidence(ctx context.Context, s alerts.Scope, caseID string) ([]EvidenceView, error) {
	k, err := d.caseOf(ctx, s, caseID)
	if err != nil {
		return nil, err
	}
	list, err := d.store.EvidenceOf(ctx, k.ID)
	if err != nil {
		return nil, err
	}
	facts, err := loadFacts(ctx, d.store, k.ID)
	if err != nil {
		return nil, err
	}
	here := filedHere(&k, facts.filings)
	out := mapped(list, func(e alerts.Evidence) EvidenceView {
		if e.PhotoID() != "" {
			return photoView(e, here(e))
		}
		return evidenceView(e)
	})
	return out, d.Seen(ctx, facts.masked(s, &k), alerts.AuditRead, chainObject(k.ID), k.AreaID)
}

func auditTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// evidenceOf loads a piece whose case is in sight of the caller.
func (d *Desk) evidenceOf(ctx context.Context, s alerts.Scope, id string) (alerts.Evidence, alerts.Case, error) {
	if err := s.Need(alerts.ReadCases); err != nil {
		return alerts.Evidence{}, alerts.Case{}, err
	}
	none := alerts.Errorf(alerts.NotFound, "there is no such piece of evidence")
	e, err := d.store.Evidence(ctx, id)
	if err != nil {
		if alerts.KindOf(err) == alerts.NotFound {
			err = none
		}
		return e, alerts.Case{}, err
	}
	k, err := d.store.Case(ctx, s, e.CaseID)
	if err != nil && alerts.KindOf(err) == alerts.NotFound {
		err = none
	}
	return e, k, err
}

// EvidenceFile opens the file of a piece: its bytes as they are kept.
func (d *Desk) EvidenceFile(ctx context.Context, s alerts.Scope, id string) (EvidenceView, io.ReadSeekCloser, error) {
	e, k, err := d.evidenceOf(ctx, s, id)
	if err != nil {
		return EvidenceView{}, nil, err
	}
	if e.PhotoID() != "" {
		return EvidenceView{}, nil, alerts.Errorf(alerts.Conflict, "the original of a photo is shown to nobody: what is shown of it stands under url in the list of the case's evidence")
	}
	if d.Objects == nil {
		return EvidenceView{}, nil, errNoObjects
	}
	facts, err := loadFacts(ctx, d.store, k.ID)
	if err != nil {
		return EvidenceView{}, nil, err
	}
	if err := d.Seen(ctx, facts.masked(s, &k), alerts.AuditRead, "evidence/"+id, k.AreaID); err != nil {
		return EvidenceView{}, nil, err
	}
	return evidenceView(e), newSeeker(ctx, d.Objects, e.Object, e.Bytes), nil
}

var errNoObjects = alerts.Errorf(alerts.Unavailable, "evidence is not switched on here")

// VerifyView is what a check of a piece found.
type VerifyView struct {
	OK       bool     `json:"ok" doc:"Nothing is wrong"`
	Findings []string `json:"findings" nullable:"false" doc:"What is wrong, in words"`
}

// VerifyEvidence checks a piece: its file, of a photo the original, against its
// hash, all of the case's pieces against their chain and against what lies on the
// case, and the chain against the audit.
func (d *Desk) VerifyEvidence(ctx context.Context, s alerts.Scope, id string) (VerifyView, error) {
	e, k, err := d.evidenceOf(ctx, s, id)
	if err != nil {
		return VerifyView{}, err
	}
	if d.Objects == nil || d.Photos == nil {
		return VerifyView{}, errNoObjects
	}
	v := VerifyView{}
	if v.Findings, err = d.checkFile(ctx, e); err != nil {
		return v, err
	}
	all, err := d.readChain(ctx, k.ID)
	if err != nil {
		return v, err
	}
	v.Findings = append(v.Findings, all.findings()...)
	at := slices.IndexFunc(all.list, func(o alerts.Evidence) bool { return o.ID == e.ID })
	entries, err := d.store.AuditFrom(ctx, e.AuditSeq, 1)
	if err != nil {
		return v, err
	}
	if at < 0 || len(entries) != 1 || entries[0].Seq != e.AuditSeq || entries[0].Hash != e.AuditHash || entries[0].Details["hash"] != e.Hash {
		v.Findings = append(v.Findings, fmt.Sprintf("the audit does not say what this piece says: entry %d is missing or another one", e.AuditSeq))
	}
	v.OK = len(v.Findings) == 0
	facts, err := loadFacts(ctx, d.store, k.ID)
	if err != nil {
		return v, err
	}
	return v, d.Audit(ctx, facts.masked(s, &k), alerts.AuditEvidence, "evidence/"+id, k.AreaID,
		map[string]string{"action": "verify", "ok": strconv.FormatBool(v.OK), "hash": e.Hash})
}

// checkFile tells what is wrong with what is kept of a piece.
func (d *Desk) checkFile(ctx context.Context, e alerts.Evidence) ([]string, error) {
	what, photo := "file", e.PhotoID()
	var r io.ReadCloser
	var err error
	if photo != "" {
		what = "original"
		r, err = d.Photos.Original(ctx, photo)
	} else {
		r, _, err = d.Objects.Get(ctx, e.Object, 0, -1)
	}
	out := []string{}
	find := func(format string, args ...any) { out = append(out, fmt.Sprintf("the "+what+" "+format, args...)) }
	if err != nil && alerts.KindOf(err) == alerts.NotFound {
		find("is missing%s", d.elsewhere())
	} else if err != nil {
		return nil, err
	} else {
		defer r.Close()
		h := sha256.New()
		n, err := io.Copy(h, r)
		if err != nil {
			return nil, err
		}
		if sum := hex.EncodeToString(h.Sum(nil)); n != e.Bytes {
			find("has %d bytes, and should have %d", n, e.Bytes)
		} else if sum != e.SHA256 {
			find("was changed: its SHA-256 is %s, and should be %s", sum, e.SHA256)
		}
	}
	if photo == "" {
		return out, nil
	}
	shown, err := d.Photos.Open(photo, false)
	if err != nil && alerts.KindOf(err) == alerts.NotFound {
		return append(out, "the copy that is shown is missing"+d.elsewhere()), nil
	}
	if err != nil {
		return nil, err
	}
	return out, shown.Close()
}

// seeker reads an object from anywhere.
type seeker struct {
	ctx     context.Context
	objects alerts.Objects
	key     string
	size    int64
	at      int64
	r       io.ReadCloser
}

func newSeeker(ctx context.Context, o alerts.Objects, key string, size int64) *seeker {
	return &seeker{ctx: ctx, objects: o, key: key, size: size}
}

func (s *seeker) Read(p []byte) (int, error) {
	if s.at >= s.size {
		return 0, io.EOF
	}
	if s.r == nil {
		r, _, err := s.objects.Get(s.ctx, s.key, s.at, -1)
		if err != nil {
			return 0, err
		}
		s.r = r
	}
	n, err := s.r.Read(p)
	s.at += int64(n)
	return n, err
}

func (s *seeker) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += s.at
	case io.SeekEnd:
		offset += s.size
	}
	if offset < 0 {
		return 0, errors.New("desk: seek before the beginning")
	}
	if offset != s.at {
		err := s.Close()
		s.at = offset
		return offset, err
	}
	return offset, nil
}

func (s *seeker) Close() error {
	if s.r == nil {
		return nil
	}
	err := s.r.Close()
	s.r = nil
	return err
}
