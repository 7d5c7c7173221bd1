package desk

import (
	"context"
	"strconv"

	"sharpeyes/alerts"
	"sharpeyes/alerts/geo"
)

// viewFor is a camera as the scope may see it.
func (t *town) viewFor(s alerts.Scope, c alerts.Camera) CameraView {
	if s.Can(alerts.ManageCameras) {
		return t.adminView(c)
	}
	return t.cameraView(c)
}

// Cameras lists cameras by name, with the next page's cursor.
func (d *Desk) Cameras(ctx context.Context, s alerts.Scope, f alerts.CameraFilter) ([]CameraView, string, error) {
	if err := s.Need(alerts.ViewMap); err != nil {
		return nil, "", err
	}
	list, next, err := d.store.Cameras(ctx, s, f)
	if err != nil {
		return nil, "", err
	}
	t := d.known.places()
	out := make([]CameraView, len(list))
	for i, c := range list {
		out[i] = t.viewFor(s, c)
	}
	return out, next, nil
}

// Camera returns one camera.
func (d *Desk) Camera(ctx context.Context, s alerts.Scope, id string) (CameraView, error) {
	if err := s.Need(alerts.ViewMap); err != nil {
		return CameraView{}, err
	}
	c, err := d.store.Camera(ctx, s, id)
	if err != nil {
		return CameraView{}, err
	}
	return d.known.places().viewFor(s, c), nil
}

// CamerasNear ranks the cameras that see a point, best first; limit 0 is
// DefaultNearLimit. Cameras that are switched off are left out.
func (d *Desk) CamerasNear(_ context.Context, s alerts.Scope, p alerts.Point, limit int) ([]SeenCameraView, error) {
	if err := s.Need(alerts.ViewMap); err != nil {
		return nil, err
	}
	if !geo.Valid(p) {
		return nil, alerts.InvalidField("near", "must be lon,lat in degrees, WGS-84")
	}
	switch {
	case limit == 0:
		limit = DefaultNearLimit
	case limit < 0 || limit > MaxNearLimit:
		return nil, alerts.InvalidField("limit", "must be 1 to %d", MaxNearLimit)
	}
	keep := func(c *alerts.Camera) bool { return c.Enabled && s.Covers(c.AreaPath) }
	seen := d.known.index().Near(p, limit, keep, d.Health)
	out := make([]SeenCameraView, 0, len(seen))
	for _, c := range seen {
		// Removed since the index was made: left out.
		if shown, ok := d.known.camera(c.ID); ok {
			out = append(out, SeenCameraView{CameraView: shown.view, Distance: c.Distance, Bearing: c.Bearing, Off: c.Off,
				InView: c.InView, Score: c.Score})
		}
	}
	return out, nil
}

// CreateCamera makes a camera.
func (d *Desk) CreateCamera(ctx context.Context, s alerts.Scope, in CameraInput) (CameraView, error) {
	if err := s.Need(alerts.ManageCameras); err != nil {
		return CameraView{}, err
	}
	cam, login, f := d.cameraOf(in)
	t := d.known.places()
	f.locate(t, s, &cam)
	if err := f.err(); err != nil {
		return CameraView{}, err
	}
	var err error
	if cam.Sealed, err = d.seal(login); err != nil {
		return CameraView{}, err
	}
	err = d.write(ctx, func(c *change) error {
		if _, err := c.saveCamera(t, cam); err != nil {
			return err
		}
		return c.audit(s, alerts.AuditConfig, "camera/"+cam.ID, cam.AreaID, cameraAlteration("create", alerts.Camera{}, cam, len(cam.Sealed) > 0))
	})
	if err != nil {
		return CameraView{}, err
	}
	return d.Camera(ctx, s, cam.ID)
}

// locate checks a camera's area against the scope, finds it by the position
// where none is given, and finds the grid.
func (f *faults) locate(t *town, s alerts.Scope, cam *alerts.Camera) {
	if !geo.Valid(cam.Point) {
		return // told already
	}
	at := t.index.Locate(cam.Point)
	cam.GridID = at.GridID
	if cam.AreaID == "" {
		cam.AreaID = at.AreaID
		if a, ok := t.area(at.AreaID); !ok || !s.Covers(a.Path) {
			f.add("area_id", "the position lies in no area of this account: give the area")
		}
		return
	}
	if a, ok := t.area(cam.AreaID); !ok || !s.Covers(a.Path) {
		f.add("area_id", "there is no such area in this account's areas")
	}
}

// saveCamera stores a camera and tells of it; it returns the camera as stored.
// t names the places in the event.
func (c *change) saveCamera(t *town, cam alerts.Camera) (alerts.Camera, error) {
	cam.UpdatedAt = c.now
	if err := c.SaveCamera(cam); err != nil {
		return cam, err
	}
	cam.Version++
	a, _ := t.area(cam.AreaID)
	cam.AreaPath = a.Path
	return cam, c.emit(alerts.CameraSaved, cam.AreaID, cam.AreaPath, cam.ID, t.cameraView(cam))
}

