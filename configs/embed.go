// Package configs is data: categories, deadlines and the calendar of grid work,
// and the demo town with its camera loops. It decides nothing. The files are
// part of the binary and never change while it runs, so every accessor may be
// called at any time and from any goroutine. The town is invented; GeoJSON and
// CSV are in the formats that the importers take, in WGS-84.
package configs

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
)

//go:embed categories.json
var categories []byte

//go:embed deadlines.json
var deadlines []byte

//go:embed calendar.json
var calendar []byte

//go:embed demo/areas.geojson demo/grids.geojson demo/basemap.geojson demo/cameras.csv demo/people.json demo/departments.json demo/registers.csv demo/happenings.json demo/scenes.json all:demo/loops
var town embed.FS

// Names of the files in Demo.
const (
	Areas   = "areas.geojson"
	Grids   = "grids.geojson"
	BaseMap = "basemap.geojson"
	Cameras = "cameras.csv"

	// Registers lists key sites, fire points and stretches of the railway.
	Registers = "registers.csv"
)

// The profiles of a camera loop.
const (
	Main = "main"
	Sub  = "sub"
)

// Categories returns the tree of categories as a JSON list of
// {code,name,name_en,group,severity,proof,near_m,closed}. The caller owns the
// bytes, here as below.
func Categories() []byte {
	return append([]byte(nil), categories...)
}

// Deadlines returns the example of a table of deadlines, as the API takes it,
// with a comment.
func Deadlines() []byte { return append([]byte(nil), deadlines...) }

// Calendar returns the working hours and the holidays of China, as the API takes
// them, with a comment.
func Calendar() []byte { return append([]byte(nil), calendar...) }

// Demo returns the files of the demo town. Its folder loops holds
// camNNN.main.h264 and camNNN.sub.h264.
func Demo() fs.FS {
	f, err := fs.Sub(town, "demo")
	if err != nil {
		panic(err) // only for a malformed path, and this one is a constant
	}
	return f
}

// Person is an account of the demo; its password is made for each run.
type Person struct {
	Role     string `json:"role"`
	Username string `json:"username"`
	Name     string `json:"name"`
	AreaID   string `json:"area_id"`

	DepartmentID string   `json:"department_id,omitempty"` // of a handler
	Grids        []string `json:"grids,omitempty"`         // that a grid leader leads
}

// People returns the accounts of the demo. The first of each role is the one
// that the demo shows first: the city's duty officer, a grid leader, a handler,
// the city's leader, an auditor and an administrator.
func People() ([]Person, error) {
	var p []Person
	err := read("demo/people.json", &p)
	return p, err
}

// Department is a department of the demo, with its inner offices and who of it
// handles what.
type Department struct {
	ID      string   `json:"id"`
	AreaID  string   `json:"area_id"`
	Name    string   `json:"name"`
	NameEn  string   `json:"name_en"`
	Offices []Office `json:"offices"`
	Duties  []Duty   `json:"duties"`
}

// Office is an inner office of a department.
type Office struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Duty names an office and a person for a category in an area; what is empty
// holds for all.
type Duty struct {
	OfficeID string `json:"office_id"`
	Person   string `json:"person"` // username
	Category string `json:"category,omitempty"`
	AreaID   string `json:"area_id,omitempty"`
}

// Departments returns the departments of the demo.
func Departments() ([]Department, error) {
	var d []Department
	err := read("demo/departments.json", &d)
	return d, err
}

// Scene says what a demo camera shows.
type Scene struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Scene string `json:"scene"` // street, square, gate, market, river, railway, yard, village_road
}

// Scenes returns the scenes of the demo cameras in the order of their ids.
func Scenes() ([]Scene, error) {
	var s []Scene
	err := read("demo/scenes.json", &s)
	return s, err
}

// Loop returns a camera's H.264 byte stream (Annex B) in a profile, Main or
// Sub. The error is fs.ErrNotExist where there is none.
func Loop(camera, profile string) ([]byte, error) {
	b, err := town.ReadFile("demo/loops/" + camera + "." + profile + ".h264")
	if err != nil {
		return nil, fmt.Errorf("loop of %s: %w", camera, err)
	}
	return b, nil
}

func read(name string, into any) error {
	b, err := town.ReadFile(name)
	if err != nil {
		return fmt.Errorf("demo town: %w", err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("demo town: %s: %w", name, err)
	}
	return nil
}
