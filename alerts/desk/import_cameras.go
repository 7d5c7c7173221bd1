package desk

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"sharpeyes/alerts"
)

// ImportCameras stores the cameras of a CSV or GeoJSON document, all or none.
// Cameras with an id that is known are changed: a column that the file lacks
// keeps what is stored, so does an empty user name, password, address of the
// main stream or area.
func (d *Desk) ImportCameras(ctx context.Context, s alerts.Scope, r io.Reader, format string, system alerts.CoordSystem) (ImportResult, error) {
	f, err := begin(s, alerts.ManageCameras, format, system, formatCSV, formatGeoJSON)
	if err != nil {
		return ImportResult{}, err
	}
	t, seq, err := d.settled(ctx)
	if err != nil {
		return ImportResult{}, err
	}
	stored, err := d.storedCameras(ctx)
	if err != nil {
		return ImportResult{}, err
	}
	var log importLog
	m := &cameraMerge{desk: d, town: t, scope: s, log: &log, system: system, stored: stored, rowOf: make(map[string]int)}
	if f == formatCSV {
		err = readCameraSheet(r, &log, func(row *cameraRow) error { return firstError(ctx.Err(), m.add(row)) })
	} else {
		err = readCameraFeatures(ctx, r, &log, m.add)
	}
	if err != nil {
		return ImportResult{}, err
	}
	if len(m.rowOf) == 0 && !log.faulty() {
		log.fault(0, "", "the file has no camera; nothing was imported")
	}
	if err := log.err(); err != nil {
		return ImportResult{}, err
	}
	return log.result(len(m.rowOf)), d.saveCameras(ctx, m, seq)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *Desk) storedCameras(ctx context.Context) (map[string]alerts.Camera, error) {
	out := make(map[string]alerts.Camera)
	for page := (alerts.Page{Limit: 1000}); ; {
		list, next, err := d.store.Cameras(ctx, alerts.System(), alerts.CameraFilter{Page: page})
		if err != nil {
			return nil, err
		}
		for _, c := range list {
			out[c.ID] = c
		}
		if page.Cursor = next; next == "" {
			return out, nil
		}
	}
}

func (d *Desk) saveCameras(ctx context.Context, m *cameraMerge, seq int64) error {
	if len(m.changed) == 0 {
		return nil
	}
	return d.write(ctx, func(c *change) error {
		if err := c.unmoved(ctx, seq); err != nil {
			return err
		}
		ids := make([]string, len(m.changed))
		for n, cam := range m.changed {
			ids[n] = cam.ID
			before := m.stored[cam.ID].AreaPath
			saved, err := c.saveCamera(m.town, cam)
			if err != nil {
				return fmt.Errorf("desk: import camera %s: %w", cam.ID, err)
			}
			if before == "" || before == saved.AreaPath {
				continue
			}
			// Who watches the area it has left must not keep showing it.
			if err := c.emit(alerts.CameraRemoved, "", before, cam.ID, nil); err != nil {
				return err
			}
		}
		return c.auditImport(m.scope, "cameras", ids)
	})
}

// cameraMerge makes cameras of rows.
type cameraMerge struct {
	desk    *Desk
	town    *town
	scope   alerts.Scope
	log     *importLog
	system  alerts.CoordSystem
	stored  map[string]alerts.Camera
	rowOf   map[string]int // by id
	changed []alerts.Camera
}

// add takes one row; its error is for what is no fault of the row.
func (m *cameraMerge) add(row *cameraRow) error {
	id := row.cells[colID]
	if first, twice := m.rowOf[id]; twice && id != "" {
		m.log.fault(row.row, "id", "%q is also the id of row %d; ids must differ", shown(id), first)
		return nil
	}
	old, known := m.stored[id]
	if known && !m.scope.Covers(old.AreaPath) {
		m.log.fault(row.row, "id", "%q is taken by a camera outside this account's areas; choose another", id)
		return nil
	}
	var cam alerts.Camera
	var found faults
	var err error
	if known {
		cam, found, err = m.change(old, row)
	} else {
		cam, found, err = m.make(row)
	}
	if err != nil {
		return err
	}
	nowhere := slices.ContainsFunc(found, func(f alerts.Fault) bool { return f.Field == "lon" || f.Field == "lat" })
	if cam.AreaID != "" || !nowhere {
		found.locate(m.town, m.scope, &cam)
	}
	m.log.takeAll(row.row, found)
	m.rowOf[cam.ID] = row.row
	if len(found) > 0 || m.log.faulty() {
		return nil
	}
	for _, w := range m.town.positionWarnings(cam) {
		m.log.warn(row.row, w.Field, "%s", w.Message)
	}
	if !known || !sameCamera(old, cam) {
		m.changed = append(m.changed, cam)
	}
	return nil
}

