package desk

import (
	"context"
	"fmt"
	"strconv"

	"sharpeyes/alerts"
)

// chain is the evidence of a case while pieces are added to it, in a transaction.
//
// A photo or a file becomes a piece in the transaction in which it comes onto the
// case: with the case itself, as an attachment, or with an incident that is merged
// in. It stays one when the incident is taken out again, as a clip would; what it
// shows is then seen with its own case alone. No chain has the same photo twice.
type chain struct {
	c    *change
	k    *alerts.Case
	list []alerts.Evidence
}

func (c *change) chainOf(ctx context.Context, k *alerts.Case) (*chain, error) {
	list, err := c.EvidenceOf(ctx, k.ID)
	return &chain{c, k, list}, err
}

// chainObject is what the entries about a case's chain are about: the newest of
// them tells how long it is.
func chainObject(caseID string) string { return "case/" + caseID + "/evidence" }

// add chains a piece to those that there are, and ties it to the audit.
func (h *chain) add(s alerts.Scope, e *alerts.Evidence) error {
	n := len(h.list)
	if n >= maxEvidence {
		return alerts.Errorf(alerts.TooMany, "case %s has %d pieces of evidence, which is the most", h.k.Code, maxEvidence)
	}
	before := ""
	if n > 0 {
		before = h.list[n-1].Hash
	}
	e.CaseID, e.N, e.At = h.k.ID, n+1, h.c.now
	e.Hash = alerts.EvidenceHash(before, *e)
	entry, err := auditEntry(s, alerts.AuditEvidence, chainObject(h.k.ID), h.k.AreaID, map[string]string{"action": string(e.Kind), "evidence": e.ID,
		"case": h.k.ID, "code": h.k.Code, "n": strconv.Itoa(e.N), "camera": e.Footage.CameraID, "from": auditTime(e.Footage.From),
		"to": auditTime(e.Footage.To), "purpose": e.Purpose, "sha256": e.SHA256, "of": e.Of, "photo": e.PhotoID(), "request": e.RequestID, "hash": e.Hash})
	if err != nil {
		return err
	}
	entry.At = h.c.now
	if err := h.c.AppendAudit(&entry); err != nil {
		return err
	}
	e.AuditSeq, e.AuditHash = entry.Seq, entry.Hash
	h.list = append(h.list, *e)
	return h.c.AddEvidence(*e)
}

// addEvidence adds one piece to a case's chain.
func (c *change) addEvidence(ctx context.Context, s alerts.Scope, k *alerts.Case, e *alerts.Evidence) error {
	h, err := c.chainOf(ctx, k)
	if err != nil {
		return err
	}
	return h.add(s, e)
}

// photo adds the original of a photo, which must be kept already; one that is a
// piece of this chain stays the piece that it is.
func (h *chain) photo(s alerts.Scope, p casePhoto, note string) error {
	key := alerts.PhotoKey(p.ID)
	for _, e := range h.list {
		if e.Object == key {
			return nil
		}
	}
	kind := alerts.EvidencePhoto
	if p.incident == "" {
		kind = alerts.EvidenceFile
	}
	return h.add(s, &alerts.Evidence{ID: alerts.NewID(h.c.now), Kind: kind, Object: key, Bytes: p.Size, SHA256: p.SHA256, MediaType: p.Type,
		Of: p.incident, Note: note, ByID: s.User, ByName: s.Name, ByRole: s.Role})
}

// incident adds the photos of an incident. Who reported it is kept with it alone.
func (h *chain) incident(i alerts.Incident, note string) error {
	for _, p := range photosOf(i) {
		if err := h.photo(alerts.Scope{}, p, note); err != nil {
			return err
		}
	}
	return nil
}

// chainFiled adds the photos of an incident that was filed in another case before.
func (c *change) chainFiled(ctx context.Context, h *chain, incidentID, from string) error {
	i, err := c.Incident(ctx, alerts.System(), incidentID)
	if err != nil {
		return err
	}
	return h.incident(i, fmt.Sprintf("incident %s, from case %s", i.Number, from))
}

// casePhoto is a photo of an incident filed in a case, or a file of the case.
type casePhoto struct {
	alerts.Photo
	incident, number string // empty: a file
}

func photosOf(i alerts.Incident) []casePhoto {
	return mapped(i.Photos, func(p alerts.Photo) casePhoto { return casePhoto{Photo: p, incident: i.ID, number: i.Number} })
}

// what names a photo for people.
func (p casePhoto) what() string {
	if p.incident == "" {
		return "file " + p.ID
	}
	return "photo " + p.ID + " of incident " + p.number
}

