package alerts

import (
	"context"
	"time"
)

// AuditKind names what an audit entry tells of.
type AuditKind string

// The kinds of audit entries.
const (
	AuditSignIn       AuditKind = "sign_in"
	AuditSignInFailed AuditKind = "sign_in.failed"
	AuditSignOut      AuditKind = "sign_out"
	AuditWatch        AuditKind = "camera.watch"        // somebody saw a camera; Details: profile
	AuditWatchEnd     AuditKind = "camera.watch_end"    // Details: seconds
	AuditStill        AuditKind = "camera.still"        // the last picture of a camera
	AuditPlayback     AuditKind = "camera.playback"     // Details: from, to, profile, purpose, case
	AuditPlaybackEnd  AuditKind = "camera.playback_end" // Details: what was shown
	AuditRead         AuditKind = "read"                // an incident, a case or a photo was opened
	AuditReport       AuditKind = "incident.report"     // an incident came in
	AuditNote         AuditKind = "incident.note"       // an annotation
	AuditDisclose     AuditKind = "incident.disclose"   // who reported it was shown, with the reason
	AuditMove         AuditKind = "case.move"           // Details: action
	AuditComment      AuditKind = "case.comment"
	AuditPoints       AuditKind = "points"    // an appeal, and what was decided on it
	AuditEmergency    AuditKind = "emergency" // emergency access was taken, ended or reviewed
	AuditExport       AuditKind = "export"
	AuditEvidence     AuditKind = "evidence"     // came in, was handed out, or a copy was made; Details: action, hash
	AuditClipRequest  AuditKind = "clip.request" // asked for, approved or refused
	AuditHold         AuditKind = "hold"         // footage is kept for a case, longer, or no more
	AuditConfig       AuditKind = "config"       // a change of cameras, places, accounts, departments, deadlines, tokens
	AuditStart        AuditKind = "start"        // of the process; Details: version
	AuditStop         AuditKind = "stop"         // of the process, in good order
)

// AuditEntry is one entry of the audit: appended, chained, never changed.
type AuditEntry struct {
	Seq      int64 // from 1, without gaps
	At       time.Time
	Kind     AuditKind
	UserID   string // empty: the system, or nobody signed in
	UserName string
	Role     Role
	Address  string            // the caller's network address
	AreaID   string            // of the object
	Object   string            // kind and id: "camera/cam000"
	Details  map[string]string // never a secret
	Hash     string            // SHA-256 over the entry and the hash before it, hex
}

// AuditFilter narrows a list of audit entries; zero fields do not.
type AuditFilter struct {
	Kind         AuditKind
	UserID       string
	Object       string
	Since, Until time.Time
	Page         Page
}

// AuditReader is the part of Reader about the audit.
type AuditReader interface {
	Audit(ctx context.Context, s Scope, f AuditFilter) ([]AuditEntry, string, error) // newest first
	// AuditFrom returns entries from a number on, in order, at most limit.
	AuditFrom(ctx context.Context, seq int64, limit int) ([]AuditEntry, error)
	AuditHead(ctx context.Context) (seq int64, hash string, err error)
}

// AuditTx is the part of Tx about the audit.
type AuditTx interface {
	AppendAudit(*AuditEntry) error // sets Seq and Hash
}