func sameCamera(old, cam alerts.Camera) bool {
	cam.AreaPath = old.AreaPath // its area is compared
	return reflect.DeepEqual(old, cam)
}

// make makes a new camera.
func (m *cameraMerge) make(row *cameraRow) (alerts.Camera, faults, error) {
	v := rowReader{row: row}
	in := CameraInput{ID: row.cells[colID], Name: row.cells[colName], AreaID: row.cells[colArea], System: m.system,
		Lon: v.degrees(colLon), Lat: v.degrees(colLat), Height: v.number(colHeight), Azimuth: v.number(colAzimuth),
		FOV: v.number(colFOV), Range: v.number(colRange), Class: v.class(), Owner: row.cells[colOwner],
		Purpose: row.cells[colPurpose], Filing: row.cells[colFiling], Retention: v.whole(colRetention),
		MainURL: row.cells[colMain], SubURL: row.cells[colSub], Transport: strings.ToLower(row.cells[colTransport]), Mode: v.mode(),
		Record: v.record(), Username: row.cells[colUsername], Password: row.cells[colPassword]}
	cam, login, found := m.desk.cameraOf(in)
	found = v.with(found)
	if len(found) > 0 {
		return cam, found, nil
	}
	var err error
	cam.Sealed, err = m.desk.seal(login)
	return cam, found, err
}

// change changes a camera that is known.
func (m *cameraMerge) change(cam alerts.Camera, row *cameraRow) (alerts.Camera, faults, error) {
	v := rowReader{row: row}
	cam.Sealed = slices.Clone(cam.Sealed)
	in := m.patch(&v)
	if in.Lon != nil && in.Lat != nil && m.system == alerts.WGS84 && samePlace(cam.Point, alerts.Point{Lon: *in.Lon, Lat: *in.Lat}) {
		// An export that comes back: what was given once, and in which system, stays.
		in.Lon, in.Lat, in.System = nil, nil, nil
	}
	var login alerts.Credentials
	var found faults
	var err error
	if in.Username != nil != (in.Password != nil) {
		if login, err = m.desk.unseal(cam.Sealed); err != nil {
			found.add("password", "the one that is kept cannot be opened; give both user name and password")
		}
	}
	found.patched(&cam, in, &login)
	found = v.with(found)
	if len(found) > 0 || login == (alerts.Credentials{}) {
		return cam, found, nil
	}
	if kept, err := m.desk.unseal(cam.Sealed); err == nil && kept == login {
		return cam, found, nil // sealed anew it would look changed
	}
	cam.Sealed, err = m.desk.seal(login)
	return cam, found, err
}

// patch is what a row changes of a camera that is known.
func (m *cameraMerge) patch(v *rowReader) CameraPatch {
	row := v.row
	var in CameraPatch
	text := func(to **string, c column, keepEmpty bool) {
		if row.given[c] && (row.cells[c] != "" || !keepEmpty) {
			s := row.cells[c]
			*to = &s
		}
	}
	text(&in.Name, colName, false)
	text(&in.AreaID, colArea, true)
	text(&in.Owner, colOwner, false)
	text(&in.Purpose, colPurpose, false)
	text(&in.Filing, colFiling, false)
	text(&in.MainURL, colMain, true)
	text(&in.SubURL, colSub, false)
	text(&in.Username, colUsername, true)
	text(&in.Password, colPassword, true)
	number := func(to **float64, c column) {
		if row.given[c] {
			n := v.number(c)
			*to = &n
		}
	}
	number(&in.Height, colHeight)
	number(&in.Azimuth, colAzimuth)
	number(&in.FOV, colFOV)
	number(&in.Range, colRange)
	if row.has(colLon) || row.has(colLat) {
		lon, lat, system := v.degrees(colLon), v.degrees(colLat), m.system
		in.Lon, in.Lat, in.System = &lon, &lat, &system
	}
	if row.has(colClass) {
		class := v.class()
		in.Class = &class
	}
	if row.has(colRetention) {
		days := v.whole(colRetention)
		in.Retention = &days
	}
	if row.has(colMode) {
		mode := v.mode()
		in.Mode = &mode
	}
	if row.has(colTransport) {
		transport := strings.ToLower(row.cells[colTransport])
		in.Transport = &transport
	}
	in.Record = v.record()
	return in
}
