// Package api is the gateway's HTTP: JSON, GeoJSON, uploads, WHEP, webhooks, the
// dashboard's files and what operators need.
//
// Invariants:
//   - Every route has a row in the route table (routes.go) that says who may
//     call it; a route without one does not start. Which objects somebody may
//     see is decided by desk, from the Scope that is handed on.
//   - Every error is a problem document (problem.go); causes are in the log
//     alone.
//   - Bodies, pages, uploads at once and viewers are bounded.
//   - A viewer of video ends when its session or right does, and so does a
//     playback, with what it is sending.
//
// Under load requests wait in the store's and the photos' own queues; what has
// a bound here is refused with 429.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
	"sharpeyes/gateway/auth"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"
)

// Deps is what the API is made of. Desk, Auth and Photos are needed; without
// Live, Video, Stills, Recordings, Dashboard or BaseMap their routes answer 503 or 404.
type Deps struct {
	Desk       *desk.Desk
	Auth       *auth.Auth
	Photos     Photos
	Video      Video
	Stills     Stills
	Recordings Recordings
	Live       func(http.ResponseWriter, *http.Request) error // the WebSocket; an error is from before its upgrade
	Status     func(cameraID string) CameraStatus             // nil: every camera is idle
	BaseMap    []byte                                         // GeoJSON
	Dashboard  fs.FS                                          // index.html and its assets
	Ready      func(context.Context) error                    // nil: ready
	Metrics    *prometheus.Registry                           // figures of the whole, for anybody; nil: one of its own
	Figures    prometheus.Gatherer                            // figures that name cameras, for operators; nil: none
	Log        *slog.Logger                                   // nil: none
	Clock      alerts.Clock                                   // nil: time.Now
	Version    string

	MetricsToken    string         // lets an operator read all figures; empty: none does
	MetricsNetworks []netip.Prefix // operators in these need no token
}

// API is the handler of everything.
type API struct {
	desk   *desk.Desk
	auth   *auth.Auth
	photos Photos
	deps   Deps
	log    *slog.Logger

	mux         *gatedMux
	huma        huma.API
	document    []byte // OpenAPI
	crossOrigin *http.CrossOriginProtection
	metrics     *metrics
	baseMap     *document
	documents   *documents
	static      *static
	uploads     *uploads
	imports     chan struct{}
	exports     exports
	packages    chan struct{} // holds one for each that is being sent
	receipts    *pace
	viewers     *viewers
	playbacks   *playbacks
}

// New returns the API. Close it after the server that serves it.
func New(d Deps) (*API, error) {
	if d.Desk == nil || d.Auth == nil || d.Photos == nil {
		return nil, errors.New("api: Desk, Auth and Photos are needed")
	}
	return build(d)
}

func build(d Deps) (*API, error) {
	useProblems()
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Metrics == nil {
		d.Metrics = prometheus.NewRegistry()
	}
	if d.Status == nil {
		d.Status = func(id string) CameraStatus { return CameraStatus{ID: id, StreamStatus: StreamStatus{State: "idle"}} }
	}
	a := &API{
		desk: d.Desk, auth: d.Auth, photos: d.Photos, deps: d, log: d.Log,
		crossOrigin: http.NewCrossOriginProtection(),
		documents:   newDocuments(),
		uploads:     newUploads(),
		imports:     make(chan struct{}, importsAtOnce),
		exports:     exports{slots: make(chan struct{}, exportsAtOnce), rows: exportRows},
		packages:    make(chan struct{}, packagesAtOnce),
		receipts:    newPace(),
	}
	a.viewers = newViewers(a, d.Clock)
	a.playbacks = newPlaybacks(a, a.viewers.clock)
	a.baseMap = newDocument(d.BaseMap)
	var err error
	if a.static, err = newStatic(d.Dashboard); err != nil {
		return nil, err
	}
	if a.metrics, err = newMetrics(d.Metrics, a.viewers.gauge); err != nil {
		return nil, err
	}
	a.mux = newGatedMux(a)
	a.huma = humago.New(a.mux, humaConfig(d.Version))
	a.register()
	if a.document, err = json.Marshal(a.huma.OpenAPI()); err != nil {
		return nil, fmt.Errorf("api: write OpenAPI: %w", err)
	}
	return a, nil
}

// OpenAPI returns the OpenAPI 3.1 document, without a running gateway.
func OpenAPI(version string) ([]byte, error) {
	a, err := build(Deps{Version: version})
	if err != nil {
		return nil, err
	}
	return json.MarshalIndent(a.huma.OpenAPI(), "", "  ")
}

