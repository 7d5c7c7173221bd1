package evidence

import (
	"archive/zip"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"

	"sharpeyes/alerts"
)

const maxFindings = 200

// Report is what a check found.
type Report struct {
	Findings []string // what is wrong, in words; none: the package is whole
	Manifest *Manifest
	Key      ed25519.PublicKey // that signed it; nil: no signature of it holds
	Trusted  bool              // Key is the one that was given
	Files    int               // that were checked and are right
}

// OK tells that nothing is wrong.
func (r *Report) OK() bool { return len(r.Findings) == 0 }

func (r *Report) add(format string, args ...any) {
	if len(r.Findings) < maxFindings {
		r.Findings = append(r.Findings, fmt.Sprintf(format, args...))
	}
}

// Verify checks a package of size bytes. key is the gateway's public key; without
// one the package's own is used, which proves that nothing was changed since it was
// signed, and not by whom.
func Verify(r io.ReaderAt, size int64, key ed25519.PublicKey) *Report {
	out := &Report{}
	z, err := zip.NewReader(r, size)
	if err != nil {
		out.add("this is no readable zip file: %v", err)
		return out
	}
	entries := out.entries(z, size)
	raw, ok := out.read(entries, ManifestName, MaxManifest)
	if !ok {
		return out
	}
	var m Manifest
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil || m.Format != Format {
		out.add("manifest.json is not a manifest of the form %s: %v", Format, err)
		return out
	}
	out.Manifest = &m
	out.signature(entries, raw, key)
	out.files(entries, &m)
	out.chain(&m)
	return out
}

// entries indexes the zip by name and names what no package of ours has.
func (r *Report) entries(z *zip.Reader, size int64) map[string]*zip.File {
	if len(z.File) > MaxFiles+3 {
		r.add("the zip has %d entries, at most %d are read", len(z.File), MaxFiles+3)
		return nil
	}
	byName := make(map[string]*zip.File, len(z.File))
	var all uint64
	for _, f := range z.File {
		name := fmt.Sprintf("%.120q", f.Name)
		switch {
		case !plain(f.Name):
			r.add("the entry %s has a name that could climb out of its folder or is no file", name)
			continue
		case byName[f.Name] != nil:
			r.add("the name %s is there twice: a reader may show either", name)
			continue
		case f.Method != zip.Store:
			r.add("the entry %s is compressed: no package of ours is", name)
			continue
		case f.Mode()&^0o777 != 0:
			r.add("the entry %s is no regular file", name)
			continue
		}
		if all += f.UncompressedSize64; f.UncompressedSize64 > uint64(size) || all > uint64(size) {
			r.add("the entries claim more bytes than the zip has")
			return nil
		}
		byName[f.Name] = f
	}
	return byName
}

// plain tells whether a name is a path below the folder that it is unpacked in.
func plain(name string) bool {
	return name != "" && len(name) <= 300 && !strings.ContainsAny(name, "\\:\x00") && path.Clean(name) == name && !path.IsAbs(name) &&
		name != ".." && !strings.HasPrefix(name, "../") && !strings.HasSuffix(name, "/")
}

// read returns a small entry.
func (r *Report) read(entries map[string]*zip.File, name string, most int64) ([]byte, bool) {
	f := entries[name]
	if f == nil {
		r.add("%s is missing", name)
		return nil, false
	}
	in, err := f.Open()
	if err != nil {
		r.add("%s cannot be read: %v", name, err)
		return nil, false
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, most+1))
	switch {
	case err != nil:
		r.add("%s cannot be read: %v", name, err)
	case int64(len(b)) > most:
		r.add("%s has more than %d bytes", name, most)
	default:
		return b, true
	}
	return nil, false
}

