package store

import (
	"encoding/json"
	"fmt"

	"github.com/uptrace/bun"

	"sharpeyes/alerts"
)

type evidenceRow struct {
	bun.BaseModel `bun:"table:evidence,alias:r"`

	ID        string `bun:"id,pk"`
	CaseID    string `bun:"case_id"`
	N         int    `bun:"n"`
	Kind      string `bun:"kind"`
	Object    string `bun:"object"`
	Bytes     int64  `bun:"bytes"`
	SHA256    string `bun:"sha256"`
	MediaType string `bun:"media_type"`
	CameraID  string `bun:"camera_id"`
	Profile   string `bun:"profile"`
	Starts    int64  `bun:"starts"` // asked for
	Ends      int64  `bun:"ends"`
	Footage   string `bun:"footage"`
	CopyOf    string `bun:"copy_of"`
	Purpose   string `bun:"purpose"`
	Note      string `bun:"note"`
	ExportID  string `bun:"export_id"`
	RequestID string `bun:"request_id"`
	ByID      string `bun:"by_id"`
	ByName    string `bun:"by_name"`
	ByRole    string `bun:"by_role"`
	At        int64  `bun:"at"`
	Hash      string `bun:"hash"`
	AuditSeq  int64  `bun:"audit_seq"`
	AuditHash string `bun:"audit_hash"`
}

func evidenceToRow(e alerts.Evidence) (evidenceRow, error) {
	footage, err := json.Marshal(e.Footage)
	if err != nil {
		return evidenceRow{}, fmt.Errorf("store: evidence: %w", err)
	}
	return evidenceRow{ID: e.ID, CaseID: e.CaseID, N: e.N, Kind: string(e.Kind), Object: e.Object, Bytes: e.Bytes, SHA256: e.SHA256,
		MediaType: e.MediaType, CameraID: e.Footage.CameraID, Profile: e.Footage.Profile, Starts: micros(e.Footage.From), Ends: micros(e.Footage.To),
		Footage: string(footage), CopyOf: e.Of, Purpose: e.Purpose, Note: e.Note, ExportID: e.ExportID, RequestID: e.RequestID, ByID: e.ByID,
		ByName: e.ByName, ByRole: string(e.ByRole), At: micros(e.At), Hash: e.Hash, AuditSeq: e.AuditSeq, AuditHash: e.AuditHash}, nil
}

func (r evidenceRow) value() (alerts.Evidence, error) {
	e := alerts.Evidence{ID: r.ID, CaseID: r.CaseID, N: r.N, Kind: alerts.EvidenceKind(r.Kind), Object: r.Object, Bytes: r.Bytes, SHA256: r.SHA256,
		MediaType: r.MediaType, Of: r.CopyOf, Purpose: r.Purpose, Note: r.Note, ExportID: r.ExportID, RequestID: r.RequestID, ByID: r.ByID,
		ByName: r.ByName, ByRole: alerts.Role(r.ByRole), At: fromMicros(r.At), Hash: r.Hash, AuditSeq: r.AuditSeq, AuditHash: r.AuditHash}
	if err := json.Unmarshal([]byte(r.Footage), &e.Footage); err != nil {
		return e, fmt.Errorf("store: evidence %s: %w", r.ID, err)
	}
	return e, nil
}

type clipRequestRow struct {
	bun.BaseModel `bun:"table:clip_requests,alias:r"`

	ID           string `bun:"id,pk"`
	CaseID       string `bun:"case_id"`
	AreaID       string `bun:"area_id"`
	AreaPath     string `bun:"area_path,scanonly"`
	Cameras      string `bun:"cameras"`
	Starts       int64  `bun:"starts"`
	Ends         int64  `bun:"ends"`
	Reason       string `bun:"reason"`
	State        string `bun:"state"`
	ByID         string `bun:"by_id"`
	ByName       string `bun:"by_name"`
	ByRole       string `bun:"by_role"`
	At           int64  `bun:"at"`
	AnsweredBy   string `bun:"answered_by"`
	AnsweredName string `bun:"answered_name"`
	AnsweredAt   int64  `bun:"answered_at"`
	Answer       string `bun:"answer"`
	ExportID     string `bun:"export_id"`
	Version      int64  `bun:"version"`
}

func clipRequestToRow(v alerts.ClipRequest) clipRequestRow {
	return clipRequestRow{ID: v.ID, CaseID: v.CaseID, AreaID: v.AreaID, Cameras: lines(v.Cameras), Starts: micros(v.From), Ends: micros(v.To),
		Reason: v.Reason, State: string(v.State), ByID: v.ByID, ByName: v.ByName, ByRole: string(v.ByRole), At: micros(v.At), AnsweredBy: v.AnsweredBy,
		AnsweredName: v.AnsweredName, AnsweredAt: micros(v.AnsweredAt), Answer: v.Answer, ExportID: v.ExportID, Version: v.Version + 1}
}

func (r clipRequestRow) value() alerts.ClipRequest {
	return alerts.ClipRequest{ID: r.ID, CaseID: r.CaseID, AreaID: r.AreaID, AreaPath: r.AreaPath, Cameras: fromLines(r.Cameras), From: fromMicros(r.Starts),
		To: fromMicros(r.Ends), Reason: r.Reason, State: alerts.RequestState(r.State), ByID: r.ByID, ByName: r.ByName, ByRole: alerts.Role(r.ByRole),
		At: fromMicros(r.At), AnsweredBy: r.AnsweredBy, AnsweredName: r.AnsweredName, AnsweredAt: fromMicros(r.AnsweredAt), Answer: r.Answer,
		ExportID: r.ExportID, Version: r.Version}
}