func humaConfig(version string) huma.Config {
	c := huma.DefaultConfig("Sharp Eyes gateway", version)
	c.Info.Description = "Cameras, incidents and alarms of a town's grids (网格). Sign in with POST /api/v1/session, " +
		"which sets a cookie; alarm sources and machines send a bearer token. Errors are RFC 9457 problem documents. Lists come in " +
		"pages: pass next_cursor as cursor."
	// The document and the page to try it are our own routes, which need no
	// other site; answers carry no $schema links.
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.CreateHooks = nil
	c.RejectUnknownQueryParameters = true
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session": {Type: "apiKey", In: "cookie", Name: auth.CookieName},
		"source":  {Type: "http", Scheme: "bearer"},
		"token":   {Type: "http", Scheme: "bearer"},
	}
	return c
}

// register puts every handler behind its row.
func (a *API) register() {
	a.registerSession()
	a.registerOIDC()
	a.registerPlaces()
	a.registerCameras()
	a.registerIncidents()
	a.registerAlerts()
	a.registerUsers()
	a.registerDepartments()
	a.registerPosts()
	a.registerRegisters()
	a.registerStructure()
	a.registerRules()
	a.registerAudit()
	a.registerTokens()
	a.registerWebhooks()
	a.registerImports()
	a.registerExports()
	a.registerCases()
	a.registerEvidence()
	a.registerNotes()
	a.registerReceipts()
	a.registerFigures()
	a.registerPoints()
	a.registerBrief()
	a.registerShifts()
	a.registerEmergencies()
	a.registerVideo()
	a.registerStills()
	a.registerRecordings()
	a.registerOperations()
}

// liveMessages describes the socket's messages, which OpenAPI has no words for.
const liveMessages = " Messages are JSON objects with a `type`. From here: `hello` {seq, resumed, server_time, tick_s}; " +
	"`snapshot` {part, parts, seq, cameras, incidents, alerts}; `events` {items}; `status` {items: CameraStatus}, all after hello, " +
	"then those whose state changed, at most once a second; `figures` {at, items}, once a second, for the cameras that were asked for; " +
	"`tick` {seq, server_time} each tick_s. A camera that is live and not stale has had a frame within 2 seconds; of others " +
	"last_frame_at is their last one. From the client: {\"type\":\"figures\",\"ids\":[...]}, at most 64 cameras, instead of those " +
	"asked for before; cameras outside the scope are left out. Figures are {id, state, frame_age_ms, stale, fps, kbps, key_interval_s, " +
	"lost, discarded, reconnects, viewers, degraded} and, with a sub stream, profiles: the same of each with its profile. " +
	"Closes with 4401 session ended, 4403 rights or area changed, 4408 too slow (resume with since), 1007 or 1008 for a message that cannot be taken."

// registerOperations puts up what is no part of the documented API.
func (a *API) registerOperations() {
	m := a.mux
	live := a.operation("GET", "/api/v1/live", "live", "Live",
		"WebSocket: a snapshot by scope, then changes as they happen")
	live.Parameters = []*huma.Param{{Name: "since", In: "query", Description: "seq of the last message seen: go on from there",
		Schema: &huma.Schema{Type: "integer"}}}
	live.Description += liveMessages
	live.Responses = map[string]*huma.Response{"101": {Description: "Switched to the WebSocket protocol"}}
	a.handlePlain(live, func(w http.ResponseWriter, r *http.Request) error {
		if a.deps.Live == nil {
			return alerts.Errorf(alerts.Unavailable, "live updates are not switched on here")
		}
		return a.deps.Live(w, r)
	})
	m.plain("GET /healthz", func(w http.ResponseWriter, _ *http.Request) error {
		return writeText(w, "ok\n")
	})
	m.plain("GET /readyz", a.ready)
	a.registerMetrics()
	a.registerDocs()
	m.plain("/api/", a.notFound)
	m.plain("/", a.static.serve)
}

// readyWithin bounds the look at whether we are ready: who asks gives up, too.
const readyWithin = 2 * time.Second

// ready tells whether requests can be answered. Why not is said as far as the
// cause is one of our own errors; what a library says is for the log.
func (a *API) ready(w http.ResponseWriter, r *http.Request) error {
	if a.deps.Ready != nil {
		ctx, cancel := context.WithTimeout(r.Context(), readyWithin)
		defer cancel()
		if err := a.deps.Ready(ctx); err != nil {
			var known *alerts.Error
			if errors.As(err, &known) && known.Message != "" {
				return &alerts.Error{Kind: alerts.Unavailable, Message: "not ready: " + known.Message, Err: err}
			}
			return &alerts.Error{Kind: alerts.Unavailable, Message: "not ready", Err: err}
		}
	}
	return writeText(w, "ready\n")
}

func writeText(w http.ResponseWriter, text string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, err := w.Write([]byte(text))
	return err
}

// ServeHTTP serves everything.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.serve(w, r) }

// Close ends every playback and viewer and returns when they have ended.
func (a *API) Close() {
	a.playbacks.close()
	a.viewers.close()
}
