package alerts

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"maps"
	"slices"
	"strconv"
)

// MoveHash returns the hash of a move that follows one with the hash before,
// which is empty for a case's first: SHA-256, hex, over the canonical form.
//
// The canonical form is a row of netstrings (decimal length in bytes, ":", the
// bytes, ","), so that nothing can pass from one field into another:
//
//	"sharpeyes-move-1", before, CaseID, N, Action, From, To,
//	At (microseconds since 1970 UTC), ActorID, ActorName, ActorRole,
//	DepartmentID, AreaID, Reason,
//	number of Details, then key and value of each in the order of the keys,
//	number of Files, then each,
//	"" without a place, else longitude " " latitude, shortest exact decimals
//
// Numbers are decimal. Hash itself is not part of it.
func MoveHash(before string, m Move) string {
	h := netstrings{sha256.New()}
	h.add("sharpeyes-move-1", before, m.CaseID, strconv.Itoa(m.N), string(m.Action), string(m.From), string(m.To),
		strconv.FormatInt(m.At.UnixMicro(), 10), m.ActorID, m.ActorName, string(m.ActorRole), m.DepartmentID, m.AreaID,
		m.Reason, strconv.Itoa(len(m.Details)))
	for _, k := range slices.Sorted(maps.Keys(m.Details)) {
		h.add(k, m.Details[k])
	}
	h.add(strconv.Itoa(len(m.Files)))
	h.add(m.Files...)
	place := ""
	if m.Place != nil {
		place = strconv.FormatFloat(m.Place.Lon, 'f', -1, 64) + " " + strconv.FormatFloat(m.Place.Lat, 'f', -1, 64)
	}
	h.add(place)
	return hex.EncodeToString(h.Sum(nil))
}

// CheckMoves tells whether the moves of a case, from its first on, are whole:
// consecutive and chained. The error names the first that is not.
func CheckMoves(moves []Move) error {
	before := ""
	for i, m := range moves {
		if m.N != i+1 {
			return Errorf(Internal, "case %s: move %d follows %d", m.CaseID, m.N, i)
		}
		if m.CaseID != moves[0].CaseID || MoveHash(before, m) != m.Hash {
			return Errorf(Internal, "case %s: move %d is not what was written", m.CaseID, m.N)
		}
		before = m.Hash
	}
	return nil
}

type netstrings struct{ hash.Hash }

func (n netstrings) add(fields ...string) {
	for _, f := range fields {
		_, _ = io.WriteString(n, strconv.Itoa(len(f))+":"+f+",") // never fails
	}
}