// ChangeCamera changes a camera.
func (d *Desk) ChangeCamera(ctx context.Context, s alerts.Scope, id string, in CameraPatch) (CameraView, error) {
	if err := s.Need(alerts.ManageCameras); err != nil {
		return CameraView{}, err
	}
	cam, err := d.store.Camera(ctx, s, id)
	if err != nil {
		return CameraView{}, err
	}
	if in.Version != nil && *in.Version != cam.Version {
		return CameraView{}, alerts.Errorf(alerts.Conflict, "camera %s was changed meanwhile: load it again", id)
	}
	stored, before := cam, cam.AreaPath
	var login alerts.Credentials
	if (in.Username == nil) != (in.Password == nil) {
		// Half of them changes: the other half is needed.
		if login, err = d.unseal(cam.Sealed); err != nil {
			return CameraView{}, err
		}
	}
	var f faults
	f.patched(&cam, in, &login)
	t := d.known.places()
	f.locate(t, s, &cam)
	if err := f.err(); err != nil {
		return CameraView{}, err
	}
	resealed := in.Username != nil || in.Password != nil || login != (alerts.Credentials{})
	if resealed {
		if cam.Sealed, err = d.seal(login); err != nil {
			return CameraView{}, err
		}
	}
	err = d.write(ctx, func(c *change) error {
		if a, _ := t.area(cam.AreaID); a.Path != before {
			// Who watches the area it leaves must not keep showing it. Who
			// watches both is told of it again next.
			if err := c.emit(alerts.CameraRemoved, "", before, id, nil); err != nil {
				return err
			}
		}
		if _, err := c.saveCamera(t, cam); err != nil {
			return err
		}
		return c.audit(s, alerts.AuditConfig, "camera/"+id, cam.AreaID, cameraAlteration("change", stored, cam, resealed))
	})
	if err != nil {
		return CameraView{}, err
	}
	return d.Camera(ctx, s, id)
}

// cameraAlteration tells what a change made of a camera. Stream addresses are
// told as changed alone: somebody may have put a password into one.
func cameraAlteration(action string, before, after alerts.Camera, credentials bool) alteration {
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	place := func(p alerts.Point) string {
		if p == (alerts.Point{}) {
			return ""
		}
		return number(p.Lon) + "," + number(p.Lat)
	}
	count := func(n int) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n)
	}
	return altered(action).field("name", before.Name, after.Name).field("area_id", before.AreaID, after.AreaID).
		field("place", place(before.Point), place(after.Point)).
		field("azimuth", number(before.Azimuth), number(after.Azimuth)).field("fov", number(before.FOV), number(after.FOV)).
		field("class", count(int(before.Class)), count(int(after.Class))).field("owner", before.Owner, after.Owner).
		field("purpose", before.Purpose, after.Purpose).field("filing", before.Filing, after.Filing).
		field("retention", count(before.Retention), count(after.Retention)).
		field("mode", string(before.Mode), string(after.Mode)).
		field("record", planWords(before.Record), planWords(after.Record)).
		field("enabled", strconv.FormatBool(before.Enabled), strconv.FormatBool(after.Enabled)).
		secret("main_url", before.MainURL != after.MainURL).secret("sub_url", before.SubURL != after.SubURL).
		secret("credentials", credentials)
}

// RemoveCamera removes a camera.
func (d *Desk) RemoveCamera(ctx context.Context, s alerts.Scope, id string) error {
	if err := s.Need(alerts.ManageCameras); err != nil {
		return err
	}
	return d.write(ctx, func(c *change) error {
		cam, err := c.Camera(ctx, s, id)
		if err != nil {
			return err
		}
		if err := c.RemoveCamera(id); err != nil {
			return err
		}
		if err := c.emit(alerts.CameraRemoved, cam.AreaID, cam.AreaPath, id, nil); err != nil {
			return err
		}
		return c.audit(s, alerts.AuditConfig, "camera/"+id, cam.AreaID, altered("remove").field("name", "", cam.Name))
	})
}

// PullSpecs returns every enabled camera with its opened credentials, and those
// that are switched off. A camera whose credentials cannot be opened is pulled
// without: it will say that its sign-in is refused. It is for main alone, never
// for a request.
func (d *Desk) PullSpecs(ctx context.Context) (on []PullSpec, off []OffCamera, err error) {
	for page := (alerts.Page{Limit: 1000}); ; {
		list, next, err := d.store.Cameras(ctx, alerts.System(), alerts.CameraFilter{Page: page})
		if err != nil {
			return nil, nil, err
		}
		for _, c := range list {
			if c.Enabled {
				on = append(on, d.pullSpec(c))
			} else {
				off = append(off, OffCamera{ID: c.ID, AreaPath: c.AreaPath, Changed: c.UpdatedAt, Recording: recordingOf(c)})
			}
		}
		if page.Cursor = next; next == "" {
			return on, off, nil
		}
	}
}

// PullSpec returns one camera with its opened credentials; NotFound when it is
// gone or disabled. It is for main alone.
func (d *Desk) PullSpec(ctx context.Context, id string) (PullSpec, error) {
	c, err := d.store.Camera(ctx, alerts.System(), id)
	if err != nil {
		return PullSpec{}, err
	}
	if !c.Enabled {
		return PullSpec{}, alerts.Errorf(alerts.NotFound, "camera %s is switched off", id)
	}
	return d.pullSpec(c), nil
}

func (d *Desk) pullSpec(c alerts.Camera) PullSpec {
	login, err := d.unseal(c.Sealed)
	if err != nil {
		login = alerts.Credentials{}
	}
	return PullSpec{ID: c.ID, Name: c.Name, AreaPath: c.AreaPath, MainURL: c.MainURL, SubURL: c.SubURL,
		Transport: c.Transport, Mode: c.Mode, Recording: recordingOf(c), Credentials: login, Version: c.Version}
}