type clipExportRow struct {
	bun.BaseModel `bun:"table:clip_exports,alias:r"`

	ID        string `bun:"id,pk"`
	CaseID    string `bun:"case_id"`
	AreaID    string `bun:"area_id"`
	AreaPath  string `bun:"area_path,scanonly"`
	Cameras   string `bun:"cameras"`
	Starts    int64  `bun:"starts"`
	Ends      int64  `bun:"ends"`
	Purpose   string `bun:"purpose"`
	Note      string `bun:"note"`
	RequestID string `bun:"request_id"`
	State     string `bun:"state"`
	Evidence  string `bun:"evidence"`
	Already   string `bun:"already"`
	Error     string `bun:"error"`
	ByID      string `bun:"by_id"`
	ByName    string `bun:"by_name"`
	ByRole    string `bun:"by_role"`
	At        int64  `bun:"at"`
	EndedAt   int64  `bun:"ended_at"`
	OrderedOn string `bun:"ordered_on"`
	Node      string `bun:"node"`
	Until     int64  `bun:"lease_until"`
	Version   int64  `bun:"version"`
}

func clipExportToRow(v alerts.ClipExport) (clipExportRow, error) {
	cameras, err := json.Marshal(v.Cameras)
	if err != nil {
		return clipExportRow{}, fmt.Errorf("store: export: %w", err)
	}
	return clipExportRow{ID: v.ID, CaseID: v.CaseID, AreaID: v.AreaID, Cameras: string(cameras), Starts: micros(v.From), Ends: micros(v.To),
		Purpose: v.Purpose, Note: v.Note, RequestID: v.RequestID, State: string(v.State), Evidence: lines(v.Evidence), Already: lines(v.Already),
		Error: v.Error, ByID: v.ByID, ByName: v.ByName, ByRole: string(v.ByRole), At: micros(v.At), EndedAt: micros(v.EndedAt), OrderedOn: v.OrderedOn, Node: v.Node,
		Until: micros(v.Until), Version: v.Version + 1}, nil
}

func (r clipExportRow) value() (alerts.ClipExport, error) {
	v := alerts.ClipExport{ID: r.ID, CaseID: r.CaseID, AreaID: r.AreaID, AreaPath: r.AreaPath, From: fromMicros(r.Starts), To: fromMicros(r.Ends),
		Purpose: r.Purpose, Note: r.Note, RequestID: r.RequestID, State: alerts.ClipState(r.State), Evidence: fromLines(r.Evidence),
		Already: fromLines(r.Already), Error: r.Error, ByID: r.ByID, ByName: r.ByName, ByRole: alerts.Role(r.ByRole), At: fromMicros(r.At),
		EndedAt: fromMicros(r.EndedAt), OrderedOn: r.OrderedOn, Node: r.Node, Until: fromMicros(r.Until), Version: r.Version}
	if err := json.Unmarshal([]byte(r.Cameras), &v.Cameras); err != nil {
		return v, fmt.Errorf("store: export %s: %w", r.ID, err)
	}
	return v, nil
}

type holdRow struct {
	bun.BaseModel `bun:"table:holds,alias:r"`

	ID         string `bun:"id,pk"`
	CaseID     string `bun:"case_id"`
	CameraID   string `bun:"camera_id"`
	Starts     int64  `bun:"starts"`
	Ends       int64  `bun:"ends"`
	Until      int64  `bun:"until"`
	Pin        string `bun:"pin"`
	PinUntil   int64  `bun:"pin_until"`
	ReleasedAt int64  `bun:"released_at"`
	Why        string `bun:"why"`
	ReviewedBy string `bun:"reviewed_by"`
	ReviewedAt int64  `bun:"reviewed_at"`
	At         int64  `bun:"at"`
	Version    int64  `bun:"version"`
}

func holdToRow(v alerts.Hold) holdRow {
	return holdRow{ID: v.ID, CaseID: v.CaseID, CameraID: v.CameraID, Starts: micros(v.From), Ends: micros(v.To), Until: micros(v.Until), Pin: v.Pin,
		PinUntil: micros(v.PinUntil), ReleasedAt: micros(v.ReleasedAt), Why: v.Why, ReviewedBy: v.ReviewedBy, ReviewedAt: micros(v.ReviewedAt),
		At: micros(v.At), Version: v.Version + 1}
}

func (r holdRow) value() (alerts.Hold, error) {
	return alerts.Hold{ID: r.ID, CaseID: r.CaseID, CameraID: r.CameraID, From: fromMicros(r.Starts), To: fromMicros(r.Ends), Until: fromMicros(r.Until),
		Pin: r.Pin, PinUntil: fromMicros(r.PinUntil), ReleasedAt: fromMicros(r.ReleasedAt), Why: r.Why, ReviewedBy: r.ReviewedBy,
		ReviewedAt: fromMicros(r.ReviewedAt), At: fromMicros(r.At), Version: r.Version}, nil
}
