package desk

import (
	"time"

	"sharpeyes/alerts"
)

// The views are what leaves the process as JSON: the API's answers and the Data
// of events. Field names are the API's contract. Times are UTC, to the
// millisecond; positions WGS-84.

// AreaView is an area (行政区划) without its shape.
type AreaView struct {
	ID       string       `json:"id" doc:"Identifier" example:"liuhe"`
	ParentID string       `json:"parent_id,omitempty" doc:"The area it is part of; absent for a root"`
	Name     string       `json:"name" doc:"Chinese name"`
	NameEn   string       `json:"name_en,omitempty" doc:"English name"`
	Level    alerts.Level `json:"level" enum:"city,county,township,village" doc:"Level of the area and of its centre"`
	Code     string       `json:"code,omitempty" doc:"12-digit code: 2 province, 2 prefecture, 2 county, 3 township, 3 village" example:"990101002003"`
	Center   [2]float64   `json:"center" doc:"Longitude and latitude of a point in its middle"`
}

// AreaRef names an area.
type AreaRef struct {
	ID     string `json:"id" doc:"Identifier"`
	Name   string `json:"name" doc:"Chinese name"`
	NameEn string `json:"name_en,omitempty" doc:"English name"`
}

// Home is the area an account works in.
type Home struct {
	Area  HomeArea  `json:"area" doc:"The account's area"`
	Trail []AreaRef `json:"trail" doc:"From the root down to the account's area"`
}

// HomeArea is the area of an account with what a map needs to show it.
type HomeArea struct {
	ID     string       `json:"id" doc:"Identifier"`
	Name   string       `json:"name" doc:"Chinese name"`
	NameEn string       `json:"name_en,omitempty" doc:"English name"`
	Level  alerts.Level `json:"level" enum:"city,county,township,village" doc:"Level"`
	Center [2]float64   `json:"center" doc:"Longitude and latitude"`
	BBox   [4]float64   `json:"bbox" doc:"West, south, east, north"`
}

// GridView is a grid (网格) without its shape.
type GridView struct {
	ID               string          `json:"id" doc:"Identifier"`
	Name             string          `json:"name" doc:"Name"`
	AreaID           string          `json:"area_id" doc:"The village or community it is part of"`
	AreaName         string          `json:"area_name" doc:"Name of that area"`
	Kind             alerts.GridKind `json:"kind" enum:"street,yard,unit,rural" doc:"Kind: street 街巷型, yard 楼院型, unit 单位型, rural 农村"`
	Households       int             `json:"households" doc:"Households in the grid"`
	Code             string          `json:"code,omitempty" doc:"Code"`
	HouseholdWarning string          `json:"household_warning,omitempty" enum:"below,above" doc:"Set when the households lie outside the rule's bounds"`
	Center           [2]float64      `json:"center" doc:"Longitude and latitude of a point in its middle"`
}

// Given is a position as somebody gave it.
type Given struct {
	Lon    float64            `json:"lon" doc:"Longitude as given"`
	Lat    float64            `json:"lat" doc:"Latitude as given"`
	System alerts.CoordSystem `json:"system" enum:"wgs84,gcj02,bd09" doc:"Coordinate system it was given in"`
}

