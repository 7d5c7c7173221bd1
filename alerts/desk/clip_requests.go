package desk

import (
	"context"
	"strings"
	"time"

	"sharpeyes/alerts"
)

// maxOpenRequests bounds what somebody may have open for one case.
const maxOpenRequests = 20

// ClipRequestInput asks for footage.
type ClipRequestInput struct {
	Cameras []string  `json:"cameras" minItems:"1" maxItems:"16" nullable:"false" doc:"Cameras, each once"`
	From    time.Time `json:"from" doc:"Beginning"`
	To      time.Time `json:"to" doc:"End, at most 4 hours after the beginning"`
	Reason  string    `json:"reason" minLength:"1" maxLength:"500" doc:"Why; who decides reads it"`
	Key     string    `json:"-"`
}

// ClipRequestView is a request for footage.
type ClipRequestView struct {
	ID         string              `json:"id" doc:"Identifier"`
	CaseID     string              `json:"case_id" doc:"Case"`
	CaseCode   string              `json:"case_code" doc:"Its code"`
	Cameras    []string            `json:"cameras" nullable:"false" doc:"Cameras"`
	From       time.Time           `json:"from" doc:"Beginning"`
	To         time.Time           `json:"to" doc:"End"`
	Reason     string              `json:"reason" doc:"Why"`
	State      alerts.RequestState `json:"state" enum:"open,approved,refused" doc:"What became of it"`
	By         string              `json:"by" doc:"Who asks"`
	Role       alerts.Role         `json:"by_role" doc:"Role then"`
	At         time.Time           `json:"at" doc:"When"`
	AnsweredBy string              `json:"answered_by,omitempty" doc:"Who decided"`
	AnsweredAt *time.Time          `json:"answered_at,omitempty" doc:"When"`
	Answer     string              `json:"answer,omitempty" doc:"Reason of a refusal, or note to an approval"`
	ExportID   string              `json:"export_id,omitempty" doc:"Export that the approval began"`
}

func requestView(v alerts.ClipRequest, code string) ClipRequestView {
	return ClipRequestView{ID: v.ID, CaseID: v.CaseID, CaseCode: code, Cameras: append([]string{}, v.Cameras...), From: v.From, To: v.To, Reason: v.Reason,
		State: v.State, By: v.ByName, Role: v.ByRole, At: v.At, AnsweredBy: v.AnsweredName, AnsweredAt: optional(v.AnsweredAt), Answer: v.Answer,
		ExportID: v.ExportID}
}

// RequestClips asks somebody who may for footage of a case's place and time.
func (d *Desk) RequestClips(ctx context.Context, s alerts.Scope, caseID string, in ClipRequestInput) (v ClipRequestView, replayed bool, err error) {
	if err := s.Need(alerts.RequestClips); err != nil {
		return v, false, err
	}
	var f faults
	in.Reason = f.lines("reason", in.Reason, true, 500)
	d.window(&f, &in.From, &in.To)
	cameras := make([]alerts.ClipCamera, len(in.Cameras))
	for i, id := range in.Cameras {
		cameras[i].ID = id
	}
	f.clipCameras(cameras)
	f.key(in.Key)
	if err := f.err(); err != nil {
		return v, false, err
	}
	request := "clip-request/" + caseID + "/" + digest(in)
	err = d.write(ctx, func(c *change) error {
		k, err := c.Case(ctx, s, caseID)
		if err != nil {
			return err
		}
		first, err := c.recalled(s.User, in.Key, request)
		if err != nil {
			return err
		}
		if replayed = first != ""; replayed {
			r, err := c.ClipRequest(ctx, alerts.System(), first)
			v = requestView(r, k.Code)
			return err
		}
		if err := c.clipCamerasIn(ctx, s, cameras); err != nil {
			return err
		}
		open, _, err := c.ClipRequests(ctx, alerts.System(), alerts.ClipRequestFilter{CaseID: k.ID, ByID: s.User, State: alerts.RequestOpen,
			Page: alerts.Page{Limit: maxOpenRequests}})
		if err != nil {
			return err
		}
		if len(open) >= maxOpenRequests {
			return alerts.Errorf(alerts.TooMany, "%d of your requests for this case are open: wait for an answer", len(open))
		}
		name, err := c.nameOf(ctx, s)
		if err != nil {
			return err
		}
		r := alerts.ClipRequest{ID: alerts.NewID(c.now), CaseID: k.ID, AreaID: k.AreaID, Cameras: in.Cameras, From: in.From, To: in.To, Reason: in.Reason,
			State: alerts.RequestOpen, ByID: s.User, ByName: name, ByRole: s.Role, At: c.now}
		if err := c.SaveClipRequest(r); err != nil {
			return err
		}
		if err := c.remember(s.User, in.Key, request, r.ID); err != nil {
			return err
		}
		v = requestView(r, k.Code)
		if err := c.caseTold(ctx, d, &k); err != nil {
			return err
		}
		return c.audit(s, alerts.AuditClipRequest, "clip-request/"+r.ID, k.AreaID, map[string]string{"action": "ask", "case": k.ID, "code": k.Code,
			"cameras": strings.Join(r.Cameras, " "), "from": auditTime(r.From), "to": auditTime(r.To), "reason": r.Reason})
	})
	return v, replayed, err
}

