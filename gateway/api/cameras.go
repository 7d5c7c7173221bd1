package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
)

// CameraStatus is what is known of a camera's picture: of its main stream, or of
// the sub stream where only that is pulled.
type CameraStatus struct {
	ID string `json:"id" doc:"Identifier of the camera"`
	StreamStatus
	Profiles []ProfileStatus `json:"profiles,omitempty" doc:"Each stream by itself, where the camera has a sub stream"`
}

// ProfileStatus is what is known of one of a camera's streams.
type ProfileStatus struct {
	Profile string `json:"profile" enum:"main,sub" doc:"Which stream"`
	StreamStatus
}

// StreamStatus is what is known of a picture. Figures that are zero are absent.
type StreamStatus struct {
	State       string     `json:"state" enum:"idle,connecting,live,refused,unreachable,silent,disabled" doc:"State"`
	Reason      string     `json:"reason" enum:",sign_in_refused,not_found,no_route,connection_refused,timeout,no_data,no_key_frame,closed_by_camera,unsupported_codec,bad_stream,address_not_allowed,no_viewers" doc:"Why"`
	Detail      string     `json:"detail,omitempty" doc:"Why, in plain English"`
	Since       time.Time  `json:"since" doc:"When the state began"`
	LastFrameAt *time.Time `json:"last_frame_at,omitempty" doc:"When the last frame came"`
	FrameAge    *int64     `json:"frame_age_ms,omitempty" doc:"Milliseconds since the last frame came, when this was made"`
	Stale       bool       `json:"stale,omitempty" doc:"Live, but no new frame has come for 2 seconds"`
	LastKeyAt   *time.Time `json:"last_key_at,omitempty" doc:"When the last key frame came"`
	RetryAt     *time.Time `json:"retry_at,omitempty" doc:"When it is tried again"`
	FPS         float64    `json:"fps,omitempty" doc:"Frames a second"`
	Kbps        float64    `json:"kbps,omitempty" doc:"Kilobits a second"`
	Width       int        `json:"width,omitempty" doc:"Pixels"`
	Height      int        `json:"height,omitempty" doc:"Pixels"`
	Codec       string     `json:"codec,omitempty" doc:"Video codec"`
	KeyInterval float64    `json:"key_interval_s,omitempty" doc:"Seconds between key frames"`
	Lost        int64      `json:"lost,omitempty" doc:"Packets lost from the camera"`
	Discarded   int64      `json:"discarded,omitempty" doc:"Frames that were broken, too large, or came before a key frame"`
	Reconnects  int64      `json:"reconnects,omitempty" doc:"Times it was connected again"`
	Viewers     int        `json:"viewers,omitempty" doc:"Viewers at the moment"`
	BFrames     bool       `json:"b_frames,omitempty" doc:"The camera sends B-frames"`
	Degraded    bool       `json:"degraded,omitempty" doc:"Packets were lost lately"`
	ClockOffset *int64     `json:"clock_offset_ms,omitempty" doc:"By how many milliseconds the camera's clock is ahead of the server's, as it said last; absent: it does not say"`

	Recording *RecordingStatus `json:"recording,omitempty" doc:"What the recorder does with it; absent where it is not to be recorded. Of a camera with several streams as a whole: of the first that is not recorded as it should be"`
}

// RecordingStatus is what the recorder does with a stream.
type RecordingStatus struct {
	On        bool       `json:"on" doc:"It is being written"`
	Cause     string     `json:"cause,omitempty" enum:",offline,disk,behind,clock,stopped,broken" doc:"Why not: the camera sends nothing, it cannot be written, the recorder does not keep up, the server's clock was set, it is not the time for it, the camera's time stamps are of no use"`
	Since     time.Time  `json:"since" doc:"Since when"`
	LastWrite *time.Time `json:"last_write_at,omitempty" doc:"When the last pictures came to the disk; absent: none since the start"`
}

// Camera is a camera with its state and, in answers to near, how well it sees
// the point.
type Camera struct {
	desk.CameraView
	Status   CameraStatus `json:"status" doc:"State of its picture"`
	Distance *float64     `json:"distance_m,omitempty" doc:"Metres from the camera to the point; with near only"`
	Bearing  *float64     `json:"bearing_deg,omitempty" doc:"Degrees from north, camera to point; with near only"`
	Off      *float64     `json:"off_deg,omitempty" doc:"Degrees between the camera's axis and the point; with near only"`
	InView   *bool        `json:"in_view,omitempty" doc:"The point lies inside the view cone; with near only"`
	Score    *float64     `json:"score,omitempty" doc:"0 to 1, higher is better; with near only"`
}

type cameraOut struct{ Body Camera }

