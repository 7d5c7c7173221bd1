package api

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"

	"github.com/danielgtaylor/huma/v2"
)

// AuditQuery narrows the list of audit entries.
type AuditQuery struct {
	Page
	AuditFilter
}

// AuditExport narrows an export of the audit.
type AuditExport struct {
	ExportAs
	AuditFilter
}

// AuditFilter is what both can be narrowed by.
type AuditFilter struct {
	Kind   string    `query:"kind" maxLength:"64" doc:"What happened, such as sign_in, camera.watch, case.move, export, config"`
	User   string    `query:"user" maxLength:"64" doc:"Account that did it"`
	Object string    `query:"object" maxLength:"128" doc:"Kind and identifier of the object" example:"camera/cam000"`
	Since  time.Time `query:"since" doc:"Recorded at or after"`
	Until  time.Time `query:"until" doc:"Recorded before"`
}

func (f AuditFilter) filter(p alerts.Page) alerts.AuditFilter {
	return alerts.AuditFilter{Kind: alerts.AuditKind(f.Kind), UserID: f.User, Object: f.Object, Since: f.Since, Until: f.Until, Page: p}
}

// registerAudit puts up reading alone: nothing changes or removes an entry.
func (a *API) registerAudit() {
	op := a.operation("GET", "/api/v1/audit", "audit", "Audit", "Who did and saw what, newest first")
	op.Description += " Entries about objects in an area are for auditors of that area and above; those about nothing in an " +
		"area, for auditors of the whole town. Entries are only ever added and are kept for ever."
	handle(a, op, func(ctx context.Context, in *AuditQuery) (*listOut[desk.AuditView], error) {
		items, next, err := a.desk.AuditEntries(ctx, scopeOf(ctx), in.filter(in.page()))
		return listOf(items, next), err
	})
	handleExport(a, "/api/v1/audit/export", "export-audit", "Audit", a.exportAudit)
}

func (a *API) exportAudit(ctx context.Context, in *AuditExport) (*huma.StreamResponse, error) {
	type row = desk.AuditView
	return export(ctx, a, in.ExportAs, "", table[row]{name: "audit", zh: "审计", en: "Audit",
		page: func(p alerts.Page) ([]row, string, error) {
			return a.desk.AuditEntries(ctx, scopeOf(ctx), in.filter(p))
		},
		columns: []column[row]{
			{"序号", "Number", func(v row) any { return int(v.Seq) }},
			{"时间", "Time", func(v row) any { return v.At }},
			{"事项", "Kind", func(v row) any { return string(v.Kind) }},
			{"人员", "Person", func(v row) any { return v.UserName }},
			{"账号标识", "Account id", func(v row) any { return v.UserID }},
			{"角色", "Role", func(v row) any { return string(v.Role) }},
			{"网络地址", "Address", func(v row) any { return v.Address }},
			{"对象", "Object", func(v row) any { return v.Object }},
			{"区域", "Area", func(v row) any { return v.AreaName }},
			{"说明", "Details", func(v row) any { return detailsText(v.Details) }},
			{"哈希", "Hash", func(v row) any { return v.Hash }},
		}})
}

// detailsText is details in one cell: "name: value", sorted, one a line.
func detailsText(details map[string]string) string {
	lines := make([]string, 0, len(details))
	for _, name := range slices.Sorted(maps.Keys(details)) {
		lines = append(lines, name+": "+details[name])
	}
	return strings.Join(lines, "\n")
}
