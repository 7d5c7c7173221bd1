package store

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"sharpeyes/alerts"
)

type caseRow struct {
	bun.BaseModel `bun:"table:cases,alias:r"`

	ID            string  `bun:"id,pk"`
	Code          string  `bun:"code"`
	Version       int64   `bun:"version"`
	Step          string  `bun:"step"`
	StepAt        int64   `bun:"step_at"`
	Outcome       string  `bun:"outcome"`
	IsOpen        bool    `bun:"is_open"`
	Category      string  `bun:"category"`
	Severity      string  `bun:"severity"`
	FirstSeverity string  `bun:"first_severity"`
	Title         string  `bun:"title"`
	Direct        bool    `bun:"direct"`
	Lon           float64 `bun:"lon"`
	Lat           float64 `bun:"lat"`
	Address       string  `bun:"address"`
	AreaID        string  `bun:"area_id"`
	AreaPath      string  `bun:"area_path,scanonly"`
	GridID        string  `bun:"grid_id,nullzero"`
	HolderID      string  `bun:"holder_id"`
	HolderPath    string  `bun:"holder_path,scanonly"`
	DepartmentID  string  `bun:"department_id"`
	OfficeID      string  `bun:"office_id"`
	PersonID      string  `bun:"person_id"`
	FirstID       string  `bun:"first_id"`
	Against       string  `bun:"against"`
	HandlerID     string  `bun:"handler_id"`
	OpenedAt      int64   `bun:"opened_at"`
	UpdatedAt     int64   `bun:"updated_at"`
	ClosedAt      int64   `bun:"closed_at"`
	RepliedAt     int64   `bun:"replied_at"`
	ReplyDue      int64   `bun:"reply_due"`
	DueAt         int64   `bun:"due_at"`
	CaseDueAt     int64   `bun:"case_due_at"`
	NextAt        int64   `bun:"next_at"`
	Reminded      int     `bun:"reminded"`
	PausedAt      int64   `bun:"paused_at"`
	PausedFor     int64   `bun:"paused_for"`
	Extended      int64   `bun:"extended"`
	Supervised    int64   `bun:"supervised"`
	Incidents     int     `bun:"incidents"`
	Comments      int     `bun:"comments"`
	Returns       int     `bun:"returns"`
	Transfers     int     `bun:"transfers"`
	Escalated     int     `bun:"escalated"`
	Reopened      int     `bun:"reopened"`
	Edited        int     `bun:"edited"`
	MergedInto    string  `bun:"merged_into"`

	HeldAt  int64 `bun:"held_at"` // first assignment or closing; 0: neither yet
	Gravity int64 `bun:"gravity"` // severity and OpenedAt in one number; see gravity
	Urgency int64 `bun:"urgency"` // the sooner due the larger; see urgency
	Changed int64 `bun:"changed"` // number of the transaction that saved it last; see changes
}

// timeBits are enough for the microseconds of any time until the year 4253.
const timeBits = 56

// gravity orders by severity, gravest first, then newest first, descending.
func gravity(s alerts.Severity, opened int64) int64 {
	i := slices.Index(alerts.Severities[:], s)
	if i < 0 {
		i = len(alerts.Severities)
	}
	return int64(len(alerts.Severities)-i)<<timeBits | opened
}

// urgency orders by what is due first, descending; what is closed or has no
// time comes last.
func urgency(open bool, due int64) int64 {
	if !open || due == 0 {
		return 0
	}
	return math.MaxInt64 - due
}

func caseToRow(c alerts.Case) caseRow {
	opened, due := micros(c.OpenedAt), micros(c.DueAt)
	return caseRow{ID: c.ID, Code: c.Code, Version: c.Version + 1, Step: string(c.Step), StepAt: micros(c.StepAt),
		Outcome: string(c.Outcome), IsOpen: c.Open(), Category: c.Category, Severity: string(c.Severity),
		FirstSeverity: string(c.FirstSeverity), Title: c.Title, Direct: c.Direct, Lon: c.Point.Lon, Lat: c.Point.Lat,
		Address: c.Address, AreaID: c.AreaID, GridID: c.GridID, HolderID: c.HolderID, DepartmentID: c.DepartmentID,
		OfficeID: c.OfficeID, PersonID: c.PersonID, FirstID: c.FirstID, Against: c.Against, HandlerID: c.HandlerID,
		OpenedAt: opened, UpdatedAt: micros(c.UpdatedAt), ClosedAt: micros(c.ClosedAt), RepliedAt: micros(c.RepliedAt),
		ReplyDue: micros(c.ReplyDue), DueAt: due, CaseDueAt: micros(c.CaseDueAt), NextAt: micros(c.NextAt),
		Reminded: c.Reminded, PausedAt: micros(c.PausedAt), PausedFor: int64(c.PausedFor), Extended: int64(c.Extended),
		Supervised: micros(c.Supervised), Incidents: c.Incidents, Comments: c.Comments, Returns: c.Returns,
		Transfers: c.Transfers, Escalated: c.Escalated, Reopened: c.Reopened, Edited: c.Edited, MergedInto: c.MergedInto,
		Gravity: gravity(c.Severity, opened), Urgency: urgency(c.Open(), due)}
}

