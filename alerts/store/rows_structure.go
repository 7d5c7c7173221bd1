package store

import (
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"sharpeyes/alerts"
)

type departmentRow struct {
	bun.BaseModel `bun:"table:departments,alias:r"`

	ID       string `bun:"id,pk"`
	AreaID   string `bun:"area_id"`
	AreaPath string `bun:"area_path,scanonly"`
	Name     string `bun:"name"`
	NameEn   string `bun:"name_en"`
	Disabled bool   `bun:"disabled"`
	Version  int64  `bun:"version"`
}

func departmentToRow(d alerts.Department) departmentRow {
	return departmentRow{ID: d.ID, AreaID: d.AreaID, Name: d.Name, NameEn: d.NameEn, Disabled: d.Disabled, Version: d.Version + 1}
}

func (r departmentRow) value() alerts.Department {
	return alerts.Department{ID: r.ID, AreaID: r.AreaID, AreaPath: r.AreaPath, Name: r.Name, NameEn: r.NameEn,
		Disabled: r.Disabled, Version: r.Version}
}

type officeRow struct {
	bun.BaseModel `bun:"table:offices,alias:r"`

	ID           string `bun:"id,pk"`
	DepartmentID string `bun:"department_id"`
	Name         string `bun:"name"`
	Disabled     bool   `bun:"disabled"`
}

func (r officeRow) value() alerts.Office {
	return alerts.Office{ID: r.ID, DepartmentID: r.DepartmentID, Name: r.Name, Disabled: r.Disabled}
}

type dutyRow struct {
	bun.BaseModel `bun:"table:duties,alias:r"`

	ID           string `bun:"id,pk"`
	DepartmentID string `bun:"department_id"`
	OfficeID     string `bun:"office_id,nullzero"`
	PersonID     string `bun:"person_id,nullzero"`
	Category     string `bun:"category"`
	AreaID       string `bun:"area_id,nullzero"`
}

func (r dutyRow) value() alerts.Duty {
	return alerts.Duty{ID: r.ID, DepartmentID: r.DepartmentID, OfficeID: r.OfficeID, PersonID: r.PersonID,
		Category: r.Category, AreaID: r.AreaID}
}

type postRow struct {
	bun.BaseModel `bun:"table:posts,alias:r"`

	ID         string `bun:"id,pk"`
	GridID     string `bun:"grid_id"`
	Kind       string `bun:"kind"`
	UserID     string `bun:"user_id,nullzero"`
	Name       string `bun:"name"`
	Employment string `bun:"employment"`
	Tasks      string `bun:"tasks"` // JSON
	ValidFrom  int64  `bun:"valid_from"`
	ValidTo    int64  `bun:"valid_to"`
	HandedTo   string `bun:"handed_to"`
	HandNote   string `bun:"hand_note"`
}

func postToRow(p alerts.Post) postRow {
	tasks, _ := json.Marshal(p.Tasks) // of strings: cannot fail
	return postRow{ID: p.ID, GridID: p.GridID, Kind: string(p.Kind), UserID: p.UserID, Name: p.Name,
		Employment: string(p.Employment), Tasks: string(tasks), ValidFrom: micros(p.From), ValidTo: micros(p.To),
		HandedTo: p.HandedTo, HandNote: p.HandNote}
}

func (r postRow) value() alerts.Post {
	p := alerts.Post{ID: r.ID, GridID: r.GridID, Kind: alerts.PostKind(r.Kind), UserID: r.UserID, Name: r.Name,
		Employment: alerts.Employment(r.Employment), From: fromMicros(r.ValidFrom), To: fromMicros(r.ValidTo),
		HandedTo: r.HandedTo, HandNote: r.HandNote}
	_ = json.Unmarshal([]byte(r.Tasks), &p.Tasks) // written by postToRow alone
	return p
}

