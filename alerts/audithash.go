package alerts

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
)

// auditForm begins the canonical form of every audit entry; another form would
// begin otherwise.
const auditForm = "sharpeyes audit 1\n"

// AuditHash returns the hash of an entry that follows the one with the hash
// before; the first entry follows the empty hash. It is the SHA-256, in lower
// case hex, over the canonical form:
//
//	the line "sharpeyes audit 1", ended by a line feed, then these texts, each as
//	its length in bytes (decimal), a colon, its bytes (UTF-8) and a line feed:
//	the hash before, seq (decimal), the time in microseconds since 1970 UTC
//	(decimal), kind, user id, user name, role, address, area id, object,
//	the number of details (decimal), then name and value of each detail in the
//	byte order of the names.
//
// The lengths leave one reading of the form, so nothing can move from one field
// to the next unseen. Hash itself is not read.
func AuditHash(before string, e AuditEntry) string {
	b := make([]byte, 0, 512)
	b = append(b, auditForm...)
	text := func(s string) {
		b = strconv.AppendInt(b, int64(len(s)), 10)
		b = append(b, ':')
		b = append(b, s...)
		b = append(b, '\n')
	}
	number := func(n int64) { text(strconv.FormatInt(n, 10)) }
	text(before)
	number(e.Seq)
	number(e.At.UnixMicro())
	text(string(e.Kind))
	text(e.UserID)
	text(e.UserName)
	text(string(e.Role))
	text(e.Address)
	text(e.AreaID)
	text(e.Object)
	number(int64(len(e.Details)))
	for _, name := range slices.Sorted(maps.Keys(e.Details)) {
		text(name)
		text(e.Details[name])
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