func (r caseRow) value() alerts.Case {
	return alerts.Case{ID: r.ID, Code: r.Code, Version: r.Version, Step: alerts.Step(r.Step), StepAt: fromMicros(r.StepAt),
		Outcome: alerts.Outcome(r.Outcome), Category: r.Category, Severity: alerts.Severity(r.Severity),
		FirstSeverity: alerts.Severity(r.FirstSeverity), Title: r.Title, Direct: r.Direct,
		Point: alerts.Point{Lon: r.Lon, Lat: r.Lat}, Address: r.Address, AreaID: r.AreaID, AreaPath: r.AreaPath,
		GridID: r.GridID, HolderID: r.HolderID, HolderPath: r.HolderPath, DepartmentID: r.DepartmentID, OfficeID: r.OfficeID,
		PersonID: r.PersonID, FirstID: r.FirstID, Against: r.Against, HandlerID: r.HandlerID,
		OpenedAt: fromMicros(r.OpenedAt), UpdatedAt: fromMicros(r.UpdatedAt), ClosedAt: fromMicros(r.ClosedAt),
		RepliedAt: fromMicros(r.RepliedAt), ReplyDue: fromMicros(r.ReplyDue), DueAt: fromMicros(r.DueAt),
		CaseDueAt: fromMicros(r.CaseDueAt), NextAt: fromMicros(r.NextAt), Reminded: r.Reminded,
		PausedAt: fromMicros(r.PausedAt), PausedFor: time.Duration(r.PausedFor), Extended: time.Duration(r.Extended),
		Supervised: fromMicros(r.Supervised), Incidents: r.Incidents, Comments: r.Comments, Returns: r.Returns,
		Transfers: r.Transfers, Escalated: r.Escalated, Reopened: r.Reopened, Edited: r.Edited, MergedInto: r.MergedInto}
}

type moveRow struct {
	bun.BaseModel `bun:"table:case_moves,alias:r"`

	CaseID       string `bun:"case_id,pk"`
	N            int    `bun:"n,pk"`
	Action       string `bun:"action"`
	FromStep     string `bun:"from_step"`
	ToStep       string `bun:"to_step"`
	At           int64  `bun:"at"`
	ActorID      string `bun:"actor_id"`
	ActorName    string `bun:"actor_name"`
	ActorRole    string `bun:"actor_role"`
	DepartmentID string `bun:"department_id"`
	AreaID       string `bun:"area_id"`
	Reason       string `bun:"reason"`
	Details      string `bun:"details"` // JSON object, or empty
	Files        string `bun:"files"`   // a line each
	Place        string `bun:"place"`   // JSON, or empty
	Hash         string `bun:"hash"`
}

func moveToRow(m alerts.Move) (moveRow, error) {
	r := moveRow{CaseID: m.CaseID, N: m.N, Action: string(m.Action), FromStep: string(m.From), ToStep: string(m.To),
		At: micros(m.At), ActorID: m.ActorID, ActorName: m.ActorName, ActorRole: string(m.ActorRole),
		DepartmentID: m.DepartmentID, AreaID: m.AreaID, Reason: m.Reason, Files: lines(m.Files), Hash: m.Hash}
	if len(m.Details) > 0 {
		b, err := json.Marshal(m.Details)
		if err != nil {
			return r, fmt.Errorf("store: details of a move: %w", err)
		}
		r.Details = string(b)
	}
	if m.Place != nil {
		b, err := json.Marshal(m.Place)
		if err != nil {
			return r, alerts.InvalidField("place", "must be finite numbers")
		}
		r.Place = string(b)
	}
	return r, nil
}

