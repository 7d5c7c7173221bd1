package desk

import (
	"context"
	"time"

	"sharpeyes/alerts"
)

// ClipInput orders clips for a case.
type ClipInput struct {
	CaseID  string              `json:"case_id" maxLength:"64" doc:"Case that they are for, by id or code"`
	Cameras []alerts.ClipCamera `json:"cameras" minItems:"1" maxItems:"16" nullable:"false" doc:"Cameras, each once"`
	From    time.Time           `json:"from" doc:"Beginning"`
	To      time.Time           `json:"to" doc:"End, at most 4 hours after the beginning"`
	Purpose string              `json:"purpose" minLength:"1" maxLength:"200" doc:"What for; it is in the audit"`
	Note    string              `json:"note,omitempty" maxLength:"1000" doc:"Note"`
	Key     string              `json:"-"`
}

// ExportedClip is a clip that an export made.
type ExportedClip struct {
	EvidenceID string              `json:"evidence_id" doc:"Piece of evidence"`
	Camera     string              `json:"camera" doc:"Camera"`
	From       time.Time           `json:"from" doc:"Asked for: beginning"`
	To         time.Time           `json:"to" doc:"Asked for: end"`
	ActualFrom time.Time           `json:"actual_from" doc:"Server's time of the first picture shown"`
	ActualTo   time.Time           `json:"actual_to" doc:"End of the last picture shown"`
	Gaps       []alerts.FootageGap `json:"gaps" nullable:"false" doc:"Times without footage"`
}

// AlreadyExported is a clip that was there before and holds what is asked for.
type AlreadyExported struct {
	EvidenceID string    `json:"evidence_id" doc:"Piece of evidence"`
	CaseID     string    `json:"case_id" doc:"Case that it belongs to"`
	Camera     string    `json:"camera" doc:"Camera"`
	From       time.Time `json:"from" doc:"Beginning"`
	To         time.Time `json:"to" doc:"End"`
}

// ClipExportView is how far an export of clips has come.
type ClipExportView struct {
	ID        string              `json:"id" doc:"Identifier"`
	CaseID    string              `json:"case_id" doc:"Case that the clips are for"`
	State     alerts.ClipState    `json:"state" enum:"queued,running,done,failed,cancelled" doc:"How far it has come"`
	Progress  float64             `json:"progress" doc:"0 to 1"`
	Bytes     int64               `json:"bytes" doc:"Of the clips that are there"`
	Cameras   []alerts.ClipCamera `json:"cameras" nullable:"false" doc:"Cameras"`
	From      time.Time           `json:"from" doc:"Beginning"`
	To        time.Time           `json:"to" doc:"End"`
	Purpose   string              `json:"purpose" doc:"What for"`
	Note      string              `json:"note,omitempty" doc:"Note"`
	RequestID string              `json:"clip_request_id,omitempty" doc:"Request that was approved"`
	Clips     []ExportedClip      `json:"clips" nullable:"false" doc:"What it has made"`
	Already   []AlreadyExported   `json:"already" nullable:"false" doc:"Clips in sight that were there before and hold all that is asked for. The same range of the same camera is not cut twice for one case"`
	Error     string              `json:"error,omitempty" doc:"Why it failed, or what is missing"`
	By        string              `json:"by" doc:"Who ordered it"`
	At        time.Time           `json:"at" doc:"When"`
	EndedAt   *time.Time          `json:"ended_at,omitempty" doc:"When it ended"`
}

// OrderClips queues an export of clips into a case. It is on disk when OrderClips
// returns, and is worked at whatever happens to this process.
func (d *Desk) OrderClips(ctx context.Context, s alerts.Scope, in ClipInput) (v ClipExportView, replayed bool, err error) {
	if err := s.Need(alerts.ExportClips); err != nil {
		return v, false, err
	}
	if d.Clipper == nil || d.Objects == nil {
		return v, false, errNoObjects
	}
	var f faults
	in.Purpose = f.line("purpose", in.Purpose, true, maxPurpose)
	in.Note = f.lines("note", in.Note, false, 1000)
	d.window(&f, &in.From, &in.To)
	f.clipCameras(in.Cameras)
	f.key(in.Key)
	if err := f.err(); err != nil {
		return v, false, err
	}
	request := "clips/" + digest(in)
	var x alerts.ClipExport
	err = d.write(ctx, func(c *change) error {
		k, err := c.Case(ctx, s, in.CaseID)
		if alerts.KindOf(err) == alerts.NotFound && err != nil {
			k, err = c.CaseByCode(ctx, s, in.CaseID)
		}
		if err != nil {
			return err
		}
		first, err := c.recalled(s.User, in.Key, request)
		if err != nil {
			return err
		}
		if replayed = first != ""; replayed {
			x, err = c.ClipExport(ctx, first)
			return err
		}
		x = alerts.ClipExport{Cameras: in.Cameras, From: in.From, To: in.To, Purpose: in.Purpose, Note: in.Note}
		if err := c.orderClips(ctx, s, &k, &x); err != nil {
			return err
		}
		return c.remember(s.User, in.Key, request, x.ID)
	})
	if err != nil {
		return v, false, err
	}
	d.cutting.wake()
	v, err = d.clipExportView(ctx, s, x)
	return v, replayed, err
}

