package alerts

import (
	"context"
	"io"
	"strings"
)

// MaxObjectKey bounds a key, bytes.
const MaxObjectKey = 200

const photoFolder = "photos/"

// PhotoKey is the key of a photo's original.
func PhotoKey(id string) string { return photoFolder + id }

// ObjectInfo is one object as it is listed.
type ObjectInfo struct {
	Key  string
	Size int64
}

// Objects keeps evidence and the originals of photos: whole files under keys,
// which are written once and never changed.
type Objects interface {
	// Put reads r to its end and keeps it; it is on the disk, whole, when Put
	// returns, and not there at all where it fails. A key that is taken is a
	// Conflict, a full disk Unavailable; errors of r come back as they are.
	Put(ctx context.Context, key string, r io.Reader) (size int64, err error)
	// Get returns n bytes from an offset on, less at the end, to the end where n
	// is negative, and the size of the whole. What is not there is NotFound.
	Get(ctx context.Context, key string, from, n int64) (r io.ReadCloser, size int64, err error)
	// Remove takes an object away; one that is not there is no error.
	Remove(ctx context.Context, key string) error
	// List returns at most limit objects whose key begins with prefix, from
	// behind after on, in the order of the bytes of their keys.
	List(ctx context.Context, prefix, after string, limit int) ([]ObjectInfo, error)
}

// CheckObjectKey tells why a key is not taken: it is one to ten names of lower
// case letters, digits, dots, dashes and underscores, none beginning with a dot,
// with slashes between them.
func CheckObjectKey(key string) error {
	names := strings.Split(key, "/")
	ok := key != "" && len(key) <= MaxObjectKey && len(names) <= 10
	for _, name := range names {
		ok = ok && name != "" && name[0] != '.' && strings.Trim(name, "0123456789abcdefghijklmnopqrstuvwxyz._-") == ""
	}
	if !ok {
		return Errorf(Invalid, "no object has such a key")
	}
	return nil
}
