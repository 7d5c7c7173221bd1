package configs

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"testing"
)

func TestCameras(t *testing.T) {
	f, err := Demo().Open(Cameras)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	const head = "id,name,area_id,lon,lat,height_m,azimuth_deg,fov_deg,range_m,class,owner,purpose,filing,retention_days,mode"
	if strings.Join(rows[0], ",") != head {
		t.Fatalf("header %v", rows[0])
	}
	scenes, err := Scenes()
	if err != nil {
		t.Fatal(err)
	}
	areas, byID, perTownship := places(t, Areas), map[string]place{}, map[string]int{}
	for _, a := range areas {
		byID[a.ID] = a
	}
	grids, filings := places(t, Grids), map[string]bool{}
	if len(rows) != 25 || len(scenes) != 24 {
		t.Fatalf("%d cameras and %d scenes, want 24", len(rows)-1, len(scenes))
	}
	for i, r := range rows[1:] {
		id := fmt.Sprintf("cam%03d", i)
		if r[0] != id || r[0] != scenes[i].ID || r[1] != scenes[i].Name || r[1] == "" {
			t.Errorf("camera %d is %q %q, its scene %+v", i, r[0], r[1], scenes[i])
		}
		num := func(k int, lo, hi float64) float64 {
			v, err := strconv.ParseFloat(r[k], 64)
			if err != nil || v < lo || v > hi {
				t.Errorf("%s: %s is %q, want %g to %g", id, rows[0][k], r[k], lo, hi)
			}
			return v
		}
		lon, lat := num(3, -180, 180), num(4, -90, 90)
		num(5, 4, 8)
		num(6, 0, 359.9)
		if fov := num(7, 60, 360); fov > 100 && fov != 360 {
			t.Errorf("%s: fov %g", id, fov)
		}
		num(8, 40, 150)
		num(9, 1, 3)
		num(13, 30, 365)
		if r[10] == "" || r[11] == "" || r[12] == "" || filings[r[12]] || r[14] != "always" {
			t.Errorf("%s: owner, purpose, filing or mode: %q", id, r[10:])
		}
		filings[r[12]] = true
		x, y := lon*1e6+.01, lat*1e6+.01 // off the lattice
		a := byID[r[2]]
		if a.Level != "village" || !a.shape.holds(x, y) {
			t.Errorf("%s does not stand in its village %q", id, r[2])
			continue
		}
		perTownship[a.ParentID]++
		n := 0
		for _, g := range grids {
			if g.AreaID == a.ID && g.shape.holds(x, y) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s stands in %d grids of %s", id, n, a.ID)
		}
	}
	for id, a := range byID {
		if a.Level == "township" && perTownship[id] < 3 {
			t.Errorf("%s has %d cameras, want 3", id, perTownship[id])
		}
	}
}

func TestScenesAndLoops(t *testing.T) {
	scenes, err := Scenes()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]int{"street": 0, "square": 0, "gate": 0, "market": 0, "river": 0, "railway": 0, "yard": 0, "village_road": 0}
	for _, s := range scenes {
		if _, ok := known[s.Scene]; !ok {
			t.Errorf("%s: scene %q", s.ID, s.Scene)
		}
		known[s.Scene]++
	}
	for k, n := range known {
		if n == 0 {
			t.Errorf("no camera shows a %s", k)
		}
	}
	if _, err := Loop("cam999", Main); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("loop of an unknown camera: %v", err)
	}
}

func TestPeople(t *testing.T) {
	people, err := People()
	if err != nil {
		t.Fatal(err)
	}
	level := map[string]string{}
	for _, a := range places(t, Areas) {
		level[a.ID] = a.Level
	}
	departments, err := Departments()
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]string{}
	for _, d := range departments {
		of[d.ID] = d.AreaID
	}
	grids := map[string]string{}
	for _, g := range places(t, Grids) {
		grids[g.ID] = g.AreaID
	}
	// The first of each role; others of it may be anywhere.
	want := map[string]string{"duty_officer": "city", "grid_leader": "village", "handler": "county", "leader": "city", "auditor": "city", "admin": "city"}
	names := map[string]bool{}
	for _, p := range people {
		if first, due := want[p.Role]; due && first != level[p.AreaID] || level[p.AreaID] == "" || p.Username == "" || p.Name == "" || names[p.Username] {
			t.Errorf("%+v: role, area or name", p)
		}
		if (p.Role == "handler") != (p.DepartmentID != "") || of[p.DepartmentID] != p.AreaID && p.DepartmentID != "" {
			t.Errorf("%s: department %q", p.Username, p.DepartmentID)
		}
		if (p.Role == "grid_leader") != (len(p.Grids) > 0) {
			t.Errorf("%s: grids %q", p.Username, p.Grids)
		}
		for _, g := range p.Grids {
			if grids[g] != p.AreaID {
				t.Errorf("%s: grid %q is not of %s", p.Username, g, p.AreaID)
			}
		}
		names[p.Username] = true
		delete(want, p.Role)
	}
	if len(want) != 0 {
		t.Errorf("nobody for %v", want)
	}
}

func TestBaseMap(t *testing.T) {
	var doc struct {
		Features []struct {
			Properties struct{ Layer, Class, Kind, Name string }
			Geometry   struct {
				Type        string
				Coordinates json.RawMessage
			}
		}
	}
	load(t, BaseMap, &doc)
	shapes := map[string]string{"water": "Polygon", "green": "Polygon", "building": "Polygon MultiPolygon", "road": "LineString", "rail": "LineString", "site": "Point", "label": "Point"}
	classes := map[string]bool{"main": true, "minor": true, "lane": true}
	sites := map[string]int{"school": 0, "hospital": 0, "market": 0, "station": 0, "bridge": 0, "plant": 0, "government": 0, "fire_station": 0, "fuel": 0}
	n := map[string]int{}
	for i, f := range doc.Features {
		p := f.Properties
		ok := shapes[p.Layer] != "" && strings.Contains(shapes[p.Layer], f.Geometry.Type)
		switch p.Layer {
		case "road":
			ok = ok && classes[p.Class]
		case "site":
			_, known := sites[p.Kind]
			ok = ok && known && p.Name != ""
			sites[p.Kind]++
		case "label":
			ok = ok && p.Name != ""
		case "building":
			n["footprints"] += strings.Count(string(f.Geometry.Coordinates), "]]")
		}
		if !ok {
			t.Errorf("feature %d: layer %q, %s, class %q, kind %q, name %q", i, p.Layer, f.Geometry.Type, p.Class, p.Kind, p.Name)
		}
		n[p.Layer]++
	}
	for l := range shapes {
		if n[l] == 0 {
			t.Errorf("nothing in layer %s", l)
		}
	}
	for k, c := range sites {
		if c == 0 {
			t.Errorf("no site of kind %s", k)
		}
	}
	if n["footprints"] < 500 {
		t.Errorf("%d buildings", n["footprints"])
	}
}

func TestTheTownIsSmall(t *testing.T) {
	var sum int64
	for _, f := range []string{Areas, Grids, BaseMap, Cameras, "people.json", "scenes.json"} {
		i, err := fs.Stat(Demo(), f)
		if err != nil {
			t.Fatal(err)
		}
		sum += i.Size()
	}
	if sum > 3<<20 {
		t.Errorf("%d bytes, want under 3 MB", sum)
	}
}
