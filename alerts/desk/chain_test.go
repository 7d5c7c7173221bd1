package desk

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"sharpeyes/alerts"
	"sharpeyes/alerts/evidence"
)

// pictures is PhotoCopies in memory: originals by id; what is shown of each is
// "shown of " and its id.
type pictures map[string]string

type nothingToClose struct{ io.ReadSeeker }

func (nothingToClose) Close() error { return nil }

func (p pictures) Open(id string, _ bool) (io.ReadSeekCloser, error) {
	if _, ok := p[id]; !ok {
		return nil, alerts.Errorf(alerts.NotFound, "none")
	}
	return nothingToClose{strings.NewReader("shown of " + id)}, nil
}

func (p pictures) Original(_ context.Context, id string) (io.ReadCloser, error) {
	body, ok := p[id]
	if !ok {
		return nil, alerts.Errorf(alerts.NotFound, "none")
	}
	return io.NopCloser(strings.NewReader(body)), nil
}

// take keeps an original.
func (p pictures) take(id string) alerts.Photo {
	p[id] = "original of " + id
	sum := sha256.Sum256([]byte(p[id]))
	return alerts.Photo{ID: id, SHA256: hex.EncodeToString(sum[:]), Type: "image/jpeg", Size: int64(len(p[id])), Width: 4, Height: 3}
}

func withPictures(t *testing.T) (*bureau, pictures) {
	b, _, _ := filmed(t)
	p := pictures{}
	b.Photos, b.Signer = p, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, ed25519.SeedSize))
	return b, p
}

// snapped reports with photos.
func (b *bureau) snapped(t *testing.T, photos ...alerts.Photo) (IncidentView, alerts.Case) {
	t.Helper()
	return b.reported(t, "gr", "v1", func(in *ReportInput) { in.Photos = photos })
}

// chain is a case's evidence as the village's officer sees it: kind, photo and
// state of each piece, in order.
func (b *bureau) chain(t *testing.T, caseID string) (list []EvidenceView, shown []string) {
	t.Helper()
	list = ok[[]EvidenceView](t)(b.CaseEvidence(context.Background(), b.who["hv"], caseID))
	for i, v := range list {
		e := ok[alerts.Evidence](t)(b.store.Evidence(context.Background(), v.ID))
		if v.N != i+1 || v.Chain == "" || v.AuditSeq == 0 || (v.State == EvidenceKept) != (v.URL != "") || (v.Thumb != "") != (v.URL != "" && e.PhotoID() != "") {
			t.Errorf("piece %d: %+v", i+1, v)
		}
		shown = append(shown, fmt.Sprintf("%s %s %s", v.Kind, e.PhotoID(), v.State))
	}
	return list, shown
}

func (b *bureau) wantChain(t *testing.T, what, caseID string, want ...string) []EvidenceView {
	t.Helper()
	list, got := b.chain(t, caseID)
	if !slices.Equal(got, want) {
		t.Errorf("%s: the chain is %q, want %q", what, got, want)
	}
	for _, v := range list {
		if got := ok[VerifyView](t)(b.VerifyEvidence(context.Background(), b.who["hv"], v.ID)); !got.OK {
			t.Errorf("%s: piece %d: %q", what, v.N, got.Findings)
		}
	}
	return list
}

// packed writes and checks the package of a case.
func (b *bureau) packed(t *testing.T, caseID string) *evidence.Report {
	t.Helper()
	p := ok[*Package](t)(b.EvidencePackage(context.Background(), b.who["hv"], caseID))
	var zip bytes.Buffer
	if err := p.Write(context.Background(), &zip); err != nil {
		t.Fatal(err)
	}
	key, _, err := b.EvidenceKey()
	if err != nil {
		t.Fatal(err)
	}
	r := evidence.Verify(bytes.NewReader(zip.Bytes()), int64(zip.Len()), key)
	if !r.OK() || !r.Trusted {
		t.Errorf("the package: %q", r.Findings)
	}
	return r
}

// A photo becomes a piece with the report, a file when it is attached; both stand
// in one chain with the clips, and who reported is in none of it.
func TestPhotosAreEvidence(t *testing.T) {
	b, p := withPictures(t)
	ctx := context.Background()
	if err := b.StartCutting(ctx, fails(t)); err != nil {
		t.Fatal(err)
	}
	inc, k := b.snapped(t, p.take("one"), p.take("two"))
	x := b.order(t, k.ID, "c1")
	wait(t, "the clip", func() bool { return b.export(t, x.ID).State.Over() })
	ok[AttachmentView](t)(b.Attach(ctx, b.who["hv"], k.ID, p.take("proof")))
	ok[AttachmentView](t)(b.Attach(ctx, b.who["gr"], k.ID, p.take("more")))
	list := b.wantChain(t, "all kinds", k.ID, "photo one kept", "photo two kept", "clip  kept", "file proof kept", "file more kept")
	if list[0].Of != inc.ID || list[0].By != "" || list[0].SHA256 != p.take("one").SHA256 || list[0].URL != "/api/v1/photos/one" || list[0].Thumb != "/api/v1/photos/one?size=thumb" {
		t.Errorf("photo %+v", list[0])
	}
	if list[3].By != b.who["hv"].Name || list[3].URL != "/api/v1/attachments/proof" || list[4].By != "" {
		t.Errorf("files %+v, %+v: want the officer's name, and not the reporter's", list[3], list[4])
	}
	r := b.packed(t, k.ID)
	item := r.Manifest.Items[0]
	shown := sha256.Sum256([]byte("shown of one"))
	if r.Files != 6 || item.SHA256 != list[0].SHA256 || item.Copy == nil || item.Copy.SHA256 != hex.EncodeToString(shown[:]) || item.Copy.Name != "photos/001-copy.jpg" {
		t.Errorf("%d files, the photo is %+v", r.Files, item)
	}
	if _, _, err := b.EvidenceFile(ctx, b.who["hv"], list[0].ID); alerts.KindOf(err) != alerts.Conflict {
		t.Errorf("the original of a photo: %v", err)
	}
	entries, _, err := b.store.Audit(ctx, alerts.System(), alerts.AuditFilter{Object: chainObject(k.ID), Kind: alerts.AuditEvidence})
	if err != nil || len(entries) != 6 {
		t.Fatalf("%d entries, %v: want one of each piece and one of the package", len(entries), err)
	}
	for _, e := range entries {
		if e.UserID == "gr" || strings.Contains(e.UserName, b.who["gr"].Name) {
			t.Errorf("the reporter stands in entry %+v", e)
		}
	}
}

