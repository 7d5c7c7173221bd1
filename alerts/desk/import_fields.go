package desk

import (
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/geo"
)

var codePattern = regexp.MustCompile(`^[0-9]{12}$`)

// properties reads the properties of one feature and collects what is wrong
// with them.
type properties struct {
	faults
	feature geo.Feature
}

// newProperties refuses names that look like a slip of one that is taken and
// is missing; all others are somebody else's and ignored.
func newProperties(feature geo.Feature, taken []string) *properties {
	p := &properties{feature: feature}
	for name := range feature.Properties {
		if near, slip := slipOf(strings.ToLower(name), taken); slip && feature.Properties[near] == nil {
			p.add(shown(name), "is not known; did you mean %q?", near)
		}
	}
	slices.SortFunc(p.faults, func(a, b alerts.Fault) int { return strings.Compare(a.Field, b.Field) })
	return p
}

// slipOf tells whether a name is nearly, but not, one that is known. Short
// names are near to everything.
func slipOf(name string, known []string) (near string, slip bool) {
	near, d := nearest(name, known)
	n := len([]rune(near))
	return near, d == 1 && n > 3 || d == 2 && n > 4
}

// scalar returns a property as text: strings and numbers as they are written,
// null and what is absent as nothing.
func (p *properties) scalar(name string) string {
	raw := p.feature.Properties[name]
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	switch raw[0] {
	case '"':
		var s string
		if err := json.Unmarshal(raw, &s); err == nil {
			return s
		}
	case '{', '[', 't', 'f':
		p.add(name, "must be a text or a number")
		return ""
	}
	return string(raw)
}

func (p *properties) line(name string, required bool, limit int) string {
	return p.faults.line(name, p.scalar(name), required, limit)
}

// id is the id in the properties, else that of the feature.
func (p *properties) id() string {
	id := p.scalar("id")
	switch {
	case id == "":
		id = p.feature.ID
	case p.feature.ID != "" && p.feature.ID != id:
		p.add("id", "is another one than the feature's own id %q; give one of them", shown(p.feature.ID))
		return id
	}
	p.pattern("id", id, idPattern, "1 to 64 letters, digits, dots, dashes or underscores")
	return id
}

func (p *properties) whole(name string, lo, hi int) int {
	text := strings.TrimSpace(p.scalar(name))
	if text == "" {
		return 0
	}
	v, ok := number(text)
	if !ok || v != math.Trunc(v) || v < float64(lo) || v > float64(hi) {
		p.add(name, "must be a whole number, %d to %d", lo, hi)
		return 0
	}
	return int(v)
}

// validity reads valid_from and valid_to, days or moments.
func (p *properties) validity() (from, to time.Time) {
	from, to = p.day("valid_from"), p.day("valid_to")
	if !to.IsZero() && !to.After(from) {
		p.add("valid_to", "must be later than valid_from")
	}
	return from, to
}

func (p *properties) day(name string) time.Time {
	text := strings.TrimSpace(p.scalar(name))
	if text == "" {
		return time.Time{}
	}
	for _, layout := range [...]string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil && t.Year() >= 1900 && t.Year() <= 2200 {
			return t.UTC().Truncate(time.Millisecond)
		}
	}
	p.add(name, "must be a day such as 2026-01-31")
	return time.Time{}
}

// shapeOr is the feature's shape, or the stored one where the feature has none
// or the same to the centimetre.
func (p *properties) shapeOr(system alerts.CoordSystem, stored alerts.MultiPolygon, known bool) alerts.MultiPolygon {
	if f := p.feature; f.Point == nil && len(f.Line) == 0 && len(f.Shape) == 0 {
		if !known {
			p.add("geometry", "is missing; a Polygon or MultiPolygon is wanted")
		}
		return stored
	}
	shape := p.shape(system)
	if known && sameShape(stored, shape) {
		return stored
	}
	return shape
}

// shape checks the polygons, converts them and winds them as GeoJSON wants.
func (p *properties) shape(system alerts.CoordSystem) alerts.MultiPolygon {
	if p.feature.Point != nil {
		p.add("geometry.type", "is \"Point\", it must be \"Polygon\" or \"MultiPolygon\"")
		return nil
	}
	if len(p.feature.Line) > 0 {
		p.add("geometry.type", "is \"LineString\", it must be \"Polygon\" or \"MultiPolygon\"")
		return nil
	}
	shape := p.feature.Shape
	problems := geo.Check(shape)
	for _, found := range problems {
		p.add(p.feature.Path(found), "%s", found.Message)
	}
	if len(problems) > 0 {
		return nil
	}
	for _, polygon := range shape {
		for _, ring := range polygon {
			for i := range ring {
				ring[i] = geo.ToWGS84(system, ring[i])
			}
		}
	}
	geo.Wind(shape)
	return shape
}

// number reads a finite decimal number and nothing else that Go takes for one.
func number(text string) (float64, bool) {
	if strings.Trim(text, "+-.0123456789eE") != "" || len(text) > 40 {
		return 0, false
	}
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil
}

// shown makes a name from a file fit into a message or a fault's field.
func shown(s string) string {
	const most = 40
	runes := []rune(strings.ToValidUTF8(s, "?"))
	for i, r := range runes {
		if hidden(r) {
			runes[i] = ' '
		}
	}
	if len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return string(runes)
}

// nearest returns the name that is fewest edits away.
func nearest(name string, known []string) (best string, distance int) {
	distance = math.MaxInt
	for _, k := range known {
		if d := edits(name, k); d < distance {
			best, distance = k, d
		}
	}
	return best, distance
}

// edits is Levenshtein's distance in characters; names far longer than any that
// is known are not measured.
func edits(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 64 {
		return math.MaxInt
	}
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range x {
		corner := row[0]
		row[0] = i + 1
		for j, q := range y {
			cost := corner + 1
			if r == q {
				cost = corner
			}
			corner = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(y)]
}
