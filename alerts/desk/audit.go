package desk

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sharpeyes/alerts"
)

// Bounds of what an entry says: it is kept for ever.
const (
	maxAuditDetails = 24
	maxAuditText    = 1000 // runes of a detail
)

// audit appends an entry about an object ("camera/cam000") to the change's own
// transaction: there is no change without its entry. details never hold a
// secret, nor who reported an incident.
func (c *change) audit(s alerts.Scope, kind alerts.AuditKind, object, areaID string, details map[string]string) error {
	e, err := auditEntry(s, kind, object, areaID, details)
	if err != nil {
		return err
	}
	e.At = c.now
	return c.AppendAudit(&e)
}

// Audit appends an entry about what has no transaction of its own; it is on
// disk when Audit returns.
func (d *Desk) Audit(ctx context.Context, s alerts.Scope, kind alerts.AuditKind, object, areaID string, details map[string]string) error {
	return d.AuditAll(ctx, []AuditNote{{Scope: s, Kind: kind, Object: object, AreaID: areaID, Details: details}})
}

// AuditNote is what an entry will say.
type AuditNote struct {
	Scope   alerts.Scope
	Kind    alerts.AuditKind
	Object  string
	AreaID  string
	Details map[string]string
}

// AuditAll appends entries together: all or none.
func (d *Desk) AuditAll(ctx context.Context, notes []AuditNote) error {
	entries := make([]alerts.AuditEntry, len(notes))
	for i, n := range notes {
		var err error
		if entries[i], err = auditEntry(n.Scope, n.Kind, n.Object, n.AreaID, n.Details); err != nil {
			return err
		}
	}
	return d.store.Write(ctx, func(tx alerts.Tx) error {
		for _, e := range entries { // a copy: the transaction may run again
			e.At = d.now()
			if err := tx.AppendAudit(&e); err != nil {
				return err
			}
		}
		return nil
	})
}

func auditEntry(s alerts.Scope, kind alerts.AuditKind, object, areaID string, details map[string]string) (alerts.AuditEntry, error) {
	e := alerts.AuditEntry{Kind: kind, UserID: s.User, UserName: s.Name, Role: s.Role, Address: s.Address, AreaID: areaID, Object: object}
	if len(details) > maxAuditDetails {
		return e, fmt.Errorf("desk: audit %s: %d details, %d at most", kind, len(details), maxAuditDetails)
	}
	if len(details) > 0 {
		e.Details = make(map[string]string, len(details))
	}
	for name, value := range details {
		if value != "" {
			e.Details[name] = clip(value, maxAuditText)
		}
	}
	return e, nil
}

// alteration is what a change of settings did, for its entry.
type alteration map[string]string

// altered begins the details of a change: action is create, change, remove or
// import.
func altered(action string) alteration { return alteration{"action": action} }

// field notes a field that is not the same any more.
func (c alteration) field(name, before, after string) alteration {
	switch {
	case before == after:
	case before == "":
		c[name] = after
	default:
		c[name] = before + " → " + after
	}
	return c
}

// secret notes that something changed whose value nobody may read.
func (c alteration) secret(name string, differs bool) alteration {
	if differs {
		c[name] = "changed"
	}
	return c
}

// auditImport names everything that an import changed, in as many entries as
// that takes.
func (c *change) auditImport(s alerts.Scope, what string, ids []string) error {
	details := func(part []string) map[string]string {
		return map[string]string{"action": "import", "all": strconv.Itoa(len(ids)), "ids": strings.Join(part, " ")}
	}
	first, size := 0, 0
	for i, id := range ids {
		if size += utf8.RuneCountInString(id) + 1; size > maxAuditText && i > first {
			if err := c.audit(s, alerts.AuditConfig, what, "", details(ids[first:i])); err != nil {
				return err
			}
			first, size = i, utf8.RuneCountInString(id)+1
		}
	}
	return c.audit(s, alerts.AuditConfig, what, "", details(ids[first:]))
}

// clip cuts a text to at most max runes and marks that it did.
func clip(text string, max int) string {
	if utf8.RuneCountInString(text) <= max {
		return text
	}
	n := 0
	for i := range text {
		if n == max-1 {
			return text[:i] + "…"
		}
		n++
	}
	return text
}

// AuditView is an entry as auditors read it.
type AuditView struct {
	Seq      int64             `json:"seq" doc:"Number, from 1 without gaps"`
	At       time.Time         `json:"at" doc:"When it was recorded"`
	Kind     alerts.AuditKind  `json:"kind" doc:"What happened, such as sign_in, camera.watch, case.move, config"`
	UserID   string            `json:"user_id,omitempty" doc:"Account that did it; absent: the system, or nobody signed in"`
	UserName string            `json:"user_name,omitempty" doc:"Name of the person or machine then"`
	Role     alerts.Role       `json:"role,omitempty" doc:"Role then"`
	Address  string            `json:"address,omitempty" doc:"Network address that it came from"`
	AreaID   string            `json:"area_id,omitempty" doc:"Area of the object; absent: of none"`
	AreaName string            `json:"area_name,omitempty" doc:"Name of the area"`
	Object   string            `json:"object,omitempty" doc:"Kind and identifier of the object" example:"camera/cam000"`
	Details  map[string]string `json:"details,omitempty" doc:"What there is to say about it, by name; never a secret"`
	Hash     string            `json:"hash" doc:"SHA-256 over this entry and the hash before it, hex"`
}

// AuditEntries lists the audit for those who may read it, newest first, with
// the next page's cursor.
func (d *Desk) AuditEntries(ctx context.Context, s alerts.Scope, f alerts.AuditFilter) ([]AuditView, string, error) {
	if err := s.Need(alerts.ReadAudit); err != nil {
		return nil, "", err
	}
	list, next, err := d.store.Audit(ctx, s, f)
	if err != nil {
		return nil, "", err
	}
	t := d.known.places()
	out := make([]AuditView, len(list))
	for i, e := range list {
		out[i] = AuditView{Seq: e.Seq, At: e.At, Kind: e.Kind, UserID: e.UserID, UserName: e.UserName, Role: e.Role, Address: e.Address,
			AreaID: e.AreaID, AreaName: t.areaName(e.AreaID), Object: e.Object, Details: e.Details, Hash: e.Hash}
	}
	return out, next, nil
}