// What is done to a photo, or to the chain, is found.
func TestChainFindings(t *testing.T) {
	b, p := withPictures(t)
	ctx := context.Background()
	_, k := b.snapped(t, p.take("one"), p.take("two"))
	list := b.wantChain(t, "before", k.ID, "photo one kept", "photo two kept")
	found := func(what, want string) {
		t.Helper()
		v := ok[VerifyView](t)(b.VerifyEvidence(ctx, b.who["hv"], list[0].ID))
		if v.OK || len(v.Findings) != 1 || !strings.Contains(v.Findings[0], want) {
			t.Errorf("%s: %q, want one that says %q", what, v.Findings, want)
		}
	}
	p["one"] = "original of two"
	found("swapped", "the original was changed: its SHA-256")
	p["one"] += "!"
	found("longer", "the original has 16 bytes, and should have 15")
	delete(p, "one")
	v := ok[VerifyView](t)(b.VerifyEvidence(ctx, b.who["hv"], list[0].ID))
	if want := []string{"the original is missing", "the copy that is shown is missing"}; !slices.Equal(v.Findings, want) {
		t.Errorf("missing: %q", v.Findings)
	}
	b.Node, b.Nodes = "na", true
	v = ok[VerifyView](t)(b.VerifyEvidence(ctx, b.who["hv"], list[0].ID))
	if len(v.Findings) != 2 || !strings.Contains(v.Findings[0], "the original is missing on node na; where evidence.dir") {
		t.Errorf("missing on one of several nodes: %q", v.Findings)
	}
	b.Node, b.Nodes = "", false
	if _, err := b.EvidencePackage(ctx, b.who["hv"], k.ID); err == nil {
		t.Error("a package without a photo")
	}
	p.take("one")
	all := ok[chained](t)(b.readChain(ctx, k.ID))
	if got := all.findings(); len(got) != 0 {
		t.Fatalf("a whole chain: %q", got)
	}
	short, other, broken := all, all, all
	short.list = all.list[:1]
	other.list = slices.Clone(all.list)
	other.list[1].SHA256 = "ff"
	other.list[1].Hash = alerts.EvidenceHash(other.list[0].Hash, other.list[1])
	broken.list = slices.Clone(all.list)
	broken.list[0].Bytes++
	for what, c := range map[string]struct {
		v    chained
		want []string
	}{
		"shortened": {short, []string{"the chain was shortened: entry", "photo two of incident"}},
		"rewritten": {other, []string{"piece 2 of the chain is not the one", "is not the one in the chain"}},
		"broken":    {broken, []string{"the chain of the case's evidence is broken", "is not the one in the chain"}},
		"emptied":   {chained{photos: all.photos, entries: all.entries}, []string{"the chain was shortened", "photo one", "photo two"}},
	} {
		got := c.v.findings()
		fits := len(got) == len(c.want)
		for i := range got {
			fits = fits && strings.Contains(got[i], c.want[i])
		}
		if !fits {
			t.Errorf("%s: found %q, want %q", what, got, c.want)
		}
	}
}

// With an incident that is merged in its photos come into the chain; taken out
// again it leaves them there, and is shown with its own case alone.
func TestPhotosOfMergedCases(t *testing.T) {
	b, p := withPictures(t)
	_, a := b.snapped(t, p.take("one"))
	inc, c := b.snapped(t, p.take("two"))
	for range 2 { // the second time nothing is added
		b.do(t, "hv", c.ID, MoveInput{Action: alerts.ActMerge, Into: a.ID})
		list := b.wantChain(t, "merged into", a.ID, "photo one kept", "photo two kept")
		if !strings.Contains(list[1].Note, c.Code) {
			t.Errorf("the note is %q", list[1].Note)
		}
		b.wantChain(t, "merged", c.ID, "photo two moved")
		if r := b.packed(t, a.ID); r.Files != 3 {
			t.Errorf("%d files", r.Files)
		}
		b.do(t, "hv", a.ID, MoveInput{Action: alerts.ActSplit, Incident: inc.ID, Reason: "another pipe"})
		b.wantChain(t, "taken out of", a.ID, "photo one kept", "photo two moved")
		b.wantChain(t, "taken out", c.ID, "photo two kept")
		if r := b.packed(t, a.ID); r.Files != 2 || r.Manifest.Items[1].Withheld == "" {
			t.Errorf("%d files, the photo that has gone is %+v", r.Files, r.Manifest.Items[1])
		}
	}
}
