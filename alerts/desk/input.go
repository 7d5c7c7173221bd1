package desk

import (
	"fmt"
	"log/slog"
	"time"

	"sharpeyes/alerts"
)

// CameraInput is a new camera. Nil and empty optional fields take the defaults
// named in their docs.
type CameraInput struct {
	ID        string             `json:"id,omitempty" doc:"Own identifier, 1 to 64 of letters, digits, dot, dash, underscore; made when absent" example:"cam000"`
	Name      string             `json:"name" doc:"Name" minLength:"1" maxLength:"100"`
	AreaID    string             `json:"area_id,omitempty" doc:"Area it belongs to; found by its position when absent"`
	Lon       float64            `json:"lon" doc:"Longitude in the given system"`
	Lat       float64            `json:"lat" doc:"Latitude in the given system"`
	System    alerts.CoordSystem `json:"system,omitempty" enum:"wgs84,gcj02,bd09" doc:"Coordinate system of lon and lat; wgs84 when absent"`
	Height    float64            `json:"height_m,omitempty" doc:"Metres above ground"`
	Azimuth   float64            `json:"azimuth_deg,omitempty" doc:"Degrees from north, clockwise, 0 to 360"`
	FOV       float64            `json:"fov_deg,omitempty" doc:"Horizontal field of view, 0 to 360; 360 for a dome, 0 unknown"`
	Range     float64            `json:"range_m,omitempty" doc:"Longest useful distance in metres; 0 unknown"`
	Class     alerts.CameraClass `json:"class,omitempty" doc:"1 public (default), 2 important unit, 3 private"`
	Owner     string             `json:"owner,omitempty" doc:"Who owns it" maxLength:"200"`
	Purpose   string             `json:"purpose,omitempty" doc:"What it is for, in writing" maxLength:"500"`
	Filing    string             `json:"filing,omitempty" doc:"Filing number" maxLength:"100"`
	Retention int                `json:"retention_days,omitempty" doc:"Days its recording is kept, 1 to 3650; 30 when absent; at least 30 for class 1"`
	MainURL   string             `json:"main_url" doc:"rtsp:// or rtsps:// address of the main stream; a user name and password in it are taken out and kept encrypted"`
	SubURL    string             `json:"sub_url,omitempty" doc:"rtsp:// or rtsps:// address of the sub stream"`
	Transport string             `json:"transport,omitempty" enum:"tcp,udp" doc:"RTP over TCP (default) or UDP"`
	Mode      alerts.PullMode    `json:"mode,omitempty" enum:"on_demand,always" doc:"When it is pulled; on_demand when absent"`
	Record    *RecordInput       `json:"record,omitempty" doc:"What of it is recorded; nothing when absent"`
	Enabled   *bool              `json:"enabled,omitempty" doc:"False: never pulled; true when absent"`
	Username  string             `json:"username,omitempty" doc:"Name to sign in to the camera; write only" maxLength:"200"`
	Password  string             `json:"password,omitempty" doc:"Password of the camera; write only" maxLength:"200"`
}

// CameraPatch changes a camera; nil fields stay as they are. Lon, Lat go
// together. An empty Username and Password remove the credentials.
type CameraPatch struct {
	Name      *string             `json:"name,omitempty" doc:"Name"`
	AreaID    *string             `json:"area_id,omitempty" doc:"Area it belongs to"`
	Lon       *float64            `json:"lon,omitempty" doc:"Longitude in the given system"`
	Lat       *float64            `json:"lat,omitempty" doc:"Latitude in the given system"`
	System    *alerts.CoordSystem `json:"system,omitempty" enum:"wgs84,gcj02,bd09" doc:"Coordinate system of lon and lat; wgs84 when absent"`
	Height    *float64            `json:"height_m,omitempty" doc:"Metres above ground"`
	Azimuth   *float64            `json:"azimuth_deg,omitempty" doc:"Degrees from north, clockwise"`
	FOV       *float64            `json:"fov_deg,omitempty" doc:"Horizontal field of view"`
	Range     *float64            `json:"range_m,omitempty" doc:"Longest useful distance in metres"`
	Class     *alerts.CameraClass `json:"class,omitempty" doc:"1 public, 2 important unit, 3 private"`
	Owner     *string             `json:"owner,omitempty" doc:"Who owns it"`
	Purpose   *string             `json:"purpose,omitempty" doc:"What it is for"`
	Filing    *string             `json:"filing,omitempty" doc:"Filing number"`
	Retention *int                `json:"retention_days,omitempty" doc:"Days its recording is kept"`
	MainURL   *string             `json:"main_url,omitempty" doc:"Address of the main stream"`
	SubURL    *string             `json:"sub_url,omitempty" doc:"Address of the sub stream; empty: none"`
	Transport *string             `json:"transport,omitempty" enum:"tcp,udp" doc:"RTP over TCP or UDP"`
	Mode      *alerts.PullMode    `json:"mode,omitempty" enum:"on_demand,always" doc:"When it is pulled"`
	Record    *RecordInput        `json:"record,omitempty" doc:"What of it is recorded; fields left out stay"`
	Enabled   *bool               `json:"enabled,omitempty" doc:"False: never pulled"`
	Username  *string             `json:"username,omitempty" doc:"Name to sign in to the camera; write only"`
	Password  *string             `json:"password,omitempty" doc:"Password of the camera; write only"`
	Version   *int64              `json:"version,omitempty" doc:"The version that was changed; another one stored is a conflict"`
}

