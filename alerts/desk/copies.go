package desk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"sharpeyes/alerts"
)

// Bounds of copies.
const (
	copiesAtOnce = 1
	maxCopied    = 10 * time.Minute // of a clip: its pictures are all encoded anew
	maxBoxes     = 32
)

// Box is a part of the picture that is made unreadable, in fractions of it, all the
// time or from one time of the clip to another.
type Box struct {
	X float64 `json:"x" minimum:"0" maximum:"1" doc:"Left edge, 0 to 1 of the picture's width"`
	Y float64 `json:"y" minimum:"0" maximum:"1" doc:"Upper edge, 0 to 1 of its height"`
	W float64 `json:"w" minimum:"0" maximum:"1" doc:"Width"`
	H float64 `json:"h" minimum:"0" maximum:"1" doc:"Height"`

	From float64 `json:"from_s,omitempty" minimum:"0" doc:"From this picture on, in seconds after the clip's first; absent: from the first"`
	To   float64 `json:"to_s,omitempty" minimum:"0" doc:"Up to this picture, which is masked, too; absent: to the end"`
}

// Marking says how a copy differs from its clip.
type Marking struct {
	Lines []string // burned into the picture; empty: no watermark
	Label string   // of the file: that it is a copy
	Boxes []Box
}

// Marker makes a copy of an MP4 for sharing. It reads in and writes an MP4 to out.
type Marker interface {
	Mark(ctx context.Context, in io.Reader, m Marking, out io.Writer) error
}

// CopyInput asks for a copy for sharing.
type CopyInput struct {
	Boxes     []Box  `json:"boxes,omitempty" maxItems:"32" doc:"Parts of the picture to be masked, such as faces and plates"`
	Watermark *bool  `json:"watermark,omitempty" doc:"Burn in who made it and when; true when absent"`
	Purpose   string `json:"purpose,omitempty" maxLength:"200" doc:"Whom it is for"`
}

// CopyEvidence makes a copy of a clip for sharing, always labelled as one. The
// original stays as it is.
func (d *Desk) CopyEvidence(ctx context.Context, s alerts.Scope, id string, in CopyInput) (EvidenceView, error) {
	if err := s.Need(alerts.ExportClips); err != nil {
		return EvidenceView{}, err
	}
	of, k, err := d.evidenceOf(ctx, s, id)
	if err != nil {
		return EvidenceView{}, err
	}
	if d.Objects == nil || d.Marker == nil {
		return EvidenceView{}, alerts.Errorf(alerts.Unavailable, "copies cannot be made here: ffmpeg is not installed")
	}
	if of.Kind != alerts.EvidenceClip {
		return EvidenceView{}, alerts.Errorf(alerts.Conflict, "copies are made of clips alone")
	}
	var f faults
	in.Purpose = f.line("purpose", in.Purpose, false, maxPurpose)
	mark := in.Watermark == nil || *in.Watermark
	if len(in.Boxes) > maxBoxes {
		f.add("boxes", "are %d, at most %d are taken", len(in.Boxes), maxBoxes)
	}
	long := of.Footage.ActualTo.Sub(of.Footage.ActualFrom)
	for i, b := range in.Boxes {
		if b.From < 0 || b.From >= long.Seconds() || b.To != 0 && b.To < b.From {
			f.add(fmt.Sprintf("boxes[%d].from_s", i), "must be before the clip's end, at %.3f s, and not after to_s: it would mask nothing", long.Seconds())
		}
		if !(b.X >= 0 && b.Y >= 0 && b.W > 0 && b.H > 0 && b.X+b.W <= 1.0001 && b.Y+b.H <= 1.0001) {
			f.add(fmt.Sprintf("boxes[%d]", i), "must lie within the picture: x, y, w and h are fractions of it, w and h above 0")
		}
	}
	if !mark && len(in.Boxes) == 0 {
		f.add("boxes", "mask nothing and there is no watermark: a copy without either would be the original")
	}
	if err := f.err(); err != nil {
		return EvidenceView{}, err
	}
	if long > maxCopied {
		return EvidenceView{}, alerts.Errorf(alerts.TooLarge, "the clip has %v, copies are made of at most %v: export a shorter one", long.Round(time.Second), maxCopied)
	}
	select {
	case d.copying <- struct{}{}:
		defer func() { <-d.copying }()
	default:
		return EvidenceView{}, alerts.Errorf(alerts.TooMany, "another copy is being made: try again in a moment")
	}
	return d.makeCopy(ctx, s, of, k, in, mark)
}

func (d *Desk) makeCopy(ctx context.Context, s alerts.Scope, of alerts.Evidence, k alerts.Case, in CopyInput, mark bool) (EvidenceView, error) {
	now := d.now()
	name := orRole(s.Name, s.Role)
	m := Marking{Boxes: in.Boxes, Label: "COPY 副本, not the original; of " + of.ID + ", SHA-256 " + of.SHA256}
	if mark {
		local := func(t time.Time) string { return t.In(d.Zone).Format("2006-01-02 15:04:05") }
		m.Lines = []string{"副本 COPY  " + k.Code, of.Footage.CameraName + "  " + local(of.Footage.ActualFrom), name + "  " + local(now)}
	}
	e := alerts.Evidence{ID: alerts.NewID(now), Kind: alerts.EvidenceCopy, MediaType: "video/mp4", Footage: of.Footage, Of: of.ID, Purpose: in.Purpose,
		ExportID: of.ExportID, ByID: s.User, ByName: name, ByRole: s.Role}
	e.Object = "evidence/" + k.ID + "/copy-" + e.ID + ".mp4"
	passing := 0
	for _, b := range in.Boxes {
		if b.From > 0 || b.To > 0 {
			passing++
		}
	}
	e.Note = fmt.Sprintf("copy of piece %d: %d boxes masked, %d of them for a part of the time, watermark %v", of.N, len(in.Boxes), passing, mark)
	e.Footage.Codec = "h264"
	r, _, err := d.Objects.Get(ctx, of.Object, 0, -1)
	if err != nil {
		return EvidenceView{}, err
	}
	defer r.Close()
	from, to := io.Pipe()
	h := sha256.New()
	var making sync.WaitGroup
	making.Go(func() { _ = to.CloseWithError(d.Marker.Mark(ctx, r, m, io.MultiWriter(to, h))) })
	e.Bytes, err = d.Objects.Put(ctx, e.Object, from)
	_ = from.CloseWithError(errors.Join(err, io.ErrClosedPipe))
	making.Wait()
	if err != nil {
		return EvidenceView{}, err
	}
	e.SHA256 = hex.EncodeToString(h.Sum(nil))
	var saved alerts.Evidence
	err = d.write(ctx, func(c *change) error {
		k, err := c.Case(ctx, s, k.ID)
		if err != nil {
			return err
		}
		saved = e
		if err := c.addEvidence(ctx, s, &k, &saved); err != nil {
			return err
		}
		return c.caseTold(ctx, d, &k)
	})
	if err != nil {
		return EvidenceView{}, errors.Join(err, d.Objects.Remove(context.WithoutCancel(ctx), e.Object))
	}
	return evidenceView(saved), nil
}