// orderClips queues an export, with its entry.
func (c *change) orderClips(ctx context.Context, s alerts.Scope, k *alerts.Case, x *alerts.ClipExport) error {
	if err := c.clipCamerasIn(ctx, s, x.Cameras); err != nil {
		return err
	}
	waiting, err := c.ClipExportsIn(ctx, alerts.ClipsQueued, maxExports)
	if err != nil {
		return err
	}
	own := 0
	for _, w := range waiting {
		if w.ByID == s.User {
			own++
		}
	}
	if len(waiting) >= maxExports || own >= maxOwnExports {
		return alerts.Errorf(alerts.TooMany, "%d exports wait already, %d of them yours: wait until some are done", len(waiting), own)
	}
	name, err := c.nameOf(ctx, s)
	if err != nil {
		return err
	}
	x.ID, x.CaseID, x.AreaID, x.State = alerts.NewID(c.now), k.ID, k.AreaID, alerts.ClipsQueued
	x.ByID, x.ByName, x.ByRole, x.At = s.User, name, s.Role, c.now
	x.OrderedOn, x.Node, x.Until = c.node, c.node, c.now.Add(exportLease)
	for _, cam := range x.Cameras {
		same, others, err := c.exported(ctx, s, k.ID, cam, x.From, x.To)
		if err != nil {
			return err
		}
		x.Already = append(x.Already, same...)
		x.Already = append(x.Already, others...)
	}
	if err := c.SaveClipExport(*x); err != nil {
		return err
	}
	x.Version++
	cameras := ""
	for _, cam := range x.Cameras {
		cameras += " " + cam.ID + "/" + cam.Profile
	}
	return c.audit(s, alerts.AuditExport, "export/"+x.ID, k.AreaID, map[string]string{"what": "clips", "case": k.ID, "code": k.Code, "cameras": cameras[1:],
		"from": auditTime(x.From), "to": auditTime(x.To), "purpose": x.Purpose, "request": x.RequestID})
}

// exported looks for clips that hold a time: those of the case that were asked for
// exactly so, and others in sight.
func (c *change) exported(ctx context.Context, s alerts.Scope, caseID string, cam alerts.ClipCamera, from, to time.Time) (same, others []string, err error) {
	list, err := c.EvidenceHolding(ctx, cam.ID, cam.Profile, from, to, 20)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range list {
		if _, err := c.Case(ctx, s, e.CaseID); err != nil {
			if alerts.KindOf(err) == alerts.NotFound {
				continue
			}
			return nil, nil, err
		}
		if e.CaseID == caseID && e.Footage.From.Equal(from) && e.Footage.To.Equal(to) {
			same = append(same, e.ID)
		} else {
			others = append(others, e.ID)
		}
	}
	return same, others, nil
}

// window checks a time that footage is asked of.
func (d *Desk) window(f *faults, from, to *time.Time) {
	*from, *to = from.UTC().Truncate(time.Millisecond), to.UTC().Truncate(time.Millisecond)
	switch span := to.Sub(*from); {
	case from.Year() < 2000 || to.Year() > 9999:
		f.add("from", "must be a time between the years 2000 and 9999")
	case span <= 0:
		f.add("to", "must be after from")
	case span > MaxClip:
		f.add("to", "must be at most %v after from: ask for several", MaxClip)
	case to.After(d.now()):
		f.add("to", "lies in the future: nothing is recorded yet")
	}
}

func (f *faults) clipCameras(list []alerts.ClipCamera) {
	if len(list) == 0 || len(list) > maxClipCams {
		f.add("cameras", "must name 1 to %d cameras", maxClipCams)
	}
	seen := make(map[alerts.ClipCamera]bool)
	for i := range list {
		if list[i].Profile == "" {
			list[i].Profile = "main"
		}
		f.oneOf("cameras", list[i].Profile, "main", "sub")
		if seen[list[i]] {
			f.add("cameras", "names %q twice", list[i].ID)
		}
		seen[list[i]] = true
	}
}

