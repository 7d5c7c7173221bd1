// Package desk holds every use case: scope, rule, commit, publish.
//
// Invariants:
//   - An object is loaded, then checked against the caller's scope, then used.
//     What lies outside the scope is not found.
//   - A change and its events are committed together; events are published
//     after the commit, and what other desks publish is followed.
//   - What this desk has committed is seen by its next call.
//   - Camera credentials are stored sealed and leave only through PullSpecs.
//
// Under load, writes wait in the store's bounded queue; alarms that repeat are
// counted, a critical one is never dropped.
package desk

import (
	"context"
	"time"

	"sharpeyes/alerts"
)

// Defaults.
const (
	DefaultWindow     = 5 * time.Minute // in which an alarm repeats instead of being new
	SnapshotSpan      = 24 * time.Hour  // of incidents and alerts in a snapshot
	SnapshotLimit     = 500             // incidents, and alerts, in a snapshot
	DefaultNearLimit  = 8               // cameras that see a point
	defaultPollPeriod = 5 * time.Second // reads on in case the bus lost something
)

// Vault seals what must not be readable in the store.
type Vault interface {
	Seal(plain []byte) ([]byte, error)
	Open(sealed []byte) ([]byte, error)
}

// Desk is where use cases are called. Set the exported fields before Open.
type Desk struct {
	Clock        alerts.Clock
	Categories   []alerts.Category
	Vault        Vault                         // nil: cameras cannot have credentials
	Health       func(cameraID string) float64 // 0 to 1, for ranking; nil: all 1
	NumberPrefix string                        // before the date in incident numbers, such as "LH-"
	Zone         *time.Location                // of the date in incident numbers; UTC+8 by default
	Window       time.Duration                 // in which an alarm repeats instead of being new

	store alerts.Store
	bus   alerts.Bus
}

// New returns a desk over a store and a bus.
func New(store alerts.Store, bus alerts.Bus) *Desk {
	return &Desk{
		Clock:  time.Now,
		Zone:   time.FixedZone("UTC+8", 8*60*60),
		Window: DefaultWindow,
		store:  store,
		bus:    bus,
	}
}

// Open loads the places and follows what other desks change.
func (d *Desk) Open(ctx context.Context) error { return errStep }

// Close ends the following; it returns when it has ended.
func (d *Desk) Close() error { return nil }

var errStep = alerts.Errorf(alerts.Unavailable, "not there yet")

// Areas lists the areas of the scope, by name.
func (d *Desk) Areas(ctx context.Context, s alerts.Scope) ([]AreaView, error) { return nil, errStep }

// AreasGeoJSON returns a FeatureCollection of the scope's areas.
func (d *Desk) AreasGeoJSON(ctx context.Context, s alerts.Scope) ([]byte, error) {
	return nil, errStep
}

// Home returns the area of an account and the names above it.
func (d *Desk) Home(ctx context.Context, s alerts.Scope, areaID string) (Home, error) {
	return Home{}, errStep
}

// Grids lists the grids of the scope, by name.
func (d *Desk) Grids(ctx context.Context, s alerts.Scope) ([]GridView, error) { return nil, errStep }

// GridsGeoJSON returns a FeatureCollection of the scope's grids.
func (d *Desk) GridsGeoJSON(ctx context.Context, s alerts.Scope) ([]byte, error) {
	return nil, errStep
}

// Cameras lists cameras by name, with the next page's cursor.
func (d *Desk) Cameras(ctx context.Context, s alerts.Scope, f alerts.CameraFilter) ([]CameraView, string, error) {
	return nil, "", errStep
}

// Camera returns one camera.
func (d *Desk) Camera(ctx context.Context, s alerts.Scope, id string) (CameraView, error) {
	return CameraView{}, errStep
}

// CamerasNear ranks the cameras that see a point, best first; limit 0 is
// DefaultNearLimit.
func (d *Desk) CamerasNear(ctx context.Context, s alerts.Scope, p alerts.Point, limit int) ([]SeenCameraView, error) {
	return nil, errStep
}