func (r *Report) signature(entries map[string]*zip.File, manifest []byte, key ed25519.PublicKey) {
	raw, ok := r.read(entries, SignatureName, maxSignature)
	if !ok {
		return
	}
	var s Signature
	if err := json.Unmarshal(raw, &s); err != nil || s.Algorithm != "Ed25519" {
		r.add("signature.json holds no Ed25519 signature")
		return
	}
	own, err := base64.StdEncoding.DecodeString(s.Key)
	sig, err2 := base64.StdEncoding.DecodeString(s.Signature)
	if err != nil || err2 != nil || len(own) != ed25519.PublicKeySize || len(sig) != ed25519.SignatureSize {
		r.add("signature.json is damaged")
		return
	}
	digest := sha256.Sum256(manifest)
	if s.Manifest != hex.EncodeToString(digest[:]) {
		r.add("manifest.json was changed after it was signed: its SHA-256 is %x, signed was %.64s", digest, s.Manifest)
	}
	if key != nil && !bytes.Equal(own, key) {
		r.add("the package was signed by another key, fingerprint %s, and not by the gateway whose key was given, fingerprint %s",
			Fingerprint(own), Fingerprint(key))
	}
	if !ed25519.Verify(own, manifest, sig) {
		r.add("the signature does not hold: manifest.json or signature.json was changed")
		return
	}
	r.Key, r.Trusted = own, key != nil && bytes.Equal(own, key)
}

// files compares what is there with what the manifest names.
func (r *Report) files(entries map[string]*zip.File, m *Manifest) {
	named := map[string]bool{ManifestName: true, SignatureName: true}
	bySum := make(map[string]string) // to tell a swapped file
	for _, f := range m.Files() {
		bySum[f.SHA256] = f.Name
	}
	for _, f := range m.Files() {
		if named[f.Name] {
			r.add("manifest.json names %q twice", f.Name)
			continue
		}
		named[f.Name] = true
		e := entries[f.Name]
		if e == nil {
			r.add("%s is missing", f.Name)
			continue
		}
		r.file(e, f, bySum)
	}
	for name := range entries {
		if !named[name] {
			r.add("%q was added: manifest.json does not name it", name)
		}
	}
}

func (r *Report) file(e *zip.File, f File, bySum map[string]string) {
	in, err := e.Open()
	if err != nil {
		r.add("%s cannot be read: %v", f.Name, err)
		return
	}
	defer in.Close()
	h := sha256.New()
	// The checksum of the zip itself is of no interest: whoever changes a file
	// changes that, too.
	n, err := io.Copy(h, io.LimitReader(in, max(f.Bytes, 0)+1))
	got := sum(h)
	switch other, swapped := bySum[got]; {
	case got == f.SHA256 && n == f.Bytes:
		r.Files++
	case swapped && n > 0:
		r.add("%s was swapped: it holds what should be %s", f.Name, other)
	case n != f.Bytes || e.UncompressedSize64 != uint64(f.Bytes):
		r.add("%s was changed: it has %d bytes, and should have %d", f.Name, e.UncompressedSize64, f.Bytes)
	case err != nil && n < f.Bytes:
		r.add("%s cannot be read to its end: %v", f.Name, err)
	default:
		r.add("%s was changed: its SHA-256 is %s, and should be %s", f.Name, got, f.SHA256)
	}
}

// chain checks that each piece is what was written, and that none is missing.
func (r *Report) chain(m *Manifest) {
	if len(m.Items) != m.ChainLength {
		r.add("the chain was shortened: the case had %d pieces of evidence, here are %d", m.ChainLength, len(m.Items))
	}
	before := ""
	for i, item := range m.Items {
		if item.photo() == (item.Copy == nil && item.Withheld == "") || item.photo() == (item.Name != "") {
			r.add("piece %d (%s): a photo or a file must come as a copy, or say why not; all else as it was kept", i+1, item.shown())
		}
		switch e := item.piece(m.Case.ID); {
		case item.N != i+1:
			r.add("the chain is broken: piece %d stands where piece %d should", item.N, i+1)
			return
		case alerts.EvidenceHash(before, e) != item.Hash:
			r.add("the chain is broken at piece %d (%s): what the manifest says of it, or of those before it, is not what was recorded", item.N, item.shown())
			return
		}
		before = item.Hash
	}
	if before != m.ChainHead {
		r.add("the chain does not end where it did: its head is %.16s…, recorded was %.16s…", before, m.ChainHead)
	}
}
