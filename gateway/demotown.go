package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
	"sharpeyes/configs"
	"sharpeyes/gateway/auth"
	"sharpeyes/streams/camsim"
)

// build brings the data folder to the town as configs/demo has it. What people
// reported in an earlier run stays. It returns the accounts and the token of an
// alarm source, both made for this run.
func (c demoCmd) build(ctx context.Context, a *app, sim *camsim.Server) ([]account, string, error) {
	files := configs.Demo()
	system := alerts.System()
	for _, kind := range []string{"areas", "grids"} {
		raw, err := fs.ReadFile(files, kind+".geojson")
		if err != nil {
			return nil, "", err
		}
		load := a.desk.ImportAreas
		if kind == "grids" {
			load = a.desk.ImportGrids
		}
		if _, err := load(ctx, system, bytes.NewReader(raw), "geojson", alerts.WGS84); err != nil {
			return nil, "", fmt.Errorf("%s: %w", kind, explain(err))
		}
	}
	basemap, err := fs.ReadFile(files, configs.BaseMap)
	if err != nil {
		return nil, "", err
	}
	if err := writeDurable(a.data.file("basemap.geojson"), basemap, 0o600); err != nil {
		return nil, "", err
	}
	table, err := c.cameraTable(files, sim)
	if err != nil {
		return nil, "", err
	}
	if _, err := a.desk.ImportCameras(ctx, system, bytes.NewReader(table), "csv", alerts.WGS84); err != nil {
		return nil, "", fmt.Errorf("cameras: %w", explain(err))
	}
	registers, err := fs.ReadFile(files, configs.Registers)
	if err != nil {
		return nil, "", err
	}
	if _, err := a.desk.ImportSites(ctx, system, bytes.NewReader(registers), "csv", alerts.WGS84); err != nil {
		return nil, "", fmt.Errorf("registers: %w", explain(err))
	}
	if err := c.removeOthers(ctx, a.desk); err != nil {
		return nil, "", err
	}
	if err := demoDepartments(ctx, a); err != nil {
		return nil, "", fmt.Errorf("departments: %w", explain(err))
	}
	accounts, err := demoAccounts(ctx, a)
	if err != nil {
		return nil, "", err
	}
	if err := demoDuties(ctx, a); err != nil {
		return nil, "", fmt.Errorf("duties: %w", explain(err))
	}
	token, err := demoSource(ctx, a.desk)
	if err != nil {
		return nil, "", err
	}
	return accounts, token, demoHappenings(ctx, a, files)
}

