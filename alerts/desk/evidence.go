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
	maxPurpose    = 200 // characters
	maxEvidence   = 1000
	maxExports    = 200 // that wait, of everybody
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

// EvidenceView is one piece of evidence of a case.
type EvidenceView struct {
	ID         string               `json:"id" doc:"Identifier"`
	CaseID     string               `json:"case_id" doc:"Case that it belongs to"`
	N          int                  `json:"n,omitempty" doc:"Place in the case's chain, from 1; absent: a photo, which the incident's or the case's own hash covers"`
	Kind       alerts.EvidenceKind  `json:"kind" enum:"clip,copy,photo" doc:"clip: footage, unaltered; copy: altered for sharing; photo: as it was sent"`
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
	SHA256     string               `json:"sha256" doc:"Of the file as it is kept, hex"`
	MediaType  string               `json:"media_type" doc:"Of the file"`
	Chain      string               `json:"chain,omitempty" doc:"Hash over this piece and those before it, hex"`
	AuditSeq   int64                `json:"audit_seq,omitempty" doc:"Entry of the audit that carries it"`
	Of         string               `json:"of,omitempty" doc:"Of a copy: the clip; of an incident's photo: the incident"`
	By         string               `json:"by,omitempty" doc:"Who had it made"`
	At         time.Time            `json:"at" doc:"When it came in"`
	Purpose    string               `json:"purpose,omitempty" doc:"What for"`
	Note       string               `json:"note,omitempty" doc:"Note"`
	RequestID  string               `json:"clip_request_id,omitempty" doc:"Request that was approved for it"`
	FileName   string               `json:"file_name,omitempty" doc:"Of a clip or a copy, when it is downloaded"`
	URL        string               `json:"url" doc:"Where the file is; of a photo, where what is shown of it is"`
	State      string               `json:"state" enum:"kept" doc:"kept: the file is there"`
}

func evidenceView(e alerts.Evidence) EvidenceView {
	f := e.Footage
	return EvidenceView{ID: e.ID, CaseID: e.CaseID, N: e.N, Kind: e.Kind, Camera: f.CameraID, CameraName: f.CameraName, Profile: f.Profile,
		From: optional(f.From), To: optional(f.To), ActualFrom: optional(f.ActualFrom), ActualTo: optional(f.ActualTo), Frames: f.Frames,
		Width: f.Width, Height: f.Height, Codec: f.Codec, Gaps: f.Gaps, Losses: f.Losses, Lost: f.Lost, OffsetMS: f.OffsetMS, Bytes: e.Bytes,
		SHA256: e.SHA256, MediaType: e.MediaType, Chain: e.Hash, AuditSeq: e.AuditSeq, Of: e.Of, By: e.ByName, At: e.At, Purpose: e.Purpose,
		Note: e.Note, RequestID: e.RequestID, FileName: path.Base(clipName(e)), URL: "/api/v1/evidence/" + e.ID + "/file", State: "kept"}
}

// CaseEvidence lists what a case rests on: its clips and copies in the order of
// their chain, then the photos of its incidents and its own.
func (d *Desk) CaseEvidence(ctx context.Context, s alerts.Scope, caseID string) ([]EvidenceView, error) {
	k, err := d.caseOf(ctx, s, caseID)
	if err != nil {
		return nil, err
	}
	list, err := d.store.EvidenceOf(ctx, k.ID)
	if err != nil {
		return nil, err
	}
	photos, err := d.casePhotos(ctx, k)
	if err != nil {
		return nil, err
	}
	out := mapped(list, evidenceView)
	for _, p := range photos {
		out = append(out, EvidenceView{ID: p.ID, CaseID: k.ID, Kind: alerts.EvidencePhoto, Bytes: p.Size, SHA256: p.SHA256, MediaType: p.Type,
			Width: p.Width, Height: p.Height, Of: p.incident, At: p.at, URL: p.url, State: "kept"})
	}
	facts, err := loadFacts(ctx, d.store, k.ID)
	if err != nil {
		return nil, err
	}
	return out, d.Seen(ctx, facts.masked(s, &k), alerts.AuditRead, "case/"+k.ID+"/evidence", k.AreaID)
}

// casePhoto is a photo of a case, or of an incident filed in it.
type casePhoto struct {
	alerts.Photo
	incident, number string
	at               time.Time
	url              string
}

func (d *Desk) casePhotos(ctx context.Context, k alerts.Case) ([]casePhoto, error) {
	filings, err := d.store.Filings(ctx, k.ID)
	if err != nil {
		return nil, err
	}
	var out []casePhoto
	for _, l := range filings {
		i, err := d.store.Incident(ctx, alerts.System(), l.IncidentID)
		if err != nil {
			return nil, err
		}
		for _, p := range i.Photos {
			out = append(out, casePhoto{Photo: p, incident: i.ID, number: i.Number, at: i.ReceivedAt, url: "/api/v1/photos/" + p.ID})
		}
	}
	files, err := d.store.Attachments(ctx, k.ID)
	if err != nil {
		return nil, err
	}
	for _, a := range files {
		out = append(out, casePhoto{Photo: a.Photo, at: a.At, url: "/api/v1/attachments/" + a.ID})
	}
	return out, nil
}

