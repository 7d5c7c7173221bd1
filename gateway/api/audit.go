package api

import (
	"context"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
)

// AuditQuery narrows the list of audit entries.
type AuditQuery struct {
	Page
	Kind   string    `query:"kind" maxLength:"64" doc:"What happened, such as sign_in, camera.watch, case.move, export, config"`
	User   string    `query:"user" maxLength:"64" doc:"Account that did it"`
	Object string    `query:"object" maxLength:"128" doc:"Kind and identifier of the object" example:"camera/cam000"`
	Since  time.Time `query:"since" doc:"Recorded at or after"`
	Until  time.Time `query:"until" doc:"Recorded before"`
}

func (q AuditQuery) filter() alerts.AuditFilter {
	return alerts.AuditFilter{Kind: alerts.AuditKind(q.Kind), UserID: q.User, Object: q.Object, Since: q.Since, Until: q.Until, Page: q.page()}
}

// registerAudit puts up reading alone: nothing changes or removes an entry.
func (a *API) registerAudit() {
	op := a.operation("GET", "/api/v1/audit", "audit", "Audit", "Who did and saw what, newest first")
	op.Description += " Entries about objects in an area are for auditors of that area and above; those about nothing in an " +
		"area, for auditors of the whole town. Entries are only ever added and are kept for ever."
	handle(a, op, func(ctx context.Context, in *AuditQuery) (*listOut[desk.AuditView], error) {
		items, next, err := a.desk.AuditEntries(ctx, scopeOf(ctx), in.filter())
		return listOf(items, next), err
	})
}