// casePhotos lists what lies on a case now: the photos of its incidents, then its
// files.
func casePhotos(ctx context.Context, r alerts.Reader, caseID string) ([]casePhoto, error) {
	filings, err := r.Filings(ctx, caseID)
	if err != nil {
		return nil, err
	}
	var out []casePhoto
	for _, l := range filings {
		i, err := r.Incident(ctx, alerts.System(), l.IncidentID)
		if err != nil {
			return nil, err
		}
		out = append(out, photosOf(i)...)
	}
	files, err := r.Attachments(ctx, caseID)
	if err != nil {
		return nil, err
	}
	for _, a := range files {
		out = append(out, casePhoto{Photo: a.Photo})
	}
	return out, nil
}

// backlogAtOnce is how many cases are caught up with in one transaction.
const backlogAtOnce = 20

// ChainBacklog takes photos and files into their cases' chains that came before
// those were pieces of evidence, and returns of how many cases. Their hashes are
// those of when they came in; from now on the chain holds them. What an end of the
// process leaves is done by the next call.
func (d *Desk) ChainBacklog(ctx context.Context) (cases int, err error) {
	for {
		n := 0
		err := d.write(ctx, func(c *change) error {
			ids, err := c.CasesUnchained(ctx, backlogAtOnce)
			if err != nil {
				return err
			}
			n = len(ids)
			for _, id := range ids {
				if err := c.chainBacklog(ctx, id); err != nil {
					return fmt.Errorf("desk: photos of case %s: %w", id, err)
				}
			}
			return nil
		})
		if err != nil || n == 0 {
			return cases, err
		}
		cases += n
	}
}

func (c *change) chainBacklog(ctx context.Context, caseID string) error {
	k, err := c.Case(ctx, alerts.System(), caseID)
	if err != nil {
		return err
	}
	h, err := c.chainOf(ctx, &k)
	if err != nil {
		return err
	}
	photos, err := casePhotos(ctx, c, k.ID)
	if err != nil {
		return err
	}
	for _, p := range photos {
		if err := h.photo(alerts.Scope{}, p, "was there before photos and files were pieces of evidence"); err != nil {
			return err
		}
	}
	return c.CaseChained(k.ID)
}

// chained is a case's evidence as it was found at one time, with what lies on the
// case and what the audit says of it.
type chained struct {
	list    []alerts.Evidence
	photos  []casePhoto
	entries []alerts.AuditEntry // about the chain, newest first
}

// Bounds of a check.
const (
	lookedAt         = 50 // newest entries about a chain that are compared with it
	maxChainFindings = 50
)

// readChain reads the pieces last: what comes meanwhile is in the list, and not
// taken for lost.
func (d *Desk) readChain(ctx context.Context, caseID string) (v chained, err error) {
	v.entries, _, err = d.store.Audit(ctx, alerts.System(), alerts.AuditFilter{Kind: alerts.AuditEvidence, Object: chainObject(caseID), Page: alerts.Page{Limit: lookedAt}})
	if err != nil {
		return v, err
	}
	if v.photos, err = casePhotos(ctx, d.store, caseID); err != nil {
		return v, err
	}
	v.list, err = d.store.EvidenceOf(ctx, caseID)
	return v, err
}

// findings tells in words what is wrong with a chain: a piece that is not what was
// written, an end that is missing, a photo of the case that is no piece or another
// one.
func (v chained) findings() []string {
	out := []string{}
	find := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if err := alerts.CheckEvidence(v.list); err != nil {
		find("the chain of the case's evidence is broken: %v", err)
	}
	if wrong := v.unlikeAudit(); wrong != "" {
		out = append(out, wrong)
	}
	byKey := make(map[string]alerts.Evidence, len(v.list))
	for _, e := range v.list {
		byKey[e.Object] = e
	}
	for _, p := range v.photos {
		switch e, ok := byKey[alerts.PhotoKey(p.ID)]; {
		case !ok:
			find("%s is missing from the chain", p.what())
		case e.SHA256 != p.SHA256 || e.Bytes != p.Size:
			find("%s is not the one in the chain: its SHA-256 is %s there, and %s with the case", p.what(), e.SHA256, p.SHA256)
		}
		if len(out) >= maxChainFindings {
			break
		}
	}
	return out
}

// unlikeAudit compares a chain with the newest entries that tell of it.
func (v chained) unlikeAudit() string {
	for _, e := range v.entries {
		n, err := strconv.Atoi(e.Details["n"])
		switch {
		case err != nil || n < 1:
		case n > len(v.list):
			return fmt.Sprintf("the chain was shortened: entry %d of the audit knows of %d pieces of evidence, the case has %d", e.Seq, n, len(v.list))
		case v.list[n-1].Hash != e.Details["hash"]:
			return fmt.Sprintf("piece %d of the chain is not the one that entry %d of the audit tells of", n, e.Seq)
		}
	}
	return ""
}
