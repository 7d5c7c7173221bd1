package store

import (
	"encoding/hex"
	"encoding/json"

	"github.com/uptrace/bun"

	"sharpeyes/alerts"
)

type incidentRow struct {
	bun.BaseModel `bun:"table:incidents,alias:r"`

	ID         string  `bun:"id,pk"`
	Number     string  `bun:"number"`
	Category   string  `bun:"category"`
	Severity   string  `bun:"severity"`
	Direct     bool    `bun:"direct"`
	Body       string  `bun:"body"`
	Lon        float64 `bun:"lon"`
	Lat        float64 `bun:"lat"`
	GivenLon   float64 `bun:"given_lon"`
	GivenLat   float64 `bun:"given_lat"`
	Coords     string  `bun:"coords"`
	Accuracy   float64 `bun:"accuracy"`
	Address    string  `bun:"address"`
	AreaID     string  `bun:"area_id"`
	AreaPath   string  `bun:"area_path,scanonly"`
	GridID     string  `bun:"grid_id,nullzero"`
	Channel    string  `bun:"channel"`
	AlertID    string  `bun:"alert_id"`
	ReporterID string  `bun:"reporter_id"`
	ReceivedAt int64   `bun:"received_at"`
	Hash       string  `bun:"hash"`
}

func incidentToRow(i alerts.Incident) incidentRow {
	return incidentRow{ID: i.ID, Number: i.Number, Category: i.Category, Severity: string(i.Severity), Direct: i.Direct,
		Body: i.Text, Lon: i.Point.Lon, Lat: i.Point.Lat, GivenLon: i.Given.Lon, GivenLat: i.Given.Lat,
		Coords: string(i.System), Accuracy: i.Accuracy, Address: i.Address, AreaID: i.AreaID, GridID: i.GridID,
		Channel: string(i.Channel), AlertID: i.AlertID, ReporterID: i.ReporterID, ReceivedAt: micros(i.ReceivedAt), Hash: i.Hash}
}

func (r incidentRow) value(photos []alerts.Photo) alerts.Incident {
	return alerts.Incident{ID: r.ID, Number: r.Number, Category: r.Category, Severity: alerts.Severity(r.Severity),
		Direct: r.Direct, Text: r.Body, Point: alerts.Point{Lon: r.Lon, Lat: r.Lat},
		Given: alerts.Point{Lon: r.GivenLon, Lat: r.GivenLat}, System: alerts.CoordSystem(r.Coords), Accuracy: r.Accuracy,
		Address: r.Address, AreaID: r.AreaID, AreaPath: r.AreaPath, GridID: r.GridID, Channel: alerts.Channel(r.Channel), AlertID: r.AlertID,
		ReporterID: r.ReporterID, ReceivedAt: fromMicros(r.ReceivedAt), Photos: photos, Hash: r.Hash}
}

type photoRow struct {
	bun.BaseModel `bun:"table:photos,alias:p"`

	ID         string `bun:"id,pk"`
	IncidentID string `bun:"incident_id"`
	Place      int    `bun:"place"`
	SHA256     string `bun:"sha256"`
	MediaType  string `bun:"media_type"`
	Size       int64  `bun:"size"`
	Width      int    `bun:"width"`
	Height     int    `bun:"height"`
}

func photoToRow(p alerts.Photo, incident string, place int) photoRow {
	return photoRow{ID: p.ID, IncidentID: incident, Place: place, SHA256: p.SHA256, MediaType: p.Type, Size: p.Size,
		Width: p.Width, Height: p.Height}
}

func (r photoRow) value() alerts.Photo {
	return alerts.Photo{ID: r.ID, SHA256: r.SHA256, Type: r.MediaType, Size: r.Size, Width: r.Width, Height: r.Height}
}

type alertRow struct {
	bun.BaseModel `bun:"table:alerts,alias:r"`

	ID         string  `bun:"id,pk"`
	SourceID   string  `bun:"source_id"`
	SourceName string  `bun:"source_name"`
	ExternalID string  `bun:"external_id"`
	SameKey    string  `bun:"same_key"`
	Kind       string  `bun:"kind"`
	Severity   string  `bun:"severity"`
	Body       string  `bun:"body"`
	CameraID   string  `bun:"camera_id,nullzero"`
	Lon        float64 `bun:"lon"`
	Lat        float64 `bun:"lat"`
	AreaID     string  `bun:"area_id"`
	AreaPath   string  `bun:"area_path,scanonly"`
	GridID     string  `bun:"grid_id,nullzero"`
	FirstAt    int64   `bun:"first_at"`
	LastAt     int64   `bun:"last_at"`
	Count      int     `bun:"count"`
}

var alertColumns = []string{"source_id", "source_name", "external_id", "same_key", "kind", "severity", "body", "camera_id",
	"lon", "lat", "area_id", "grid_id", "first_at", "last_at", "count"}