// CameraView is a camera. The fields after Version are filled for those who may
// manage cameras, and never in events. Credentials are shown to nobody.
type CameraView struct {
	ID        string             `json:"id" doc:"Identifier" example:"cam000"`
	Name      string             `json:"name" doc:"Name"`
	AreaID    string             `json:"area_id" doc:"Area it belongs to"`
	AreaName  string             `json:"area_name" doc:"Name of that area"`
	GridID    string             `json:"grid_id,omitempty" doc:"Grid it stands in"`
	GridName  string             `json:"grid_name,omitempty" doc:"Name of that grid"`
	Lon       float64            `json:"lon" doc:"Longitude, WGS-84"`
	Lat       float64            `json:"lat" doc:"Latitude, WGS-84"`
	Height    float64            `json:"height_m" doc:"Metres above ground"`
	Azimuth   float64            `json:"azimuth_deg" doc:"Degrees from north, clockwise"`
	FOV       float64            `json:"fov_deg" doc:"Horizontal field of view; 360 for a dome, 0 unknown"`
	Range     float64            `json:"range_m" doc:"Longest useful distance in metres; 0 unknown"`
	Class     alerts.CameraClass `json:"class" minimum:"1" maximum:"3" doc:"1 public 一类, 2 important unit 二类, 3 private 三类"`
	Owner     string             `json:"owner,omitempty" doc:"Who owns it"`
	Purpose   string             `json:"purpose,omitempty" doc:"What it is for, in writing"`
	Filing    string             `json:"filing,omitempty" doc:"Filing number 备案号"`
	Retention int                `json:"retention_days" doc:"Days its recording is kept"`
	Main      bool               `json:"main" doc:"Has a main stream"`
	Sub       bool               `json:"sub" doc:"Has a sub stream"`
	Mode      alerts.PullMode    `json:"mode" enum:"on_demand,always" doc:"When its stream is pulled"`
	Record    RecordView         `json:"record" doc:"What of it is recorded; what is recorded is pulled"`
	Enabled   bool               `json:"enabled" doc:"False: never pulled"`
	Version   int64              `json:"version" doc:"Counts its changes"`

	MainURL        string         `json:"main_url,omitempty" doc:"Address of the main stream, without credentials; manage_cameras only"`
	SubURL         string         `json:"sub_url,omitempty" doc:"Address of the sub stream, without credentials; manage_cameras only"`
	Transport      string         `json:"transport,omitempty" enum:"tcp,udp" doc:"RTP over TCP or UDP; manage_cameras only"`
	HasCredentials *bool          `json:"has_credentials,omitempty" doc:"Whether a user name and password are kept; manage_cameras only"`
	Given          *Given         `json:"given,omitempty" doc:"Position as it was given; manage_cameras only"`
	Warnings       []alerts.Fault `json:"warnings,omitempty" doc:"What somebody should look at, such as a position outside the camera's area; manage_cameras only"`
}

// SeenCameraView is a camera ranked by how well it sees a point.
type SeenCameraView struct {
	CameraView
	Distance float64 `json:"distance_m" doc:"Metres from the camera to the point"`
	Bearing  float64 `json:"bearing_deg" doc:"Degrees from north, camera to point"`
	Off      float64 `json:"off_deg" doc:"Degrees between the camera's axis and the point; 0 for a dome"`
	InView   bool    `json:"in_view" doc:"The point lies inside the view cone"`
	Score    float64 `json:"score" doc:"0 to 1, higher is better: distance, bearing, health"`
}

// PhotoView is one photo of an incident.
type PhotoView struct {
	ID       string `json:"id" doc:"Identifier"`
	URL      string `json:"url" doc:"The shown copy, JPEG without EXIF"`
	ThumbURL string `json:"thumb_url" doc:"A small copy"`
	Width    int    `json:"width" doc:"Pixels of the shown copy"`
	Height   int    `json:"height" doc:"Pixels of the shown copy"`
	SHA256   string `json:"sha256" doc:"Of the unaltered original, hex"`
}

// IncidentView is an incident. Who reported it is shown to nobody.
type IncidentView struct {
	ID         string          `json:"id" doc:"Identifier"`
	Number     string          `json:"number" doc:"Number shown to people" example:"20261123-000041"`
	Category   string          `json:"category" doc:"Code of its category" example:"hazard.gas"`
	Text       string          `json:"text" doc:"The report"`
	Severity   alerts.Severity `json:"severity" enum:"critical,high,medium,low" doc:"How grave it is"`
	Direct     bool            `json:"direct" doc:"Direct report 直报"`
	Lon        float64         `json:"lon" doc:"Longitude, WGS-84"`
	Lat        float64         `json:"lat" doc:"Latitude, WGS-84"`
	Accuracy   float64         `json:"accuracy_m" doc:"Accuracy of the position in metres; 0 unknown"`
	Address    string          `json:"address" doc:"Where, in the reporter's words"`
	AreaID     string          `json:"area_id" doc:"Area it lies in"`
	AreaName   string          `json:"area_name" doc:"Name of that area"`
	GridID     string          `json:"grid_id,omitempty" doc:"Grid it lies in"`
	GridName   string          `json:"grid_name,omitempty" doc:"Name of that grid"`
	Channel    alerts.Channel  `json:"channel" enum:"grid_leader,officer,staff,walk_in,hotline,resident,alarm,system" doc:"The way it came in"`
	AlertID    string          `json:"alert_id,omitempty" doc:"Alarm it was made of"`
	ReceivedAt time.Time       `json:"received_at" doc:"When it was received"`
	Photos     []PhotoView     `json:"photos" doc:"Its photos"`
	Hash       string          `json:"hash" doc:"SHA-256 of the report, hex"`
}