// CamerasQuery narrows the list of cameras.
type CamerasQuery struct {
	Text   string `query:"q" maxLength:"100" doc:"Part of the name or the identifier"`
	Area   string `query:"area" maxLength:"64" doc:"Area, with everything below it"`
	Grid   string `query:"grid" maxLength:"64" doc:"Grid"`
	Near   string `query:"near" maxLength:"64" doc:"lon,lat in WGS-84: rank the cameras that see this point, best first; without the other filters and without pages" example:"118.5,32.1"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" doc:"Most items to return; 100, with near 8, when absent"`
	Cursor string `query:"cursor" maxLength:"512" doc:"next_cursor of the page before"`
}

func (a *API) camera(v desk.CameraView) Camera {
	return Camera{CameraView: v, Status: a.deps.Status(v.ID)}
}

func (a *API) registerCameras() {
	const tag, path = "Cameras", "/api/v1/cameras"
	handle(a, a.operation("GET", path, "cameras", tag, "Cameras by name, or those that see a point"), a.listCameras)
	handle(a, a.operation("GET", path+"/{id}", "camera", tag, "One camera"),
		func(ctx context.Context, in *ByID) (*cameraOut, error) {
			v, err := a.desk.Camera(ctx, scopeOf(ctx), in.ID)
			return &cameraOut{a.camera(v)}, err
		})
	create := a.operation("POST", path, "create-camera", tag, "Make a camera")
	create.DefaultStatus = http.StatusCreated
	handle(a, create, func(ctx context.Context, in *struct{ Body desk.CameraInput }) (*cameraOut, error) {
		v, err := a.desk.CreateCamera(ctx, scopeOf(ctx), in.Body)
		return &cameraOut{a.camera(v)}, err
	})
	handle(a, a.operation("PATCH", path+"/{id}", "change-camera", tag, "Change a camera; fields left out stay"),
		func(ctx context.Context, in *struct {
			ByID
			Body desk.CameraPatch
		}) (*cameraOut, error) {
			v, err := a.desk.ChangeCamera(ctx, scopeOf(ctx), in.ID, in.Body)
			return &cameraOut{a.camera(v)}, err
		})
	remove := a.operation("DELETE", path+"/{id}", "remove-camera", tag, "Remove a camera")
	remove.DefaultStatus = http.StatusNoContent
	handle(a, remove, func(ctx context.Context, in *ByID) (*none, error) {
		return nil, a.desk.RemoveCamera(ctx, scopeOf(ctx), in.ID)
	})
}

func (a *API) listCameras(ctx context.Context, in *CamerasQuery) (*listOut[Camera], error) {
	if in.Near != "" {
		return a.camerasNear(ctx, in)
	}
	limit := in.Limit
	if limit == 0 {
		limit = defaultLimit
	}
	views, next, err := a.desk.Cameras(ctx, scopeOf(ctx), alerts.CameraFilter{Text: in.Text, AreaID: in.Area,
		GridID: in.Grid, Page: alerts.Page{Limit: limit, Cursor: in.Cursor}})
	items := make([]Camera, 0, len(views))
	for _, v := range views {
		items = append(items, a.camera(v))
	}
	return listOf(items, next), err
}

const defaultLimit = 100

func (a *API) camerasNear(ctx context.Context, in *CamerasQuery) (*listOut[Camera], error) {
	if in.Text != "" || in.Area != "" || in.Grid != "" || in.Cursor != "" {
		return nil, alerts.InvalidField("near", "goes with limit alone; leave out q, area, grid and cursor")
	}
	point, err := parseNear(in.Near)
	if err != nil {
		return nil, err
	}
	seen, err := a.desk.CamerasNear(ctx, scopeOf(ctx), point, in.Limit)
	items := make([]Camera, 0, len(seen))
	for _, s := range seen {
		c := a.camera(s.CameraView)
		c.Distance, c.Bearing, c.Off, c.InView, c.Score = &s.Distance, &s.Bearing, &s.Off, &s.InView, &s.Score
		items = append(items, c)
	}
	return listOf(items, ""), err
}

// parseNear reads "lon,lat".
func parseNear(s string) (alerts.Point, error) {
	bad := alerts.InvalidField("near", "must be lon,lat in degrees, such as 118.5,32.1")
	lon, lat, ok := strings.Cut(s, ",")
	if !ok {
		return alerts.Point{}, bad
	}
	x, err1 := strconv.ParseFloat(strings.TrimSpace(lon), 64)
	y, err2 := strconv.ParseFloat(strings.TrimSpace(lat), 64)
	// The comparison is false for NaN, too.
	if err1 != nil || err2 != nil || !(x >= -180 && x <= 180 && y >= -90 && y <= 90) {
		return alerts.Point{}, bad
	}
	return alerts.Point{Lon: x, Lat: y}, nil
}
