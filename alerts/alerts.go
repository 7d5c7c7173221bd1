// Package alerts is the domain: what happens in a town's grids (网格), where,
// who may see it, and the contracts of what keeps and spreads it.
//
// Invariants:
//   - An Incident is immutable and is never deleted.
//   - A change and its Event are committed together; events carry consecutive
//     sequence numbers. The store is the truth, the bus is a hint.
//   - Every query takes a Scope; the zero Scope sees nothing.
//
// The package imports the standard library only; dependencies point at it.
package alerts

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"time"
)

// Point is a position in WGS-84 degrees (CGCS2000 counts as equal).
type Point struct {
	Lon float64 `json:"lon"`
	Lat float64 `json:"lat"`
}

// Ring is a closed line: the first point is repeated at the end.
type Ring []Point

// MultiPolygon is a list of polygons; a polygon's first ring is its outside,
// the others are holes.
type MultiPolygon [][]Ring

// CoordSystem names the system that positions were given in.
type CoordSystem string

// The systems that are accepted at the edge; everything inside is WGS-84.
const (
	WGS84 CoordSystem = "wgs84"
	GCJ02 CoordSystem = "gcj02"
	BD09  CoordSystem = "bd09"
)

// Clock tells the time; tests inject their own.
type Clock func() time.Time

var idAlphabet = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewID returns a new identifier: 26 characters that sort by the time of their
// making (48 bits of milliseconds, 80 random bits).
func NewID(now time.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixMilli())<<16)
	_, _ = rand.Read(b[6:]) // never fails: crypto/rand ends the process instead
	return idAlphabet.EncodeToString(b[:])
}
