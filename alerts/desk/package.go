package desk

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"sharpeyes/alerts"
	"sharpeyes/alerts/evidence"
)

// Package is a case's evidence, ready to be written as a zip.
type Package struct {
	Name  string // of the file
	write func(ctx context.Context, w io.Writer) error
}

// Write streams the package. It fails where a stored file is not what was hashed:
// what has been written then is no readable zip.
func (p *Package) Write(ctx context.Context, w io.Writer) error { return p.write(ctx, w) }

// EvidenceKey is the public key that packages are signed with, and how people
// compare it.
func (d *Desk) EvidenceKey() (key ed25519.PublicKey, fingerprint string, err error) {
	if d.Signer == nil {
		return nil, "", errNoObjects
	}
	key, _ = d.Signer.Public().(ed25519.PublicKey)
	return key, evidence.Fingerprint(key), nil
}

// EvidencePackage gathers all evidence of a case. The entry that says so is on disk
// when it returns.
func (d *Desk) EvidencePackage(ctx context.Context, s alerts.Scope, caseID string) (*Package, error) {
	if err := s.Need(alerts.ExportClips); err != nil {
		return nil, err
	}
	k, err := d.caseOf(ctx, s, caseID)
	if err != nil {
		return nil, err
	}
	if d.Objects == nil || d.Signer == nil || d.Photos == nil {
		return nil, errNoObjects
	}
	list, err := d.store.EvidenceOf(ctx, k.ID)
	if err != nil {
		return nil, err
	}
	photos, err := d.casePhotos(ctx, k)
	if err != nil {
		return nil, err
	}
	if len(list)+len(photos) == 0 {
		return nil, alerts.Errorf(alerts.Conflict, "the case has no evidence yet")
	}
	m := evidence.Manifest{MadeAt: d.now(), MadeBy: orRole(s.Name, s.Role), Role: string(s.Role), ChainLength: len(list), Items: []evidence.Item{},
		Photos: []evidence.Photo{}, Case: evidence.Case{ID: k.ID, Code: k.Code, Title: k.Title, Category: k.Category, Address: k.Address, Point: k.Point,
			Area: d.known.places().areaName(k.AreaID), OpenedAt: k.OpenedAt}}
	objects := make(map[string]string) // of files
	for _, e := range list {
		item := evidence.ItemOf(e, clipName(e))
		objects[item.Name] = e.Object
		m.Items = append(m.Items, item)
		m.ChainHead = e.Hash
	}
	copies := make(map[string]string)
	for n, p := range photos {
		shown, err := d.photoFile(p, n+1)
		if err != nil {
			return nil, err
		}
		copies[shown.Name] = p.ID
		m.Photos = append(m.Photos, shown)
	}
	if err := d.Audit(ctx, s, alerts.AuditEvidence, "case/"+k.ID+"/evidence", k.AreaID, map[string]string{"action": "package", "code": k.Code,
		"pieces": fmt.Sprint(len(list)), "photos": fmt.Sprint(len(photos)), "hash": m.ChainHead}); err != nil {
		return nil, err
	}
	if m.AuditSeq, m.AuditHash, err = d.store.AuditHead(ctx); err != nil {
		return nil, err
	}
	open := func(ctx context.Context, f evidence.File) (io.ReadCloser, error) {
		if id := copies[f.Name]; id != "" {
			return d.Photos.Open(id, false)
		}
		r, _, err := d.Objects.Get(ctx, objects[f.Name], 0, -1)
		return r, err
	}
	return &Package{Name: "evidence-" + safeName(k.Code) + ".zip", write: func(ctx context.Context, w io.Writer) error {
		return evidence.Write(ctx, w, m, d.Signer, open)
	}}, nil
}

// photoFile hashes what may be shown of a photo.
func (d *Desk) photoFile(p casePhoto, n int) (evidence.Photo, error) {
	r, err := d.Photos.Open(p.ID, false)
	if err != nil {
		return evidence.Photo{}, err
	}
	defer r.Close()
	h := sha256.New()
	size, err := io.Copy(h, r)
	of := p.number
	if of == "" {
		of = "case"
	}
	return evidence.Photo{File: evidence.File{Name: fmt.Sprintf("photos/%03d-copy.jpg", n), Bytes: size, SHA256: hex.EncodeToString(h.Sum(nil))},
		ID: p.ID, Original: p.SHA256, Type: p.Type, Of: of, At: p.at}, err
}

// clipName is a piece's name in a package and when it is downloaded: a copy says
// that it is one.
func clipName(e alerts.Evidence) string {
	folder, mark := "clips", ""
	if e.Kind == alerts.EvidenceCopy {
		folder, mark = "copies", "-COPY"
	}
	return fmt.Sprintf("%s/%03d-%s-%s%s.mp4", folder, e.N, safeName(e.Footage.CameraID), e.Footage.ActualFrom.UTC().Format("20060102T150405Z"), mark)
}

// safeName leaves of a text what every system takes in a name.
func safeName(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, clip(s, 60))
}