// ClipRequests lists requests, newest first: who sees every case of his areas sees
// them all, others their own.
func (d *Desk) ClipRequests(ctx context.Context, s alerts.Scope, f alerts.ClipRequestFilter) ([]ClipRequestView, string, error) {
	if err := s.Need(alerts.ReadCases); err != nil {
		return nil, "", err
	}
	if !s.Sight().All {
		f.ByID = s.User
	}
	list, next, err := d.store.ClipRequests(ctx, s, f)
	if err != nil {
		return nil, "", err
	}
	out := make([]ClipRequestView, 0, len(list))
	for _, r := range list {
		k, err := d.store.Case(ctx, s, r.CaseID)
		if err != nil {
			if alerts.KindOf(err) == alerts.NotFound {
				continue
			}
			return nil, "", err
		}
		out = append(out, requestView(r, k.Code))
	}
	return out, next, nil
}

// ApproveClips begins the export of exactly what was asked for, into its case.
func (d *Desk) ApproveClips(ctx context.Context, s alerts.Scope, id, note string) (ClipRequestView, error) {
	if d.Clipper == nil || d.Objects == nil {
		return ClipRequestView{}, errNoObjects
	}
	var f faults
	note = f.lines("note", note, false, 500)
	if err := f.err(); err != nil {
		return ClipRequestView{}, err
	}
	v, err := d.answer(ctx, s, id, note, func(c *change, k *alerts.Case, r *alerts.ClipRequest) error {
		x := alerts.ClipExport{From: r.From, To: r.To, Purpose: clip(strings.ReplaceAll(r.Reason, "\n", " "), maxPurpose), Note: note, RequestID: r.ID}
		for _, cam := range r.Cameras {
			x.Cameras = append(x.Cameras, alerts.ClipCamera{ID: cam, Profile: "main"})
		}
		if err := c.orderClips(ctx, s, k, &x); err != nil {
			return err
		}
		r.State, r.ExportID = alerts.RequestApproved, x.ID
		return nil
	})
	if err == nil {
		d.cutting.wake()
	}
	return v, err
}

// RefuseClips turns a request down.
func (d *Desk) RefuseClips(ctx context.Context, s alerts.Scope, id, reason string) (ClipRequestView, error) {
	var f faults
	reason = f.lines("reason", reason, true, 500)
	if err := f.err(); err != nil {
		return ClipRequestView{}, err
	}
	return d.answer(ctx, s, id, reason, func(_ *change, _ *alerts.Case, r *alerts.ClipRequest) error {
		r.State = alerts.RequestRefused
		return nil
	})
}

func (d *Desk) answer(ctx context.Context, s alerts.Scope, id, text string, decide func(*change, *alerts.Case, *alerts.ClipRequest) error) (v ClipRequestView, err error) {
	if err := s.Need(alerts.ApproveClips); err != nil {
		return v, err
	}
	err = d.write(ctx, func(c *change) error {
		r, err := c.ClipRequest(ctx, s, id)
		if err != nil {
			return err
		}
		k, err := c.Case(ctx, s, r.CaseID)
		if err != nil {
			if alerts.KindOf(err) == alerts.NotFound {
				err = alerts.Errorf(alerts.NotFound, "there is no such request for a clip")
			}
			return err
		}
		switch {
		case r.State != alerts.RequestOpen:
			return alerts.Errorf(alerts.Conflict, "this request is %s already, by %s", r.State, r.AnsweredName)
		case r.ByID == s.User:
			return alerts.Errorf(alerts.Forbidden, "nobody decides on a request of his own")
		}
		if r.AnsweredName, err = c.nameOf(ctx, s); err != nil {
			return err
		}
		r.AnsweredBy, r.AnsweredAt, r.Answer = s.User, c.now, text
		if err := decide(c, &k, &r); err != nil {
			return err
		}
		if err := c.SaveClipRequest(r); err != nil {
			return err
		}
		v = requestView(r, k.Code)
		if err := c.caseTold(ctx, d, &k); err != nil {
			return err
		}
		return c.audit(s, alerts.AuditClipRequest, "clip-request/"+r.ID, k.AreaID, map[string]string{"action": string(r.State), "case": k.ID, "code": k.Code,
			"cameras": strings.Join(r.Cameras, " "), "from": auditTime(r.From), "to": auditTime(r.To), "answer": text, "export": r.ExportID})
	})
	return v, err
}