func (r moveRow) value() (alerts.Move, error) {
	m := alerts.Move{CaseID: r.CaseID, N: r.N, Action: alerts.Action(r.Action), From: alerts.Step(r.FromStep),
		To: alerts.Step(r.ToStep), At: fromMicros(r.At), ActorID: r.ActorID, ActorName: r.ActorName,
		ActorRole: alerts.Role(r.ActorRole), DepartmentID: r.DepartmentID, AreaID: r.AreaID, Reason: r.Reason,
		Files: fromLines(r.Files), Hash: r.Hash}
	if r.Details != "" {
		if err := json.Unmarshal([]byte(r.Details), &m.Details); err != nil {
			return m, fmt.Errorf("store: details of move %d of case %s are damaged: %w", r.N, r.CaseID, err)
		}
	}
	if r.Place != "" {
		m.Place = new(alerts.Point)
		if err := json.Unmarshal([]byte(r.Place), m.Place); err != nil {
			return m, fmt.Errorf("store: place of move %d of case %s is damaged: %w", r.N, r.CaseID, err)
		}
	}
	return m, nil
}

// lines keeps ids, which hold no line break, as one text.
func lines(ids []string) string { return strings.Join(ids, "\n") }

func fromLines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

type filingRow struct {
	bun.BaseModel `bun:"table:case_filings,alias:r"`

	IncidentID string `bun:"incident_id,pk"`
	CaseID     string `bun:"case_id"`
	FirstID    string `bun:"first_id"`
	At         int64  `bun:"at"`
	ByID       string `bun:"by_id"`
}

func (r filingRow) value() (alerts.Filing, error) {
	return alerts.Filing{IncidentID: r.IncidentID, CaseID: r.CaseID, FirstID: r.FirstID, At: fromMicros(r.At), ByID: r.ByID}, nil
}

type partRow struct {
	bun.BaseModel `bun:"table:case_parts,alias:r"`

	CaseID       string `bun:"case_id,pk"`
	DepartmentID string `bun:"department_id,pk"`
	OfficeID     string `bun:"office_id"`
	PersonID     string `bun:"person_id"`
	At           int64  `bun:"at"`
	ReceivedAt   int64  `bun:"received_at"`
	DoneAt       int64  `bun:"done_at"`
}

func (r partRow) value() (alerts.Part, error) {
	return alerts.Part{CaseID: r.CaseID, DepartmentID: r.DepartmentID, OfficeID: r.OfficeID, PersonID: r.PersonID,
		At: fromMicros(r.At), ReceivedAt: fromMicros(r.ReceivedAt), DoneAt: fromMicros(r.DoneAt)}, nil
}

type commentRow struct {
	bun.BaseModel `bun:"table:case_comments,alias:r"`

	ID       string `bun:"id,pk"`
	CaseID   string `bun:"case_id"`
	At       int64  `bun:"at"`
	AuthorID string `bun:"author_id"`
	Author   string `bun:"author"`
	Body     string `bun:"body"`
	Mentions string `bun:"mentions"` // a line each
	Files    string `bun:"files"`    // a line each
}

func (r commentRow) value() alerts.Comment {
	return alerts.Comment{ID: r.ID, CaseID: r.CaseID, At: fromMicros(r.At), AuthorID: r.AuthorID, Author: r.Author,
		Text: r.Body, Mentions: fromLines(r.Mentions), Files: fromLines(r.Files)}
}

type attachmentRow struct {
	bun.BaseModel `bun:"table:case_attachments,alias:r"`

	ID        string `bun:"id,pk"`
	CaseID    string `bun:"case_id"`
	ByID      string `bun:"by_id"`
	At        int64  `bun:"at"`
	SHA256    string `bun:"sha256"`
	MediaType string `bun:"media_type"`
	Size      int64  `bun:"size"`
	Width     int    `bun:"width"`
	Height    int    `bun:"height"`
}

func (r attachmentRow) value() (alerts.Attachment, error) {
	return alerts.Attachment{CaseID: r.CaseID, ByID: r.ByID, At: fromMicros(r.At),
		Photo: alerts.Photo{ID: r.ID, SHA256: r.SHA256, Type: r.MediaType, Size: r.Size, Width: r.Width, Height: r.Height}}, nil
}

type noteRow struct {
	bun.BaseModel `bun:"table:incident_notes,alias:r"`

	ID         string `bun:"id,pk"`
	IncidentID string `bun:"incident_id"`
	At         int64  `bun:"at"`
	AuthorID   string `bun:"author_id"`
	Author     string `bun:"author"`
	Body       string `bun:"body"`
}

func (r noteRow) value() (alerts.Note, error) {
	return alerts.Note{ID: r.ID, IncidentID: r.IncidentID, At: fromMicros(r.At), AuthorID: r.AuthorID, Author: r.Author,
		Text: r.Body}, nil
}
