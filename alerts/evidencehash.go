package alerts

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
)

// EvidenceHash returns the hash of a piece of evidence that follows one with the
// hash before, which is empty for a case's first: SHA-256, hex, over a row of
// netstrings (see MoveHash):
//
//	"sharpeyes-evidence-1", before, ID, CaseID, N, Kind, Object, Bytes, SHA256,
//	MediaType, camera, its name, profile, longitude and latitude (shortest exact
//	decimals), from, to, actual from, actual to, frames, codec, width, height,
//	number of gaps, then beginning, end and cause of each,
//	number of losses, then time and milliseconds of each, the number of all,
//	clock offset in milliseconds or "", Of, Purpose, Note, ExportID, RequestID,
//	ByID, ByName, ByRole, At
//
// Times are microseconds since 1970 UTC, "" for none. Hash and the audit entry
// are not part of it: the entry carries the hash.
func EvidenceHash(before string, e Evidence) string {
	h := netstrings{sha256.New()}
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	moment := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return number(t.UnixMicro())
	}
	decimal := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	f := e.Footage
	h.add("sharpeyes-evidence-1", before, e.ID, e.CaseID, strconv.Itoa(e.N), string(e.Kind), e.Object, number(e.Bytes), e.SHA256, e.MediaType,
		f.CameraID, f.CameraName, f.Profile, decimal(f.Point.Lon), decimal(f.Point.Lat), moment(f.From), moment(f.To), moment(f.ActualFrom),
		moment(f.ActualTo), strconv.Itoa(f.Frames), f.Codec, strconv.Itoa(f.Width), strconv.Itoa(f.Height), strconv.Itoa(len(f.Gaps)))
	for _, g := range f.Gaps {
		h.add(moment(g.From), moment(g.To), g.Cause)
	}
	h.add(strconv.Itoa(len(f.Losses)))
	for _, l := range f.Losses {
		h.add(moment(l.At), number(l.MS))
	}
	offset := ""
	if f.OffsetMS != nil {
		offset = number(*f.OffsetMS)
	}
	h.add(strconv.Itoa(f.Lost), offset, e.Of, e.Purpose, e.Note, e.ExportID, e.RequestID, e.ByID, e.ByName, string(e.ByRole), moment(e.At))
	return hex.EncodeToString(h.Sum(nil))
}

// CheckEvidence tells whether the evidence of a case, from its first piece on, is
// whole: consecutive and chained. The error names the first that is not.
func CheckEvidence(list []Evidence) error {
	before := ""
	for i, e := range list {
		if e.N != i+1 {
			return Errorf(Internal, "case %s: piece of evidence %d follows %d", e.CaseID, e.N, i)
		}
		if e.CaseID != list[0].CaseID || EvidenceHash(before, e) != e.Hash {
			return Errorf(Internal, "case %s: piece of evidence %d is not what was written", e.CaseID, e.N)
		}
		before = e.Hash
	}
	return nil
}
