package api

import "sharpeyes/alerts"

// access says who may call a route: one of the words below, or a right that the
// account must have. Where it has it, and on which objects, is desk's to check.
type access string

const (
	public      access = "public"
	signedIn    access = "signed in" // by a session or a machine's token
	sessionOnly access = "session"   // a person, by the session's cookie
	sourceToken access = "source token"
	// ownReports lets in who reads incidents, and who reports them: to see the
	// own ones. Which, desk decides.
	ownReports access = "read_incidents or report"
)

func right(r alerts.Right) access { return access(r) }

// Bounds of bodies, bytes.
const (
	noBody     = 0
	smallBody  = 64 << 10
	rulesBody  = 1 << 20
	uploadBody = maxPhotos*photoBytes + 1<<20
	importBody = 64 << 20
)

// route is one row of the table.
type route struct {
	method string // empty: all
	path   string // as net/http.ServeMux has it
	access access
	body   int64 // most bytes of a body
}

func (r route) pattern() string {
	if r.method == "" {
		return r.path
	}
	return r.method + " " + r.path
}

// emergencyReads are the routes that show what emergency access has opened, too:
// objects and the lists that lead to them, never figures, files or changes. The
// live socket does by itself.
func emergencyReads() []string {
	const v1 = "/api/v1"
	return []string{
		"GET " + v1 + "/areas", "GET " + v1 + "/areas.geojson", "GET " + v1 + "/grids", "GET " + v1 + "/grids.geojson",
		"GET " + v1 + "/registers", "GET " + v1 + "/registers/{id}", "GET " + v1 + "/cameras", "GET " + v1 + "/cameras/{id}",
		"POST " + v1 + "/cameras/{id}/whep", "GET " + v1 + "/cameras/{id}/keyframe.mp4", "GET " + v1 + "/cameras/{id}/snapshot.jpg",
		"GET " + v1 + "/incidents", "GET " + v1 + "/incidents/{id}", "GET " + v1 + "/incidents/{id}/notes", "GET " + v1 + "/photos/{id}",
		"GET " + v1 + "/cases", "GET " + v1 + "/cases/{id}", "GET " + v1 + "/cases/{id}/incidents", "GET " + v1 + "/cases/{id}/moves",
		"GET " + v1 + "/cases/{id}/comments", "GET " + v1 + "/cases/{id}/attachments", "GET " + v1 + "/attachments/{id}",
		"GET " + v1 + "/alerts",
	}
}

