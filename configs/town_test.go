package configs

import (
	"encoding/json"
	"io/fs"
	"math/rand/v2"
	"regexp"
	"testing"
)

type place struct {
	ID         string `json:"id"`
	ParentID   string `json:"parent_id"`
	AreaID     string `json:"area_id"`
	Name       string `json:"name"`
	NameEn     string `json:"name_en"`
	Level      string `json:"level"`
	Kind       string `json:"kind"`
	Code       string `json:"code"`
	Scheme     string `json:"scheme"`
	ValidFrom  string `json:"valid_from"`
	Households int    `json:"households"`
	shape      ring
}

func places(t *testing.T, file string) []place {
	t.Helper()
	var doc struct {
		Features []struct {
			Properties place
			Geometry   struct {
				Type        string
				Coordinates [][][2]float64
			}
		}
	}
	load(t, file, &doc)
	var out []place
	for _, f := range doc.Features {
		p := f.Properties
		if f.Geometry.Type != "Polygon" || len(f.Geometry.Coordinates) != 1 {
			t.Fatalf("%s is a %s of %d rings, want a Polygon of one", p.ID, f.Geometry.Type, len(f.Geometry.Coordinates))
		}
		for _, c := range f.Geometry.Coordinates[0] {
			v, ok := onLattice(c[0], c[1])
			if !ok {
				t.Fatalf("%s: %v is finer than a millionth of a degree", p.ID, c)
			}
			p.shape = append(p.shape, v)
		}
		out = append(out, p)
	}
	return out
}