// Receipt proves what was reported and when.
type Receipt struct {
	Number     string    `json:"number" doc:"Number of the incident"`
	ReceivedAt time.Time `json:"received_at" doc:"When it was received"`
	Hash       string    `json:"hash" doc:"SHA-256 of the report, hex"`
	Code       string    `json:"code,omitempty" doc:"Whoever has this code can ask what became of the report, without signing in; absent where a replay comes after the vault's key has changed" example:"x4h7k2m5q3w6n2b7c4j5d6f3g2"`
}

// AlertView is an alarm (告警).
type AlertView struct {
	ID         string          `json:"id" doc:"Identifier"`
	Kind       string          `json:"kind" doc:"Kind" example:"fire"`
	Severity   alerts.Severity `json:"severity" enum:"critical,high,medium,low" doc:"How grave it is"`
	Text       string          `json:"text,omitempty" doc:"The source's words"`
	CameraID   string          `json:"camera_id,omitempty" doc:"Camera that raised it"`
	CameraName string          `json:"camera_name,omitempty" doc:"Name of that camera"`
	SourceName string          `json:"source_name" doc:"Name of the source"`
	Lon        float64         `json:"lon" doc:"Longitude, WGS-84"`
	Lat        float64         `json:"lat" doc:"Latitude, WGS-84"`
	AreaID     string          `json:"area_id" doc:"Area it lies in"`
	AreaName   string          `json:"area_name" doc:"Name of that area"`
	GridID     string          `json:"grid_id,omitempty" doc:"Grid it lies in"`
	GridName   string          `json:"grid_name,omitempty" doc:"Name of that grid"`
	FirstAt    time.Time       `json:"first_at" doc:"First time"`
	LastAt     time.Time       `json:"last_at" doc:"Last time"`
	Count      int             `json:"count" doc:"How often within the window"`
}

// UserView is an account.
type UserView struct {
	ID           string      `json:"id" doc:"Identifier"`
	Username     string      `json:"username" doc:"Name to sign in with"`
	Name         string      `json:"name" doc:"Name of the person"`
	Role         alerts.Role `json:"role" enum:"duty_officer,grid_leader,handler,leader,auditor,admin" doc:"Role"`
	AreaID       string      `json:"area_id" doc:"Area the account acts in, with everything below it"`
	AreaName     string      `json:"area_name" doc:"Name of that area"`
	DepartmentID string      `json:"department_id,omitempty" doc:"Department that the account works for"`
	Department   string      `json:"department,omitempty" doc:"Name of that department"`
	Disabled     bool        `json:"disabled" doc:"May not sign in"`
}

// SourceView is a source of alarms. Its token is shown once, when it is made.
type SourceView struct {
	ID       string `json:"id" doc:"Identifier"`
	Name     string `json:"name" doc:"Name"`
	AreaID   string `json:"area_id" doc:"Area its alarms must lie in"`
	AreaName string `json:"area_name" doc:"Name of that area"`
}

// Snapshot is what a dashboard starts from. Seq was read before the lists: an
// event after Seq may repeat what they show, none is missing.
type Snapshot struct {
	Seq       int64
	Cameras   []CameraView
	Incidents []IncidentView // last 24 hours, newest first, at most 500
	Alerts    []AlertView    // last 24 hours, newest first, at most 500
}