// clipCamerasIn refuses cameras outside the caller's areas.
func (c *change) clipCamerasIn(ctx context.Context, s alerts.Scope, list []alerts.ClipCamera) error {
	for _, cam := range list {
		if _, err := c.Camera(ctx, s, cam.ID); err != nil {
			if alerts.KindOf(err) == alerts.NotFound {
				return alerts.InvalidField("cameras", "there is no camera %q in your areas", cam.ID)
			}
			return err
		}
	}
	return nil
}

// exportOf loads an export whose case is in sight of the caller.
func (d *Desk) exportOf(ctx context.Context, s alerts.Scope, id string) (alerts.ClipExport, error) {
	if err := s.Need(alerts.ExportClips); err != nil {
		return alerts.ClipExport{}, err
	}
	x, err := d.store.ClipExport(ctx, id)
	if err != nil {
		return x, err
	}
	if _, err := d.store.Case(ctx, s, x.CaseID); err != nil {
		if alerts.KindOf(err) == alerts.NotFound {
			err = alerts.Errorf(alerts.NotFound, "there is no such export")
		}
		return x, err
	}
	return x, nil
}

// ClipExport returns how far an export has come.
func (d *Desk) ClipExport(ctx context.Context, s alerts.Scope, id string) (ClipExportView, error) {
	x, err := d.exportOf(ctx, s, id)
	if err != nil {
		return ClipExportView{}, err
	}
	return d.clipExportView(ctx, s, x)
}

// ClipExports lists the caller's own exports, newest first.
func (d *Desk) ClipExports(ctx context.Context, s alerts.Scope, p alerts.Page) ([]ClipExportView, string, error) {
	if err := s.Need(alerts.ExportClips); err != nil {
		return nil, "", err
	}
	list, next, err := d.store.ClipExports(ctx, s.User, p)
	if err != nil {
		return nil, "", err
	}
	out := make([]ClipExportView, 0, len(list))
	for _, x := range list {
		if _, err := d.store.Case(ctx, s, x.CaseID); err != nil {
			if alerts.KindOf(err) == alerts.NotFound {
				continue // out of sight since
			}
			return nil, "", err
		}
		v, err := d.clipExportView(ctx, s, x)
		if err != nil {
			return nil, "", err
		}
		out = append(out, v)
	}
	return out, next, nil
}

// CancelClips ends an export; what it has made so far stays evidence.
func (d *Desk) CancelClips(ctx context.Context, s alerts.Scope, id string) error {
	x, err := d.exportOf(ctx, s, id)
	if err != nil {
		return err
	}
	err = d.write(ctx, func(c *change) error {
		if x, err = c.ClipExport(ctx, id); err != nil {
			return err
		}
		if x.State.Over() {
			return alerts.Errorf(alerts.Conflict, "this export is over: it is %s", x.State)
		}
		x.State, x.EndedAt = alerts.ClipsCancelled, c.now
		if err := c.SaveClipExport(x); err != nil {
			return err
		}
		return c.audit(s, alerts.AuditExport, "export/"+id, x.AreaID, map[string]string{"what": "clips", "action": "cancel"})
	})
	if err == nil {
		d.cutting.cancel(id)
	}
	return err
}

func (d *Desk) clipExportView(ctx context.Context, s alerts.Scope, x alerts.ClipExport) (ClipExportView, error) {
	v := ClipExportView{ID: x.ID, CaseID: x.CaseID, State: x.State, Cameras: x.Cameras, From: x.From, To: x.To, Purpose: x.Purpose, Note: x.Note,
		RequestID: x.RequestID, Clips: []ExportedClip{}, Already: []AlreadyExported{}, Error: x.Error, By: x.ByName, At: x.At, EndedAt: optional(x.EndedAt)}
	switch x.State {
	case alerts.ClipsDone:
		v.Progress = 1
	case alerts.ClipsRunning:
		v.Progress = d.cutting.progress(x.ID)
	}
	for _, id := range x.Evidence {
		e, err := d.store.Evidence(ctx, id)
		if err != nil {
			return v, err
		}
		v.Bytes += e.Bytes
		v.Clips = append(v.Clips, ExportedClip{EvidenceID: id, Camera: e.Footage.CameraID, From: e.Footage.From, To: e.Footage.To,
			ActualFrom: e.Footage.ActualFrom, ActualTo: e.Footage.ActualTo, Gaps: append([]alerts.FootageGap{}, e.Footage.Gaps...)})
	}
	for _, id := range x.Already {
		e, err := d.store.Evidence(ctx, id)
		if err != nil {
			return v, err
		}
		if _, err := d.store.Case(ctx, s, e.CaseID); err != nil {
			if alerts.KindOf(err) == alerts.NotFound {
				continue
			}
			return v, err
		}
		v.Already = append(v.Already, AlreadyExported{EvidenceID: id, CaseID: e.CaseID, Camera: e.Footage.CameraID, From: e.Footage.From, To: e.Footage.To})
	}
	return v, nil
}