// CreateCamera makes a camera.
func (d *Desk) CreateCamera(ctx context.Context, s alerts.Scope, in CameraInput) (CameraView, error) {
	return CameraView{}, errStep
}

// ChangeCamera changes a camera.
func (d *Desk) ChangeCamera(ctx context.Context, s alerts.Scope, id string, in CameraPatch) (CameraView, error) {
	return CameraView{}, errStep
}

// RemoveCamera removes a camera.
func (d *Desk) RemoveCamera(ctx context.Context, s alerts.Scope, id string) error { return errStep }

// PullSpecs returns every enabled camera with its opened credentials. It is for
// main alone, never for a request.
func (d *Desk) PullSpecs(ctx context.Context) ([]PullSpec, error) { return nil, errStep }

// PullSpec returns one camera with its opened credentials; NotFound when it is
// gone or disabled. It is for main alone.
func (d *Desk) PullSpec(ctx context.Context, id string) (PullSpec, error) {
	return PullSpec{}, errStep
}

// Report takes in an incident. The same Key of the same user again returns the
// first incident, with replayed true.
func (d *Desk) Report(ctx context.Context, s alerts.Scope, in ReportInput) (v IncidentView, r Receipt, replayed bool, err error) {
	return v, r, false, errStep
}

// Incidents lists incidents, newest first, with the next page's cursor.
// f.ReporterID may only be the caller's own id: it is "mine".
func (d *Desk) Incidents(ctx context.Context, s alerts.Scope, f alerts.IncidentFilter) ([]IncidentView, string, error) {
	return nil, "", errStep
}

// Incident returns one incident.
func (d *Desk) Incident(ctx context.Context, s alerts.Scope, id string) (IncidentView, error) {
	return IncidentView{}, errStep
}

// PhotoOf returns a photo of an incident that the scope covers.
func (d *Desk) PhotoOf(ctx context.Context, s alerts.Scope, photo string) (alerts.Photo, error) {
	return alerts.Photo{}, errStep
}

// Raise takes in an alarm of a source. The same alarm within Window is counted.
func (d *Desk) Raise(ctx context.Context, source alerts.Source, a Alarm) (v AlertView, repeated bool, err error) {
	return v, false, errStep
}

// Alerts lists alerts, newest first, with the next page's cursor.
func (d *Desk) Alerts(ctx context.Context, s alerts.Scope, f alerts.AlertFilter) ([]AlertView, string, error) {
	return nil, "", errStep
}

// Users lists accounts by user name, with the next page's cursor.
func (d *Desk) Users(ctx context.Context, s alerts.Scope, p alerts.Page) ([]UserView, string, error) {
	return nil, "", errStep
}

// CreateUser makes an account.
func (d *Desk) CreateUser(ctx context.Context, s alerts.Scope, in UserInput) (UserView, error) {
	return UserView{}, errStep
}

// ChangeUser changes an account.
func (d *Desk) ChangeUser(ctx context.Context, s alerts.Scope, id string, in UserPatch) (UserView, error) {
	return UserView{}, errStep
}

// Sources lists the sources of alarms.
func (d *Desk) Sources(ctx context.Context, s alerts.Scope) ([]SourceView, error) {
	return nil, errStep
}

// CreateSource makes a source and its token, which is returned this once.
func (d *Desk) CreateSource(ctx context.Context, s alerts.Scope, in SourceInput) (v SourceView, token string, err error) {
	return v, "", errStep
}

// RemoveSource ends a source: its token is refused from now on.
func (d *Desk) RemoveSource(ctx context.Context, s alerts.Scope, id string) error { return errStep }

// SourceByToken returns the source that a token belongs to, Unauthenticated
// where there is none.
func (d *Desk) SourceByToken(ctx context.Context, token string) (alerts.Source, error) {
	return alerts.Source{}, errStep
}

// Snapshot returns what a dashboard starts from, as far as the scope's rights go.
func (d *Desk) Snapshot(ctx context.Context, s alerts.Scope) (Snapshot, error) {
	return Snapshot{}, errStep
}