// routes is every route there is. Registering one that has no row panics, and a
// test compares the table with what is registered and calls each row as each
// role.
func routes() []route {
	const v1 = "/api/v1"
	return []route{
		{"POST", v1 + "/session", public, smallBody},
		{"GET", v1 + "/session", sessionOnly, noBody},
		{"DELETE", v1 + "/session", public, noBody},
		{"GET", v1 + "/session/options", public, noBody},
		{"GET", v1 + "/session/oidc", public, noBody},
		{"GET", v1 + "/session/oidc/callback", public, noBody},

		{"GET", v1 + "/areas", right(alerts.ViewMap), noBody},
		{"GET", v1 + "/areas.geojson", right(alerts.ViewMap), noBody},
		{"POST", v1 + "/areas/import", right(alerts.ManagePlaces), importBody},
		{"GET", v1 + "/areas/{id}/versions", right(alerts.ViewMap), noBody},
		{"GET", v1 + "/grids", right(alerts.ViewMap), noBody},
		{"GET", v1 + "/grids.geojson", right(alerts.ViewMap), noBody},
		{"POST", v1 + "/grids/import", right(alerts.ManagePlaces), importBody},
		{"GET", v1 + "/grids/{id}/versions", right(alerts.ViewMap), noBody},
		{"GET", v1 + "/grids/{id}/posts", right(alerts.ViewMap), noBody},
		{"POST", v1 + "/grids/{id}/posts", right(alerts.ManagePlaces), smallBody},
		{"PATCH", v1 + "/posts/{id}", right(alerts.ManagePlaces), smallBody},
		{"POST", v1 + "/posts/import", right(alerts.ManagePlaces), importBody},
		{"GET", v1 + "/basemap.geojson", signedIn, noBody},

		{"GET", v1 + "/departments", right(alerts.ViewMap), noBody},
		{"POST", v1 + "/departments", right(alerts.ManagePlaces), smallBody},
		{"PATCH", v1 + "/departments/{id}", right(alerts.ManagePlaces), smallBody},
		{"POST", v1 + "/departments/{id}/offices", right(alerts.ManagePlaces), smallBody},
		{"PATCH", v1 + "/offices/{id}", right(alerts.ManagePlaces), smallBody},
		{"GET", v1 + "/departments/{id}/duties", right(alerts.ViewMap), noBody},
		{"POST", v1 + "/departments/{id}/duties", right(alerts.ManagePlaces), smallBody},
		{"GET", v1 + "/departments/{id}/duty", right(alerts.ViewMap), noBody},
		{"DELETE", v1 + "/duties/{id}", right(alerts.ManagePlaces), noBody},
		{"GET", v1 + "/registers", right(alerts.ViewMap), noBody},
		{"POST", v1 + "/registers", right(alerts.KeepRegisters), smallBody},
		{"POST", v1 + "/registers/import", right(alerts.KeepRegisters), importBody},
		{"GET", v1 + "/registers/{id}", right(alerts.ViewMap), noBody},
		{"PATCH", v1 + "/registers/{id}", right(alerts.KeepRegisters), smallBody},
		{"GET", v1 + "/structure/report", right(alerts.ReadStructure), noBody},
		{"GET", v1 + "/structure/export", right(alerts.ReadStructure), noBody},

		{"GET", v1 + "/cameras", right(alerts.ViewMap), noBody},
		{"POST", v1 + "/cameras", right(alerts.ManageCameras), smallBody},
		{"POST", v1 + "/cameras/import", right(alerts.ManageCameras), importBody},
		{"GET", v1 + "/cameras/{id}", right(alerts.ViewMap), noBody},
		{"PATCH", v1 + "/cameras/{id}", right(alerts.ManageCameras), smallBody},
		{"DELETE", v1 + "/cameras/{id}", right(alerts.ManageCameras), noBody},

		{"POST", v1 + "/cameras/{id}/whep", right(alerts.WatchVideo), smallBody},
		{"OPTIONS", v1 + "/cameras/{id}/whep", public, noBody},
		{"GET", v1 + "/cameras/{id}/keyframe.mp4", right(alerts.WatchVideo), noBody},
		{"GET", v1 + "/cameras/{id}/snapshot.jpg", right(alerts.WatchVideo), noBody},
		{"POST", v1 + "/whep", right(alerts.WatchVideo), smallBody},
		{"OPTIONS", v1 + "/whep", public, noBody},
		{"PATCH", v1 + "/whep/{session}", right(alerts.WatchVideo), smallBody},
		{"DELETE", v1 + "/whep/{session}", signedIn, noBody},
		{"OPTIONS", v1 + "/whep/{session}", public, noBody},

		{"GET", v1 + "/recordings", right(alerts.Playback), noBody},
		{"POST", v1 + "/playbacks", right(alerts.Playback), smallBody},
		{"DELETE", v1 + "/playbacks/{id}", signedIn, noBody},
		{"GET", v1 + "/playbacks/{id}/media", right(alerts.Playback), noBody},
		{"GET", v1 + "/playbacks/{id}/keyframes", right(alerts.Playback), noBody},

		{"GET", v1 + "/categories", signedIn, noBody},
		{"GET", v1 + "/rules/deadlines", signedIn, noBody},
		{"PUT", v1 + "/rules/deadlines", right(alerts.ManageRules), rulesBody},
		{"GET", v1 + "/rules/calendar", signedIn, noBody},
		{"PUT", v1 + "/rules/calendar", right(alerts.ManageRules), rulesBody},
		{"GET", v1 + "/rules/categories", signedIn, noBody},
		{"PUT", v1 + "/rules/categories", right(alerts.ManageRules), rulesBody},
		{"POST", v1 + "/incidents", right(alerts.Report), uploadBody},
		{"GET", v1 + "/incidents", ownReports, noBody},
		{"GET", v1 + "/incidents/export", right(alerts.ExportLists), noBody},
		{"GET", v1 + "/incidents/{id}", ownReports, noBody},
		{"GET", v1 + "/photos/{id}", ownReports, noBody},
		{"GET", v1 + "/incidents/{id}/duplicates", right(alerts.ReadCases), noBody},
		{"GET", v1 + "/incidents/{id}/notes", right(alerts.ReadCases), noBody},
		{"POST", v1 + "/incidents/{id}/notes", right(alerts.WorkCases), smallBody},
		{"POST", v1 + "/incidents/{id}/disclosure", right(alerts.DiscloseName), smallBody},
		{"GET", v1 + "/receipts/{code}", public, noBody},

		{"GET", v1 + "/cases", right(alerts.ReadCases), noBody},
		{"GET", v1 + "/cases/counts", right(alerts.ReadCases), noBody},
		{"GET", v1 + "/cases/export", right(alerts.ExportLists), noBody},
		{"GET", v1 + "/cases/{id}", right(alerts.ReadCases), noBody},
		{"GET", v1 + "/cases/{id}/incidents", right(alerts.ReadCases), noBody},
		{"GET", v1 + "/cases/{id}/moves", right(alerts.ReadCases), noBody},
		{"POST", v1 + "/cases/{id}/moves", right(alerts.WorkCases), smallBody},
		{"GET", v1 + "/cases/{id}/comments", right(alerts.ReadCases), noBody},
		{"POST", v1 + "/cases/{id}/comments", right(alerts.WorkCases), smallBody},
		{"GET", v1 + "/cases/{id}/attachments", right(alerts.ReadCases), noBody},
		{"POST", v1 + "/cases/{id}/attachments", right(alerts.WorkCases), attachBody},
		{"GET", v1 + "/attachments/{id}", right(alerts.ReadCases), noBody},
		{"GET", v1 + "/cases/{id}/evidence", right(alerts.ReadCases), noBody},
		{"GET", v1 + "/cases/{id}/evidence/package", right(alerts.ExportClips), noBody},
		{"POST", v1 + "/cases/{id}/clip-requests", right(alerts.RequestClips), smallBody},
		{"GET", v1 + "/cases/{id}/holds", right(alerts.ReadCases), noBody},
		{"POST", v1 + "/holds/{id}/review", right(alerts.ExportClips), smallBody},
		{"POST", v1 + "/exports", right(alerts.ExportClips), smallBody},
		{"GET", v1 + "/exports", right(alerts.ExportClips), noBody},
		{"GET", v1 + "/exports/{id}", right(alerts.ExportClips), noBody},
		{"DELETE", v1 + "/exports/{id}", right(alerts.ExportClips), noBody},
		{"GET", v1 + "/evidence/key", public, noBody},
		{"GET", v1 + "/evidence/{id}/file", right(alerts.ReadCases), noBody},
		{"POST", v1 + "/evidence/{id}/verify", right(alerts.ReadCases), noBody},
		{"POST", v1 + "/evidence/{id}/copy", right(alerts.ExportClips), smallBody},
		{"GET", v1 + "/clip-requests", right(alerts.ReadCases), noBody},
		{"POST", v1 + "/clip-requests/{id}/approval", right(alerts.ApproveClips), smallBody},
		{"POST", v1 + "/clip-requests/{id}/refusal", right(alerts.ApproveClips), smallBody},
		{"GET", v1 + "/points", right(alerts.ReadCases), noBody},
		{"GET", v1 + "/points/months/{month}", right(alerts.ReadCases), noBody},
		{"GET", v1 + "/points/appeals", right(alerts.ReadCases), noBody},
		{"POST", v1 + "/points/appeals", right(alerts.WorkCases), smallBody},
		{"POST", v1 + "/points/appeals/{id}/decision", right(alerts.WorkCases), smallBody},
		{"GET", v1 + "/areas/{id}/shifts", signedIn, noBody},
		{"POST", v1 + "/areas/{id}/shifts", right(alerts.WorkCases), smallBody},
		{"PATCH", v1 + "/shifts/{id}", right(alerts.WorkCases), smallBody},
		{"DELETE", v1 + "/shifts/{id}", right(alerts.WorkCases), noBody},
		{"GET", v1 + "/emergencies", right(alerts.ReadAlerts), noBody},
		{"POST", v1 + "/emergencies", right(alerts.TakeEmergency), smallBody},
		{"GET", v1 + "/emergencies/areas", right(alerts.TakeEmergency), noBody},
		{"GET", v1 + "/emergencies/{id}", right(alerts.ReadAlerts), noBody},
		{"DELETE", v1 + "/emergencies/{id}", right(alerts.TakeEmergency), noBody},
		{"POST", v1 + "/emergencies/{id}/review", right(alerts.TakeEmergency), smallBody},
		{"GET", v1 + "/analysis/brief", right(alerts.ReadCases), noBody},
		{"GET", v1 + "/units/figures", right(alerts.ReadCases), noBody},

		{"POST", v1 + "/hooks/alarms", sourceToken, smallBody},
		{"GET", v1 + "/alerts", right(alerts.ReadAlerts), noBody},
		{"GET", v1 + "/alerts/export", right(alerts.ExportLists), noBody},
		{"GET", v1 + "/sources", right(alerts.ManageSources), noBody},
		{"POST", v1 + "/sources", right(alerts.ManageSources), smallBody},
		{"DELETE", v1 + "/sources/{id}", right(alerts.ManageSources), noBody},

		{"GET", v1 + "/users", right(alerts.ManageUsers), noBody},
		{"POST", v1 + "/users", right(alerts.ManageUsers), smallBody},
		{"PATCH", v1 + "/users/{id}", right(alerts.ManageUsers), smallBody},

		{"GET", v1 + "/tokens", right(alerts.ManageTokens), noBody},
		{"POST", v1 + "/tokens", right(alerts.ManageTokens), smallBody},
		{"DELETE", v1 + "/tokens/{id}", right(alerts.ManageTokens), noBody},
		{"GET", v1 + "/webhooks", right(alerts.ManageTokens), noBody},
		{"POST", v1 + "/webhooks", right(alerts.ManageTokens), smallBody},
		{"PATCH", v1 + "/webhooks/{id}", right(alerts.ManageTokens), smallBody},
		{"DELETE", v1 + "/webhooks/{id}", right(alerts.ManageTokens), noBody},
		{"GET", v1 + "/webhooks/{id}/deliveries", right(alerts.ManageTokens), noBody},
		{"POST", v1 + "/webhooks/{id}/retry", right(alerts.ManageTokens), noBody},

		{"GET", v1 + "/audit", right(alerts.ReadAudit), noBody},
		{"GET", v1 + "/audit/export", right(alerts.ReadAudit), noBody},

		{"GET", v1 + "/live", signedIn, noBody},

		{"GET", "/api/openapi.json", public, noBody},
		{"GET", "/api/docs", public, noBody},
		{"GET", "/api/docs/{file}", public, noBody},
		{"GET", "/healthz", public, noBody},
		{"GET", "/readyz", public, noBody},
		{"GET", "/metrics", public, noBody},
		{"", "/api/", public, noBody}, // what is not there
		{"", "/", public, noBody},     // the dashboard
	}
}