func alertToRow(a alerts.Alert) alertRow {
	return alertRow{ID: a.ID, SourceID: a.SourceID, SourceName: a.SourceName, ExternalID: a.ExternalID, SameKey: a.Key,
		Kind: a.Kind, Severity: string(a.Severity), Body: a.Text, CameraID: a.CameraID, Lon: a.Point.Lon, Lat: a.Point.Lat,
		AreaID: a.AreaID, GridID: a.GridID, FirstAt: micros(a.FirstAt), LastAt: micros(a.LastAt), Count: a.Count}
}

func (r alertRow) value() alerts.Alert {
	return alerts.Alert{ID: r.ID, SourceID: r.SourceID, SourceName: r.SourceName, ExternalID: r.ExternalID, Key: r.SameKey,
		Kind: r.Kind, Severity: alerts.Severity(r.Severity), Text: r.Body, CameraID: r.CameraID,
		Point: alerts.Point{Lon: r.Lon, Lat: r.Lat}, AreaID: r.AreaID, AreaPath: r.AreaPath, GridID: r.GridID,
		FirstAt: fromMicros(r.FirstAt), LastAt: fromMicros(r.LastAt), Count: r.Count}
}

type userRow struct {
	bun.BaseModel `bun:"table:users,alias:r"`

	ID           string `bun:"id,pk"`
	Username     string `bun:"username"`
	Name         string `bun:"name"`
	Role         string `bun:"role"`
	AreaID       string `bun:"area_id,nullzero"`
	AreaPath     string `bun:"area_path,scanonly"`
	DepartmentID string `bun:"department_id,nullzero"`
	PasswordHash string `bun:"password_hash"`
	Disabled     bool   `bun:"disabled"`
	SessionsFrom int64  `bun:"sessions_from"`
	Version      int64  `bun:"version"`
}

func userToRow(u alerts.User) userRow {
	return userRow{ID: u.ID, Username: u.Username, Name: u.Name, Role: string(u.Role), AreaID: u.AreaID,
		DepartmentID: u.DepartmentID, PasswordHash: u.PasswordHash, Disabled: u.Disabled, SessionsFrom: micros(u.SessionsFrom),
		Version: u.Version + 1}
}

func (r userRow) value() alerts.User {
	return alerts.User{ID: r.ID, Username: r.Username, Name: r.Name, Role: alerts.Role(r.Role), AreaID: r.AreaID,
		AreaPath: r.AreaPath, DepartmentID: r.DepartmentID, PasswordHash: r.PasswordHash, Disabled: r.Disabled,
		SessionsFrom: fromMicros(r.SessionsFrom), Version: r.Version}
}

type sourceRow struct {
	bun.BaseModel `bun:"table:sources,alias:r"`

	ID        string `bun:"id,pk"`
	Name      string `bun:"name"`
	AreaID    string `bun:"area_id"`
	AreaPath  string `bun:"area_path,scanonly"`
	TokenHash string `bun:"token_hash"`
	Disabled  bool   `bun:"disabled"`
	CreatedAt int64  `bun:"created_at"`
}

var sourceColumns = []string{"name", "area_id", "token_hash", "disabled", "created_at"}

func sourceToRow(s alerts.Source) sourceRow {
	return sourceRow{ID: s.ID, Name: s.Name, AreaID: s.AreaID, TokenHash: hex.EncodeToString(s.TokenHash),
		Disabled: s.Disabled, CreatedAt: micros(s.CreatedAt)}
}

func (r sourceRow) value() alerts.Source {
	hash, _ := hex.DecodeString(r.TokenHash) // written by sourceToRow alone
	return alerts.Source{ID: r.ID, Name: r.Name, AreaID: r.AreaID, AreaPath: r.AreaPath, TokenHash: hash,
		Disabled: r.Disabled, CreatedAt: fromMicros(r.CreatedAt)}
}

type sessionRow struct {
	bun.BaseModel `bun:"table:sessions,alias:r"`

	TokenHash string `bun:"token_hash,pk"`
	UserID    string `bun:"user_id"`
	Data      []byte `bun:"data"`
	Expires   int64  `bun:"expires"`
}

type requestRow struct {
	bun.BaseModel `bun:"table:request_keys,alias:r"`

	UserID    string `bun:"user_id,pk"`
	Key       string `bun:"request_key,pk"`
	Request   string `bun:"request"`
	Object    string `bun:"object"`
	CreatedAt int64  `bun:"created_at"`
}

type eventRow struct {
	bun.BaseModel `bun:"table:events,alias:r"`

	Seq      int64  `bun:"seq,pk"`
	At       int64  `bun:"at"`
	Kind     string `bun:"kind"`
	AreaID   string `bun:"area_id"`
	AreaPath string `bun:"area_path"`
	ObjectID string `bun:"object_id"`
	Data     string `bun:"data"`
	Parties  string `bun:"parties"` // a line each
}

func (r eventRow) value() alerts.Event {
	e := alerts.Event{Seq: r.Seq, At: fromMicros(r.At), Kind: alerts.EventKind(r.Kind), AreaID: r.AreaID,
		AreaPath: r.AreaPath, ID: r.ObjectID, Parties: fromLines(r.Parties)}
	if r.Data != "" {
		e.Data = json.RawMessage(r.Data)
	}
	return e
}
