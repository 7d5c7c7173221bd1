// Package evidence writes the package that a case's evidence leaves in, and tells
// what is wrong with one.
//
// Invariants:
//   - A package is a zip without compression: manifest.json, signature.json,
//     README.txt, then the files. The manifest names every other file with its
//     length and SHA-256, and holds all that each piece's chained hash is made of.
//   - signature.json is an Ed25519 signature (RFC 8032) over the bytes of the
//     manifest. Who has the public key needs nothing else to check a package.
//   - Photos and files are pieces of the chain like clips. They leave as copies
//     without metadata: the manifest has the hash of the original, which is the
//     piece, and that of the copy, which is in the package.
//   - Writing streams; a stored file that is not what was hashed fails the package.
//   - Checking reads no more than the manifest says a file has, and nothing that it
//     does not name: a hostile package costs no more than its own size.
package evidence

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"sharpeyes/alerts"
)

// Format names the form of packages.
const Format = "sharpeyes-evidence-2"

// Names of what is in every package.
const (
	ManifestName  = "manifest.json"
	SignatureName = "signature.json"
	ReadmeName    = "README.txt"
)

// Bounds of a package.
const (
	MaxFiles     = 4000
	MaxManifest  = 32 << 20
	maxSignature = 4 << 10
)

// Manifest says what a package holds.
type Manifest struct {
	Format string    `json:"format"`
	Case   Case      `json:"case"`
	MadeAt time.Time `json:"made_at"`
	MadeBy string    `json:"made_by"`
	Role   string    `json:"made_by_role"`
	Items  []Item    `json:"items"`
	Readme File      `json:"readme"`

	ChainLength int    `json:"chain_length"` // pieces that the case had
	ChainHead   string `json:"chain_head"`   // hash of the last; empty: none
	AuditSeq    int64  `json:"audit_seq"`    // newest entry of the audit then
	AuditHash   string `json:"audit_hash"`
}

// Case is what the evidence is about.
type Case struct {
	ID       string       `json:"id"`
	Code     string       `json:"code"`
	Title    string       `json:"title"`
	Category string       `json:"category"`
	Address  string       `json:"address"`
	Point    alerts.Point `json:"point"`
	Area     string       `json:"area"`
	OpenedAt time.Time    `json:"opened_at"`
}

// File is one file of the package.
type File struct {
	Name   string `json:"file,omitempty"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Item is one piece of the case's chain. Its file is the piece as it was kept; of
// a photo, which has none here, length and hash are the original's.
type Item struct {
	File
	Copy      *File               `json:"copy,omitempty"`     // of a photo: what is here, without metadata
	Withheld  string              `json:"withheld,omitempty"` // why not even a copy is here
	N         int                 `json:"n"`
	ID        string              `json:"id"`
	Kind      alerts.EvidenceKind `json:"kind"`
	Object    string              `json:"object"`
	MediaType string              `json:"media_type"`
	Footage   alerts.Footage      `json:"footage,omitzero"`
	Of        string              `json:"of,omitempty"`
	Purpose   string              `json:"purpose"`
	Note      string              `json:"note,omitempty"`
	ExportID  string              `json:"export_id,omitempty"`
	RequestID string              `json:"request_id,omitempty"`
	ByID      string              `json:"by_id"`
	ByName    string              `json:"by"`
	ByRole    alerts.Role         `json:"by_role"`
	At        time.Time           `json:"at"`
	Hash      string              `json:"chain"`
	AuditSeq  int64               `json:"audit_seq"`
	AuditHash string              `json:"audit_hash"`
}

// ItemOf makes an item of a piece; of a photo's without a name.
func ItemOf(e alerts.Evidence, name string) Item {
	return Item{File: File{name, e.Bytes, e.SHA256}, N: e.N, ID: e.ID, Kind: e.Kind, Object: e.Object, MediaType: e.MediaType, Footage: e.Footage,
		Of: e.Of, Purpose: e.Purpose, Note: e.Note, ExportID: e.ExportID, RequestID: e.RequestID, ByID: e.ByID, ByName: e.ByName, ByRole: e.ByRole,
		At: e.At, Hash: e.Hash, AuditSeq: e.AuditSeq, AuditHash: e.AuditHash}
}

// piece is the inverse of ItemOf.
func (i Item) piece(caseID string) alerts.Evidence {
	return alerts.Evidence{ID: i.ID, CaseID: caseID, N: i.N, Kind: i.Kind, Object: i.Object, Bytes: i.Bytes, SHA256: i.SHA256, MediaType: i.MediaType,
		Footage: i.Footage, Of: i.Of, Purpose: i.Purpose, Note: i.Note, ExportID: i.ExportID, RequestID: i.RequestID, ByID: i.ByID, ByName: i.ByName,
		ByRole: i.ByRole, At: i.At, Hash: i.Hash, AuditSeq: i.AuditSeq, AuditHash: i.AuditHash}
}

// photo tells whether a piece leaves as a copy alone.
func (i Item) photo() bool { return i.Kind == alerts.EvidencePhoto || i.Kind == alerts.EvidenceFile }

// shown is the name by which people find a piece.
func (i Item) shown() string {
	switch {
	case i.Copy != nil:
		return i.Copy.Name
	case i.Name == "":
		return string(i.Kind) + " " + i.ID
	}
	return i.Name
}

// Files lists what the manifest names, itself and its signature apart.
func (m *Manifest) Files() []File {
	out := []File{m.Readme}
	for _, i := range m.Items {
		switch {
		case i.Copy != nil:
			out = append(out, *i.Copy)
		case !i.photo():
			out = append(out, i.File)
		}
	}
	return out
}

// photos counts the pieces that are photos or files.
func (m *Manifest) photos() int {
	n := 0
	for _, i := range m.Items {
		if i.photo() {
			n++
		}
	}
	return n
}

// Signature is what signature.json holds.
type Signature struct {
	Algorithm string `json:"alg"` // "Ed25519"
	Key       string `json:"key"` // public key, base64
	Manifest  string `json:"manifest_sha256"`
	Signature string `json:"signature"` // over the bytes of the manifest, base64
}

func sign(manifest []byte, key ed25519.PrivateKey) ([]byte, error) {
	sum := sha256.Sum256(manifest)
	public, _ := key.Public().(ed25519.PublicKey)
	return json.MarshalIndent(Signature{"Ed25519", base64.StdEncoding.EncodeToString(public), hex.EncodeToString(sum[:]),
		base64.StdEncoding.EncodeToString(ed25519.Sign(key, manifest))}, "", "  ")
}

// Fingerprint is how people compare public keys: SHA-256 in groups of four.
func Fingerprint(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	var groups []string
	for s := hex.EncodeToString(sum[:16]); s != ""; s = s[4:] {
		groups = append(groups, s[:4])
	}
	return strings.Join(groups, " ")
}

// ParseKey reads a public key: the answer of GET /evidence/key, or its base64.
func ParseKey(b []byte) (ed25519.PublicKey, error) {
	var answer struct {
		Key string `json:"key"`
	}
	text := strings.TrimSpace(string(b))
	if json.Unmarshal(b, &answer) == nil && answer.Key != "" {
		text = answer.Key
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return nil, errors.New("the key file must hold an Ed25519 public key: the answer of /api/v1/evidence/key, or its base64")
	}
	return raw, nil
}