// addEvidence chains a piece to those that its case has, and ties it to the audit.
func (c *change) addEvidence(ctx context.Context, s alerts.Scope, k *alerts.Case, e *alerts.Evidence) error {
	have, err := c.EvidenceOf(ctx, k.ID)
	if err != nil {
		return err
	}
	if len(have) >= maxEvidence {
		return alerts.Errorf(alerts.TooMany, "the case has %d pieces of evidence, which is the most", maxEvidence)
	}
	before := ""
	if n := len(have); n > 0 {
		before = have[n-1].Hash
	}
	e.CaseID, e.N, e.At = k.ID, len(have)+1, c.now
	e.Hash = alerts.EvidenceHash(before, *e)
	entry, err := auditEntry(s, alerts.AuditEvidence, "evidence/"+e.ID, k.AreaID, map[string]string{"action": string(e.Kind), "case": k.ID, "code": k.Code,
		"n": strconv.Itoa(e.N), "camera": e.Footage.CameraID, "from": auditTime(e.Footage.From), "to": auditTime(e.Footage.To), "purpose": e.Purpose,
		"sha256": e.SHA256, "of": e.Of, "request": e.RequestID, "hash": e.Hash})
	if err != nil {
		return err
	}
	entry.At = c.now
	if err := c.AppendAudit(&entry); err != nil {
		return err
	}
	e.AuditSeq, e.AuditHash = entry.Seq, entry.Hash
	return c.AddEvidence(*e)
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

// VerifyEvidence checks a piece: its file against its hash, it and those before it
// against their chain, and the chain against the audit. Of a photo the original is
// checked against its hash.
func (d *Desk) VerifyEvidence(ctx context.Context, s alerts.Scope, id string) (VerifyView, error) {
	e, k, err := d.evidenceOf(ctx, s, id)
	if err != nil && alerts.KindOf(err) == alerts.NotFound && d.Photos != nil {
		return d.verifyPhoto(ctx, s, id, err)
	}
	if err != nil {
		return VerifyView{}, err
	}
	if d.Objects == nil {
		return VerifyView{}, errNoObjects
	}
	v := VerifyView{Findings: []string{}}
	find := func(format string, args ...any) { v.Findings = append(v.Findings, fmt.Sprintf(format, args...)) }
	switch n, sum, err := d.hashObject(ctx, e.Object); {
	case err != nil && alerts.KindOf(err) == alerts.NotFound:
		find("the file is missing")
	case err != nil:
		return v, err
	case n != e.Bytes:
		find("the file has %d bytes, and should have %d", n, e.Bytes)
	case sum != e.SHA256:
		find("the file was changed: its SHA-256 is %s, and should be %s", sum, e.SHA256)
	}
	list, err := d.store.EvidenceOf(ctx, k.ID)
	if err != nil {
		return v, err
	}
	at := slices.IndexFunc(list, func(o alerts.Evidence) bool { return o.ID == e.ID })
	if err := alerts.CheckEvidence(list); err != nil {
		find("the chain of the case's evidence is broken: %v", err)
	}
	entries, err := d.store.AuditFrom(ctx, e.AuditSeq, 1)
	if err != nil {
		return v, err
	}
	if at < 0 || len(entries) != 1 || entries[0].Seq != e.AuditSeq || entries[0].Hash != e.AuditHash || entries[0].Details["hash"] != e.Hash {
		find("the audit does not say what this piece says: entry %d is missing or another one", e.AuditSeq)
	}
	v.OK = len(v.Findings) == 0
	facts, err := loadFacts(ctx, d.store, k.ID)
	if err != nil {
		return v, err
	}
	return v, d.Audit(ctx, facts.masked(s, &k), alerts.AuditEvidence, "evidence/"+id, k.AreaID,
		map[string]string{"action": "verify", "ok": strconv.FormatBool(v.OK), "hash": e.Hash})
}

// verifyPhoto checks a photo of a case or an incident in sight; none is the error
// where there is no such photo.
func (d *Desk) verifyPhoto(ctx context.Context, s alerts.Scope, id string, none error) (VerifyView, error) {
	p, err := d.AttachmentOf(ctx, s, id)
	if err != nil && alerts.KindOf(err) == alerts.NotFound {
		p, err = d.PhotoOf(ctx, s, id)
	}
	if err != nil && (alerts.KindOf(err) == alerts.NotFound || alerts.KindOf(err) == alerts.Forbidden) {
		return VerifyView{}, none
	}
	if err != nil {
		return VerifyView{}, err
	}
	v := VerifyView{Findings: []string{}}
	r, err := d.Photos.Original(ctx, id)
	if err != nil && alerts.KindOf(err) == alerts.NotFound {
		v.Findings = append(v.Findings, "the original is missing")
	} else if err != nil {
		return v, err
	} else {
		defer r.Close()
		h := sha256.New()
		n, err := io.Copy(h, r)
		if err != nil {
			return v, err
		}
		if sum := hex.EncodeToString(h.Sum(nil)); n != p.Size || sum != p.SHA256 {
			v.Findings = append(v.Findings, fmt.Sprintf("the original was changed: its SHA-256 is %s, and should be %s", sum, p.SHA256))
		}
	}
	v.OK = len(v.Findings) == 0
	if !s.Sight().All { // it may be his own report: see readerOf
		s.User, s.Name, s.Address, s.Role = "", "", "", ""
	}
	return v, d.Audit(ctx, s, alerts.AuditEvidence, "photo/"+id, "", map[string]string{"action": "verify", "ok": strconv.FormatBool(v.OK), "sha256": p.SHA256})
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