// gridVersionRow has the columns of gridRow and another key.
type gridVersionRow struct {
	bun.BaseModel `bun:"table:grid_versions,alias:r"`

	ID         string `bun:"id,pk"`
	ValidFrom  int64  `bun:"valid_from,pk"`
	ValidTo    int64  `bun:"valid_to"`
	AreaID     string `bun:"area_id"`
	AreaPath   string `bun:"area_path,scanonly"`
	Name       string `bun:"name"`
	Code       string `bun:"code"`
	Scheme     string `bun:"scheme"`
	Kind       string `bun:"kind"`
	Households int    `bun:"households"`
	Shape      string `bun:"shape"`
}

func gridToVersion(r gridRow) gridVersionRow {
	return gridVersionRow{ID: r.ID, ValidFrom: r.ValidFrom, ValidTo: r.ValidTo, AreaID: r.AreaID, Name: r.Name, Code: r.Code,
		Scheme: r.Scheme, Kind: r.Kind, Households: r.Households, Shape: r.Shape}
}

func (r gridVersionRow) value() (alerts.Grid, error) {
	return gridRow{ID: r.ID, AreaID: r.AreaID, AreaPath: r.AreaPath, Name: r.Name, Code: r.Code, Scheme: r.Scheme,
		Kind: r.Kind, Households: r.Households, ValidFrom: r.ValidFrom, ValidTo: r.ValidTo, Shape: r.Shape}.value()
}

type siteRow struct {
	bun.BaseModel `bun:"table:sites,alias:r"`

	ID        string  `bun:"id,pk"`
	AreaID    string  `bun:"area_id"`
	AreaPath  string  `bun:"area_path,scanonly"`
	GridID    string  `bun:"grid_id,nullzero"`
	Register  string  `bun:"register"`
	Kind      string  `bun:"kind"`
	Name      string  `bun:"name"`
	Contact   string  `bun:"contact"`
	Address   string  `bun:"address"`
	Lon       float64 `bun:"lon"`
	Lat       float64 `bun:"lat"`
	Stretch   string  `bun:"stretch"`
	Remark    string  `bun:"remark"`
	CheckedAt int64   `bun:"checked_at"`
	EndedAt   int64   `bun:"ended_at"`
	Version   int64   `bun:"version"`
	UpdatedAt int64   `bun:"updated_at"`
}

func siteToRow(s alerts.Site, now time.Time) (siteRow, error) {
	stretch, err := lineToText(s.Stretch)
	return siteRow{ID: s.ID, AreaID: s.AreaID, GridID: s.GridID, Register: string(s.Register), Kind: s.Kind, Name: s.Name,
		Contact: s.Contact, Address: s.Address, Lon: s.Point.Lon, Lat: s.Point.Lat, Stretch: stretch, Remark: s.Remark,
		CheckedAt: micros(s.CheckedAt), EndedAt: micros(s.EndedAt), Version: s.Version + 1, UpdatedAt: micros(now)}, err
}

func (r siteRow) value() (alerts.Site, error) {
	stretch, err := lineFromText(r.Stretch)
	return alerts.Site{ID: r.ID, AreaID: r.AreaID, AreaPath: r.AreaPath, GridID: r.GridID, Register: alerts.Register(r.Register),
		Kind: r.Kind, Name: r.Name, Contact: r.Contact, Address: r.Address, Point: alerts.Point{Lon: r.Lon, Lat: r.Lat},
		Stretch: stretch, Remark: r.Remark, CheckedAt: fromMicros(r.CheckedAt), EndedAt: fromMicros(r.EndedAt),
		Version: r.Version, UpdatedAt: fromMicros(r.UpdatedAt)}, err
}

// lineToText writes a line as a shape of one ring; empty for none.
func lineToText(line []alerts.Point) (string, error) {
	if len(line) == 0 {
		return "", nil
	}
	return shapeToText(alerts.MultiPolygon{{line}})
}

func lineFromText(s string) ([]alerts.Point, error) {
	if s == "" {
		return nil, nil
	}
	shape, err := shapeFromText(s)
	if err != nil || len(shape) == 0 || len(shape[0]) == 0 {
		return nil, err
	}
	return shape[0][0], nil
}