// cameraTable is configs/demo/cameras.csv with addresses and credentials. More
// cameras than the town has stand a few metres beside the first ones.
func (c demoCmd) cameraTable(files fs.FS, sim *camsim.Server) ([]byte, error) {
	raw, err := fs.ReadFile(files, configs.Cameras)
	if err != nil {
		return nil, err
	}
	rows, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("cameras.csv: %w", err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	rows, head := rows[1:], rows[0]
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	_ = w.Write(append(head, "main_url", "sub_url", "username", "password", "record_mode")) // a buffer takes all
	for i := range c.Cameras {
		row := append([]string(nil), rows[i%len(rows)]...)
		row[column["id"]] = cameraID(i)
		if lap := i / len(rows); lap > 0 {
			row[column["name"]] = fmt.Sprintf("%s（副机 %d）", row[column["name"]], lap)
			if err := beside(row, column, lap); err != nil {
				return nil, err
			}
		}
		if sim == nil {
			row = append(row, fmt.Sprintf(c.Source, i), "", "", "")
		} else {
			row = append(row, sim.URL(cameraID(i), camsim.Main), sim.URL(cameraID(i), camsim.Sub), sim.Username, sim.Password)
		}
		mode := alerts.RecordOff
		if c.Record {
			mode = alerts.RecordAlways
		}
		_ = w.Write(append(row, string(mode)))
	}
	w.Flush()
	return out.Bytes(), w.Error()
}

func cameraID(i int) string { return fmt.Sprintf("cam%03d", i) }

// beside turns a camera away and moves it by a few metres.
func beside(row []string, column map[string]int, lap int) error {
	for name, by := range map[string]float64{"lon": 4e-5 * math.Cos(float64(lap)), "lat": 4e-5 * math.Sin(float64(lap)), "azimuth_deg": float64(lap * 47)} {
		v, err := strconv.ParseFloat(row[column[name]], 64)
		if err != nil {
			return fmt.Errorf("cameras.csv: %s: %w", name, err)
		}
		v += by
		if name == "azimuth_deg" {
			v = math.Mod(v, 360)
		}
		row[column[name]] = strconv.FormatFloat(v, 'f', 6, 64)
	}
	return nil
}

// removeOthers removes the cameras that an earlier run with more of them left.
func (c demoCmd) removeOthers(ctx context.Context, d *desk.Desk) error {
	system := alerts.System()
	var extra []string
	for cursor := ""; ; {
		list, next, err := d.Cameras(ctx, system, alerts.CameraFilter{Page: alerts.Page{Cursor: cursor, Limit: 1000}})
		if err != nil {
			return err
		}
		for _, v := range list {
			var n int
			if _, err := fmt.Sscanf(v.ID, "cam%03d", &n); err == nil && n >= c.Cameras && v.ID == cameraID(n) {
				extra = append(extra, v.ID)
			}
		}
		if next == "" {
			break
		}
		cursor = next
	}
	for _, id := range extra {
		if err := d.RemoveCamera(ctx, system, id); err != nil {
			return err
		}
	}
	return nil
}

const demoSourceName = "演示告警源"

// demoSource makes an alarm source with a token for this run.
func demoSource(ctx context.Context, d *desk.Desk) (token string, err error) {
	system := alerts.System()
	old, err := d.Sources(ctx, system)
	if err != nil {
		return "", err
	}
	for _, s := range old {
		if s.Name == demoSourceName {
			if err := d.RemoveSource(ctx, system, s.ID); err != nil {
				return "", err
			}
		}
	}
	areas, err := d.Areas(ctx, system)
	if err != nil {
		return "", err
	}
	for _, a := range areas {
		if a.ParentID == "" {
			_, token, err = d.CreateSource(ctx, system, desk.SourceInput{Name: demoSourceName, AreaID: a.ID})
			return token, err
		}
	}
	return "", fmt.Errorf("the town has no root area")
}

// happening is one line of happenings.json: what the town reported before the
// demo started.
type happening struct {
	By       string  `json:"by"` // username
	Minutes  int     `json:"minutes_ago"`
	Category string  `json:"category"`
	Text     string  `json:"text"`
	Address  string  `json:"address"`
	Lon      float64 `json:"lon"`
	Lat      float64 `json:"lat"`
	Direct   bool    `json:"direct"`
}

// demoHappenings gives a new town a past of a few hours.
func demoHappenings(ctx context.Context, a *app, files fs.FS) error {
	system := alerts.System()
	if have, _, err := a.desk.Incidents(ctx, system, alerts.IncidentFilter{Page: alerts.Page{Limit: 1}}); err != nil || len(have) > 0 {
		return err
	}
	raw, err := fs.ReadFile(files, "happenings.json")
	if err != nil {
		return err
	}
	var list []happening
	if err := json.Unmarshal(raw, &list); err != nil {
		return fmt.Errorf("happenings.json: %w", err)
	}
	start := time.Now()
	past := start
	d, err := a.openDesk(ctx, nil, func() time.Time { return past })
	if err != nil {
		return err
	}
	defer func() { a.report("closing the demo's past", d.Close()) }()
	for _, h := range list {
		u, err := a.store.UserByName(ctx, system, h.By)
		if err != nil {
			return fmt.Errorf("happenings.json: %s: %w", h.By, err)
		}
		past = start.Add(-time.Duration(h.Minutes) * time.Minute)
		scope := auth.ScopeOf(u)
		if scope.Grids, err = auth.GridsOf(ctx, a.store, u, start); err != nil {
			return err
		}
		_, _, _, err = d.Report(ctx, scope, desk.ReportInput{Category: h.Category, Text: h.Text, Address: h.Address,
			Lon: h.Lon, Lat: h.Lat, Direct: h.Direct})
		if err != nil {
			return fmt.Errorf("happenings.json: %s: %w", h.Text, explain(err))
		}
	}
	return nil
}