func load(t *testing.T, file string, into any) {
	t.Helper()
	b, err := fs.ReadFile(Demo(), file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func TestAreasFormATree(t *testing.T) {
	code, above := regexp.MustCompile(`^99\d{10}$`), map[string]string{"county": "city", "township": "county", "village": "township"}
	byID, count := map[string]place{}, map[string]int{}
	areas := places(t, Areas)
	codes := map[string]bool{}
	for _, a := range areas { // parents come first, as an importer reads them
		if a.ID == "" || a.Name == "" || a.NameEn == "" || a.Scheme == "" || a.ValidFrom == "" {
			t.Errorf("%+v lacks a property", a.ID)
		}
		if _, twice := byID[a.ID]; twice || codes[a.Code] || !code.MatchString(a.Code) {
			t.Errorf("%s: id or code %s is taken, or not 12 digits of the unassigned province 99", a.ID, a.Code)
		}
		if p, ok := byID[a.ParentID]; a.Level != "city" && (!ok || p.Level != above[a.Level]) {
			t.Errorf("%s: parent %q is not a %s", a.ID, a.ParentID, above[a.Level])
		}
		byID[a.ID], codes[a.Code] = a, true
		count[a.Level]++
	}
	if count["city"] != 1 || count["county"] != 2 || count["township"] != 4 || count["village"] != 12 {
		t.Errorf("areas by level: %v", count)
	}
}

func TestEveryRingIsClosedAndSimple(t *testing.T) {
	for _, p := range append(places(t, Areas), places(t, Grids)...) {
		r := p.shape
		if len(r) < 4 || r[0] != r[len(r)-1] {
			t.Errorf("%s is not closed", p.ID)
			continue
		}
		if r.area2() <= 0 {
			t.Errorf("%s does not run counter-clockwise (RFC 7946, 3.1.6)", p.ID)
		}
		if !r.simple() {
			t.Errorf("%s touches itself", p.ID)
		}
	}
}

// Children tile their parent when the borders they share cancel out and what
// remains is the parent's ring, edge by edge, and the areas add up.
func TestChildrenTileTheirParents(t *testing.T) {
	areas, parts := places(t, Areas), map[string][]ring{}
	for _, a := range areas {
		parts[a.ParentID] = append(parts[a.ParentID], a.shape)
	}
	for _, g := range places(t, Grids) {
		parts[g.AreaID] = append(parts[g.AreaID], g.shape)
	}
	for _, a := range areas {
		rest, ok := outline(parts[a.ID])
		if !ok {
			t.Errorf("%s: parts overlap along an edge", a.ID)
		}
		var sum int64
		for _, p := range parts[a.ID] {
			sum += p.area2()
		}
		if sum != a.shape.area2() {
			t.Errorf("%s: parts have the area %d, the whole %d", a.ID, sum, a.shape.area2())
		}
		for i := 1; i < len(a.shape); i++ {
			delete(rest, edge{a.shape[i-1], a.shape[i]})
		}
		if want, _ := outline([]ring{a.shape}); len(rest) != 0 || len(want) != len(a.shape)-1 {
			t.Errorf("%s: %d edges of its parts are not its own", a.ID, len(rest))
		}
	}
}

func TestAPointLiesInOneGrid(t *testing.T) {
	areas, grids := places(t, Areas), places(t, Grids)
	byID := map[string]place{}
	for _, a := range areas {
		byID[a.ID] = a
	}
	city := areas[0].shape
	lo, hi := city[0], city[0]
	for _, v := range city {
		lo, hi = vertex{min(lo.x, v.x), min(lo.y, v.y)}, vertex{max(hi.x, v.x), max(hi.y, v.y)}
	}
	rnd, inside := rand.New(rand.NewPCG(1, 2)), 0
	for range 4000 {
		// a third of a step off the lattice: hardly ever on a border
		x, y := float64(lo.x+rnd.Int64N(hi.x-lo.x))+.33, float64(lo.y+rnd.Int64N(hi.y-lo.y))+.33
		n := 0
		for _, g := range grids {
			if g.shape.holds(x, y) {
				n++
				for id := g.AreaID; id != ""; id = byID[id].ParentID {
					if !byID[id].shape.holds(x, y) {
						t.Errorf("%.2f, %.2f is in %s but not in %s", x, y, g.ID, id)
					}
				}
			}
		}
		want := 0
		if city.holds(x, y) {
			want = 1
			inside++
		}
		if n != want {
			t.Errorf("%.2f, %.2f lies in %d grids, want %d", x, y, n, want)
		}
	}
	if inside < 2000 {
		t.Errorf("only %d points hit the city", inside)
	}
}

func TestGrids(t *testing.T) {
	villages := map[string]place{}
	for _, a := range places(t, Areas) {
		if a.Level == "village" {
			villages[a.ID] = a
		}
	}
	bounds := map[string][2]int{"street": {200, 500}, "yard": {200, 500}, "rural": {100, 300}, "unit": {0, 500}}
	seen, kinds, outside := map[string]bool{}, map[string]int{}, 0
	grids := places(t, Grids)
	for _, g := range grids {
		v, ok := villages[g.AreaID]
		if !ok {
			t.Errorf("%s: area %q is no village", g.ID, g.AreaID)
		}
		if seen[g.ID] || seen[g.Code] || seen[g.Name] {
			t.Errorf("%s: id, code or name is taken", g.ID)
		}
		seen[g.ID], seen[g.Code], seen[g.Name] = true, true, true
		if len(g.Code) != 15 || g.Code[:12] != v.Code || g.Scheme == "" || g.ValidFrom == "" || g.Name == "" {
			t.Errorf("%s: code %q is not its village's %s and 3 digits, or a property is empty", g.ID, g.Code, v.Code)
		}
		b, ok := bounds[g.Kind]
		if !ok {
			t.Errorf("%s: kind %q", g.ID, g.Kind)
		}
		kinds[g.Kind]++
		if g.Households < b[0] || g.Households > b[1] {
			outside++
		}
	}
	if len(grids) < 58 || len(grids) > 66 {
		t.Errorf("%d grids, want about 60", len(grids))
	}
	for k := range bounds {
		if kinds[k] == 0 {
			t.Errorf("no grid of kind %s", k)
		}
	}
	if outside < 3 || outside > 6 {
		t.Errorf("%d grids have households outside the bounds, want a few so that the warning shows", outside)
	}
}
