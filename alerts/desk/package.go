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
	all, err := d.readChain(ctx, k.ID)
	if err != nil {
		return nil, err
	}
	if len(all.list) == 0 {
		return nil, alerts.Errorf(alerts.Conflict, "the case has no evidence yet")
	}
	if wrong := all.findings(); len(wrong) > 0 {
		return nil, alerts.Errorf(alerts.Conflict, "the evidence of the case is not whole, and does not leave as if it were: %s", wrong[0])
	}
	filings, err := d.store.Filings(ctx, k.ID)
	if err != nil {
		return nil, err
	}
	m := evidence.Manifest{MadeAt: d.now(), MadeBy: orRole(s.Name, s.Role), Role: string(s.Role), ChainLength: len(all.list), Items: []evidence.Item{},
		Case: evidence.Case{ID: k.ID, Code: k.Code, Title: k.Title, Category: k.Category, Address: k.Address, Point: k.Point,
			Area: d.known.places().areaName(k.AreaID), OpenedAt: k.OpenedAt}}
	here := filedHere(&k, filings)
	pieces := make(map[string]alerts.Evidence) // of files
	for _, e := range all.list {
		item, err := d.packed(e, here(e))
		if err != nil {
			return nil, err
		}
		name := item.Name
		if item.Copy != nil {
			name = item.Copy.Name
		}
		pieces[name] = e
		m.Items = append(m.Items, item)
		m.ChainHead = e.Hash
	}
	if err := d.Audit(ctx, s, alerts.AuditEvidence, chainObject(k.ID), k.AreaID, map[string]string{"action": "package", "code": k.Code,
		"n": fmt.Sprint(len(all.list)), "hash": m.ChainHead}); err != nil {
		return nil, err
	}
	if m.AuditSeq, m.AuditHash, err = d.store.AuditHead(ctx); err != nil {
		return nil, err
	}
	open := func(ctx context.Context, f evidence.File) (io.ReadCloser, error) {
		e := pieces[f.Name]
		if id := e.PhotoID(); id != "" {
			return d.Photos.Open(id, false)
		}
		r, _, err := d.Objects.Get(ctx, e.Object, 0, -1)
		return r, err
	}
	return &Package{Name: "evidence-" + safeName(k.Code) + ".zip", write: func(ctx context.Context, w io.Writer) error {
		return evidence.Write(ctx, w, m, d.Signer, open)
	}}, nil
}

// packed is a piece as it leaves: of a photo that is shown with its case, with the
// copy that is shown.
func (d *Desk) packed(e alerts.Evidence, here bool) (evidence.Item, error) {
	id := e.PhotoID()
	switch {
	case id == "":
		return evidence.ItemOf(e, clipName(e)), nil
	case !here:
		item := evidence.ItemOf(e, "")
		item.Withheld = "its incident lies on another case now"
		return item, nil
	}
	r, err := d.Photos.Open(id, false)
	if err != nil {
		return evidence.Item{}, err
	}
	defer r.Close()
	h := sha256.New()
	size, err := io.Copy(h, r)
	item := evidence.ItemOf(e, "")
	item.Copy = &evidence.File{Name: fmt.Sprintf("%ss/%03d-copy.jpg", e.Kind, e.N), Bytes: size, SHA256: hex.EncodeToString(h.Sum(nil))}
	return item, err
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
