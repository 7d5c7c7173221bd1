package desk

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"sharpeyes/alerts"
	"sharpeyes/alerts/geo"
)

// faults collects what is wrong with an input, so that it is told all at once.
type faults []alerts.Fault

func (f *faults) add(field, format string, args ...any) {
	*f = append(*f, alerts.Fault{Field: field, Message: fmt.Sprintf(format, args...)})
}

// err is nil where there are no faults.
func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	message := f[0].Field + ": " + f[0].Message
	if len(f) > 1 {
		message += fmt.Sprintf(" (and %d more)", len(f)-1)
	}
	return &alerts.Error{Kind: alerts.Invalid, Message: message, Faults: f}
}

// line takes a text of one line: trimmed, at most limit characters, at least
// one where it is required.
func (f *faults) line(field, text string, required bool, limit int) string {
	return f.text(field, text, required, limit, "")
}

// lines takes a text that may have several lines.
func (f *faults) lines(field, text string, required bool, limit int) string {
	// One way to end a line, so that the same text has the same hash.
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n").Replace(text)
	return f.text(field, text, required, limit, "\n\t")
}

func (f *faults) text(field, text string, required bool, limit int, allowed string) string {
	text = strings.TrimSpace(text)
	switch n := utf8.RuneCountInString(text); {
	case !utf8.ValidString(text):
		f.add(field, "must be UTF-8 text")
	case required && n == 0:
		f.add(field, "must not be empty")
	case n > limit:
		f.add(field, "has %d characters, at most %d are taken", n, limit)
	case strings.ContainsFunc(text, func(r rune) bool { return hidden(r) && !strings.ContainsRune(allowed, r) }):
		f.add(field, "holds control characters: write it as plain text")
	}
	return text
}

// hidden tells the characters that are not seen and may mislead: controls, and
// those that turn the direction of what follows.
func hidden(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\ufeff' ||
		r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r == '\u200e' || r == '\u200f'
}

// between takes a finite number in a closed range.
func (f *faults) between(field string, v, lo, hi float64) {
	if math.IsNaN(v) || v < lo || v > hi {
		f.add(field, "must be %g to %g", lo, hi)
	}
}

// place takes a position in a system; the zero system is WGS-84.
func (f *faults) place(lon, lat float64, system alerts.CoordSystem) (p, given alerts.Point, _ alerts.CoordSystem) {
	if system == "" {
		system = alerts.WGS84
	}
	given = alerts.Point{Lon: lon, Lat: lat}
	before := len(*f)
	if math.IsNaN(lon) || lon < -180 || lon > 180 {
		f.add("lon", "must be -180 to 180 degrees")
	}
	if math.IsNaN(lat) || lat < -90 || lat > 90 {
		f.add("lat", "must be -90 to 90 degrees")
	}
	if !geo.KnownSystem(system) {
		f.add("system", "must be wgs84, gcj02 or bd09")
	}
	if len(*f) > before {
		return p, given, system
	}
	return geo.ToWGS84(system, given), given, system
}

func (f *faults) oneOf(field, v string, values ...string) {
	for _, x := range values {
		if v == x {
			return
		}
	}
	f.add(field, "must be one of %s", strings.Join(values, ", "))
}

// pattern takes a text that a regular expression matches as a whole.
func (f *faults) pattern(field, v string, re *regexp.Regexp, want string) {
	if !re.MatchString(v) {
		f.add(field, "must be %s", want)
	}
}

func severityNames() []string {
	out := make([]string, len(alerts.Severities))
	for i, v := range alerts.Severities {
		out[i] = string(v)
	}
	return out
}

func roleNames() []string {
	out := make([]string, len(alerts.Roles))
	for i, v := range alerts.Roles {
		out[i] = string(v)
	}
	return out
}
