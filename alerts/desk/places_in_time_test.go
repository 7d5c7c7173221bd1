package desk

import (
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
)

func trail(v CaseView) string {
	var names []string
	for _, a := range v.Trail {
		names = append(names, a.Name)
	}
	return strings.Join(names, " ")
}

// Yesterday's case keeps yesterday's area and grid: their names and what they
// were part of, whatever becomes of them. Who may see it goes by the tree of
// today, for somebody has to answer for it.
func TestCasesKeepTheirPlaces(t *testing.T) {
	o := newOffice(t)
	ctx, admin, city := t.Context(), as(alerts.Admin, "city"), as(alerts.DutyOfficer, "city")
	reported := func() (IncidentView, CaseView) {
		t.Helper()
		i, _, _, err := o.Report(ctx, as(alerts.GridLeader, "city"), report("v1"))
		if err != nil {
			t.Fatal(err)
		}
		return i, ok[CaseView](t)(o.Case(ctx, city, i.Number))
	}
	i, k := reported()
	if k.AreaName != "一村" || k.GridName != "1a" || trail(k) != "柳河市 东县 一镇 一村" {
		t.Fatalf("%s, %s, %s", k.AreaName, k.GridName, trail(k))
	}
	o.clock.add(time.Hour)
	areas := collection(outline(props{"id": "v1", "parent_id": "t2", "name": "新一村", "level": "village"}, 117.0, 31.0, 117.1, 31.1))
	ok[ImportResult](t)(o.ImportAreas(ctx, admin, strings.NewReader(areas), "geojson", alerts.WGS84))
	grids := collection(outline(props{"id": "g1a", "area_id": "v1", "name": "新1a", "kind": "street", "households": 300}, 117.0, 31.0, 117.06, 31.1))
	ok[ImportResult](t)(o.ImportGrids(ctx, admin, strings.NewReader(grids), "geojson", alerts.WGS84))
	o.clock.add(time.Hour)

	k = ok[CaseView](t)(o.Case(ctx, city, k.ID))
	if k.AreaID != "v1" || k.GridID != "g1a" || k.AreaName != "一村" || k.GridName != "1a" || trail(k) != "柳河市 东县 一镇 一村" {
		t.Errorf("yesterday's: %s, %s, %s", k.AreaName, k.GridName, trail(k))
	}
	if again := ok[IncidentView](t)(o.Incident(ctx, city, i.ID)); again.AreaName != "一村" || again.GridName != "1a" {
		t.Errorf("its incident: %+v", again)
	}
	if moves := ok[[]MoveView](t)(o.CaseMoves(ctx, city, k.ID)); moves[0].AreaName != "一村" {
		t.Errorf("its first move: %+v", moves[0])
	}
	if _, today := reported(); today.AreaName != "新一村" || today.GridName != "新1a" || trail(today) != "柳河市 东县 二镇 新一村" {
		t.Errorf("today's: %s, %s, %s", today.AreaName, today.GridName, trail(today))
	}
	ok[CaseView](t)(o.Case(ctx, as(alerts.DutyOfficer, "t2"), k.ID))
	wantKind(t, second(o.Case(ctx, as(alerts.DutyOfficer, "t1"), k.ID)), alerts.NotFound, "a case of an area that has gone")

	for at, want := range map[time.Time]string{base: "一村", base.Add(90 * time.Minute): "新一村"} {
		for _, a := range ok[[]AreaView](t)(o.AreasAt(ctx, city, at)) {
			if a.ID == "v1" && a.Name != want {
				t.Errorf("at %v: %+v", at, a)
			}
		}
	}
	versions := ok[[]AreaVersionView](t)(o.AreaVersions(ctx, city, "v1"))
	if len(versions) != 2 || versions[0].ParentID != "t1" || versions[1].ParentID != "t2" || !versions[0].ValidTo.Equal(*versions[1].ValidFrom) {
		t.Errorf("versions %+v", versions)
	}
	wantKind(t, second(o.AreaVersions(ctx, as(alerts.DutyOfficer, "west"), "v1")), alerts.NotFound, "from elsewhere")
	// The same file again changes nothing; a code is a correction.
	ok[ImportResult](t)(o.ImportAreas(ctx, admin, strings.NewReader(areas), "geojson", alerts.WGS84))
	coded := strings.Replace(areas, `"level"`, `"code":"340100001002","level"`, 1)
	ok[ImportResult](t)(o.ImportAreas(ctx, admin, strings.NewReader(coded), "geojson", alerts.WGS84))
	if versions := ok[[]AreaVersionView](t)(o.AreaVersions(ctx, city, "v1")); len(versions) != 2 || versions[1].Code != "340100001002" {
		t.Errorf("after the same file and a correction: %+v", versions)
	}
}

// What is planned for an area comes by the clock alone, and an area that has
// ended takes nothing new.
func TestAreasTurn(t *testing.T) {
	o := newOffice(t)
	ctx, admin := t.Context(), as(alerts.Admin, "city")
	turn := base.Add(48 * time.Hour).UTC().Truncate(time.Second)
	from := turn.Format(time.RFC3339)
	v3 := props{"id": "v3", "parent_id": "t2", "name": "大三村", "level": "village", "valid_from": from}
	_, err := o.ImportAreas(ctx, admin, strings.NewReader(collection(outline(with(v3, props{"parent_id": "t1"}), 117.2, 31.0, 117.3, 31.1))), "geojson", alerts.WGS84)
	if f := faultsOf(t, err); len(f) != 1 || f[0].Field != "valid_from" {
		t.Errorf("a planned parent: %v", err)
	}
	file := collection(outline(v3, 117.2, 31.0, 117.35, 31.1),
		outline(props{"id": "v4", "parent_id": "t3", "name": "四村", "level": "village", "valid_to": from}, 117.3, 31.0, 117.4, 31.1))
	ok[ImportResult](t)(o.ImportAreas(ctx, admin, strings.NewReader(file), "geojson", alerts.WGS84))
	p := alerts.Point{Lon: 117.34, Lat: 31.05} // in v4's grid; in v3 from the turn on
	name := func() string { return o.known.places().areaName("v3") }
	where := func() string { return o.known.places().index.Locate(p).AreaID }
	if err := o.turnPlaces(ctx); err != nil || name() != "三村" || where() != "v4" {
		t.Fatalf("before the turn: %s, %s, %v", name(), where(), err)
	}
	o.clock.add(49 * time.Hour)
	o.bus.forget()
	if err := o.turnPlaces(ctx); err != nil || name() != "大三村" || where() != "v3" {
		t.Errorf("after the turn: %s, %s, %v", name(), where(), err)
	}
	told := map[string]bool{}
	for _, e := range o.bus.sent {
		told[e.AreaID] = told[e.AreaID] || e.Kind == alerts.PlacesChanged
	}
	if !told["v3"] || !told["v4"] {
		t.Errorf("told of %v", told)
	}
	o.bus.forget()
	if err := o.turnPlaces(ctx); err != nil || len(o.bus.sent) != 0 {
		t.Errorf("the clock turns twice: %v %v", o.bus.kinds(), err)
	}
}