// ReportInput is a report of an incident. The photos' originals must be kept
// before the call; a replay (same Key) leaves the new copies unused.
type ReportInput struct {
	Category string             `json:"category" doc:"Code of a category" example:"hazard.gas"`
	Text     string             `json:"text" doc:"What happened, 1 to 2000 characters"`
	Lon      float64            `json:"lon" doc:"Longitude in the given system"`
	Lat      float64            `json:"lat" doc:"Latitude in the given system"`
	System   alerts.CoordSystem `json:"system,omitempty" enum:"wgs84,gcj02,bd09" doc:"Coordinate system of lon and lat; wgs84 when absent"`
	Accuracy float64            `json:"accuracy_m,omitempty" doc:"Accuracy of the position in metres; 0 unknown"`
	Address  string             `json:"address,omitempty" doc:"Where, in the reporter's words, at most 200 characters"`
	Direct   bool               `json:"direct,omitempty" doc:"Direct report 直报: major, urgent or sudden"`
	Against  string             `json:"against,omitempty" doc:"Id of the department that is complained about: it does not get the case, and never learns who reported"`
	Channel  alerts.Channel     `json:"channel,omitempty" enum:"walk_in,hotline,resident,system" doc:"The way it came in: walk_in and hotline from officers and machines, resident also from grid leaders, system from machines; the caller's own when absent"`
	AlertID  string             `json:"alert_id,omitempty" doc:"Alarm it is made of, by an officer or a leader who may read alarms: one incident an alarm"`

	Photos []alerts.Photo `json:"-"`
	Key    string         `json:"-"` // Idempotency-Key; empty: none
}

// Alarm is what a source posts. CameraID or Lon and Lat must be given.
type Alarm struct {
	Kind       string             `json:"kind" doc:"Kind, 1 to 64 of a-z 0-9 _ . -" example:"fire"`
	CameraID   string             `json:"camera_id,omitempty" doc:"Camera that saw it; this or lon and lat"`
	Lon        *float64           `json:"lon,omitempty" doc:"Longitude in the given system"`
	Lat        *float64           `json:"lat,omitempty" doc:"Latitude in the given system"`
	System     alerts.CoordSystem `json:"system,omitempty" enum:"wgs84,gcj02,bd09" doc:"Coordinate system of lon and lat; wgs84 when absent"`
	Severity   alerts.Severity    `json:"severity,omitempty" enum:"critical,high,medium,low" doc:"How grave it is; high when absent"`
	Text       string             `json:"text,omitempty" doc:"At most 500 characters"`
	ExternalID string             `json:"external_id,omitempty" doc:"The source's own id of the alarm, at most 128 characters; sent again it is counted once"`
	At         *time.Time         `json:"at,omitempty" doc:"When the source saw it; kept only as a check of its clock, the server's time counts"`
}

// UserInput is a new account. The hash is made by gateway/auth.
type UserInput struct {
	Username     string      `json:"username" doc:"Name to sign in with, 2 to 32 of a-z 0-9 . _ -" example:"li.ming"`
	Name         string      `json:"name" doc:"Name of the person"`
	Role         alerts.Role `json:"role" enum:"duty_officer,grid_leader,handler,leader,auditor,admin" doc:"Role"`
	AreaID       string      `json:"area_id" doc:"Area it acts in, with everything below it"`
	DepartmentID string      `json:"department_id,omitempty" doc:"Department that the account works for; a handler needs one"`
	PasswordHash string      `json:"-"`
}

// UserPatch changes an account; nil fields stay. A change of role, area,
// password or disabled ends the account's sessions.
type UserPatch struct {
	Name         *string      `json:"name,omitempty" doc:"Name of the person"`
	Role         *alerts.Role `json:"role,omitempty" enum:"duty_officer,grid_leader,handler,leader,auditor,admin" doc:"Role"`
	AreaID       *string      `json:"area_id,omitempty" doc:"Area it acts in"`
	DepartmentID *string      `json:"department_id,omitempty" doc:"Department that the account works for; empty: none"`
	Disabled     *bool        `json:"disabled,omitempty" doc:"May not sign in"`
	PasswordHash *string      `json:"-"`
}

// SourceInput is a new source of alarms.
type SourceInput struct {
	Name   string `json:"name" doc:"Name, 1 to 100 characters"`
	AreaID string `json:"area_id" doc:"Area its alarms must lie in"`
}

// ImportResult tells what an import did.
type ImportResult struct {
	Imported int            `json:"imported" doc:"Rows or features stored"`
	Warnings []alerts.Fault `json:"warnings" doc:"What was stored and should be looked at"`
}

// PullSpec is what main needs to pull a camera. It carries the opened
// credentials: printing it shows none.
type PullSpec struct {
	ID, Name        string
	AreaPath        string
	MainURL, SubURL string // SubURL empty: no sub stream
	Transport       string
	Mode            alerts.PullMode
	Recording
	Credentials alerts.Credentials
	Version     int64
}

// OffCamera is a camera that is switched off.
type OffCamera struct {
	ID, AreaPath string
	Changed      time.Time // the camera, for the last time
	Recording
}

// Recording is what the recorder needs to know of a camera.
type Recording struct {
	Record    alerts.RecordPlan
	Class     alerts.CameraClass
	Retention int // days
}

// Format keeps credentials out of logs and errors.
func (p PullSpec) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "camera %s", p.ID) }

// LogValue keeps credentials out of logs.
func (p PullSpec) LogValue() slog.Value { return slog.StringValue("camera " + p.ID) }
