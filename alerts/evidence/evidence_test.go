package evidence

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"sharpeyes/alerts"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func keyOf(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func hexOf(b string) string {
	sum := sha256.Sum256([]byte(b))
	return hex.EncodeToString(sum[:])
}

// sample is a manifest of two clips, a copy of one, a photo and a file, and their
// bytes.
func sample() (Manifest, map[string]string) {
	bodies := map[string]string{"clips/001.mp4": "first clip", "clips/002.mp4": "secondclip", "copies/003-COPY.mp4": "a copy", "photos/004-copy.jpg": "photo", "files/005-copy.jpg": "proof"}
	m := Manifest{MadeAt: noon, MadeBy: "officer", Role: "duty_officer", ChainLength: 5, AuditSeq: 9, AuditHash: "ff",
		Case: Case{ID: "k1", Code: "YH-20260304-000001", OpenedAt: noon}}
	before := ""
	offset := int64(40)
	for i, name := range []string{"clips/001.mp4", "clips/002.mp4", "copies/003-COPY.mp4"} {
		e := alerts.Evidence{ID: fmt.Sprint("e", i), CaseID: "k1", N: i + 1, Kind: alerts.EvidenceClip, Object: "o", Bytes: int64(len(bodies[name])), SHA256: hexOf(bodies[name]),
			MediaType: "video/mp4", Purpose: "p", ByID: "u", ByName: "officer", ByRole: alerts.DutyOfficer, At: noon.Add(123456 * time.Microsecond),
			Footage: alerts.Footage{CameraID: "cam1", Point: alerts.Point{Lon: 117.123456789012, Lat: 31.1}, From: noon, To: noon.Add(time.Minute), OffsetMS: &offset,
				Gaps: []alerts.FootageGap{{From: noon, To: noon.Add(time.Second), Cause: "disk"}}}}
		e.Hash = alerts.EvidenceHash(before, e)
		before = e.Hash
		m.Items = append(m.Items, ItemOf(e, name))
	}
	for i, kind := range []alerts.EvidenceKind{alerts.EvidencePhoto, alerts.EvidenceFile} {
		e := alerts.Evidence{ID: fmt.Sprint("p", i), CaseID: "k1", N: 4 + i, Kind: kind, Object: alerts.PhotoKey(fmt.Sprint("p", i)), Bytes: 8,
			SHA256: hexOf("original" + string(kind)), MediaType: "image/jpeg", At: noon}
		e.Hash = alerts.EvidenceHash(before, e)
		before = e.Hash
		item := ItemOf(e, "")
		name := fmt.Sprintf("%ss/%03d-copy.jpg", kind, e.N)
		item.Copy = &File{name, int64(len(bodies[name])), hexOf(bodies[name])}
		m.Items = append(m.Items, item)
	}
	m.ChainHead = before
	return m, bodies
}

func write(t *testing.T, m Manifest, bodies map[string]string, key ed25519.PrivateKey) []byte {
	t.Helper()
	var b bytes.Buffer
	err := Write(context.Background(), &b, m, key, func(_ context.Context, f File) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(bodies[f.Name])), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func check(b []byte, key ed25519.PublicKey) *Report {
	return Verify(bytes.NewReader(b), int64(len(b)), key)
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func TestWhole(t *testing.T) {
	m, bodies := sample()
	b := write(t, m, bodies, keyOf(1))
	if r := check(b, public(keyOf(1))); !r.OK() || !r.Trusted || r.Files != 6 {
		t.Errorf("findings %q, trusted %v, %d files", r.Findings, r.Trusted, r.Files)
	}
	if r := check(b, nil); !r.OK() || r.Trusted || !r.Key.Equal(public(keyOf(1))) {
		t.Errorf("without a key: findings %q, trusted %v", r.Findings, r.Trusted)
	}
	if again := write(t, m, bodies, keyOf(1)); !bytes.Equal(b, again) {
		t.Error("the same package has other bytes")
	}
}

// What a photo shows may be with another case: its piece stays in the chain.
func TestWithheld(t *testing.T) {
	m, bodies := sample()
	m.Items[3].Copy, m.Items[3].Withheld = nil, "its incident lies on another case now"
	if r := check(write(t, m, bodies, keyOf(1)), public(keyOf(1))); !r.OK() || r.Files != 5 {
		t.Errorf("findings %q, %d files", r.Findings, r.Files)
	}
}

// file is an entry of a zip that a test makes.
type file struct {
	name, body string
	method     uint16
}

func unzip(t *testing.T, b []byte) []file {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	var out []file
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, file{name: f.Name, body: string(body)})
	}
	return out
}

func rezip(t *testing.T, files []file) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		w, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: f.method})
		if err == nil {
			_, err = io.WriteString(w, f.body)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// at returns a file of a list to be changed.
func at(files []file, name string) *file {
	for i := range files {
		if files[i].name == name {
			return &files[i]
		}
	}
	return nil
}

// manifest changes the manifest of a package and, where there is a key, signs it
// again.
func manifest(t *testing.T, files []file, key ed25519.PrivateKey, change func(*Manifest)) {
	t.Helper()
	f := at(files, ManifestName)
	var m Manifest
	if err := json.Unmarshal([]byte(f.body), &m); err != nil {
		t.Fatal(err)
	}
	change(&m)
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	f.body = string(b)
	if key == nil {
		return
	}
	sig, err := sign(b, key)
	if err != nil {
		t.Fatal(err)
	}
	at(files, SignatureName).body = string(sig)
}

func TestTampered(t *testing.T) {
	shorter := func(m *Manifest) { m.Items = m.Items[:4] }
	for what, c := range map[string]struct {
		change func(t *testing.T, files []file) []file
		want   string
	}{
		"a byte":   {func(_ *testing.T, f []file) []file { at(f, "clips/001.mp4").body = "first_clip"; return f }, "clips/001.mp4 was changed: its SHA-256"},
		"a length": {func(_ *testing.T, f []file) []file { at(f, "clips/001.mp4").body += "!"; return f }, "clips/001.mp4 was changed: it has 11 bytes, and should have 10"},
		"a swap": {func(_ *testing.T, f []file) []file {
			at(f, "clips/001.mp4").body, at(f, "clips/002.mp4").body = "secondclip", "first clip"
			return f
		}, "clips/001.mp4 was swapped: it holds what should be clips/002.mp4"},
		"a missing file":    {func(_ *testing.T, f []file) []file { at(f, "photos/004-copy.jpg").name = "other.jpg"; return f }, "photos/004-copy.jpg is missing"},
		"an added file":     {func(_ *testing.T, f []file) []file { return append(f, file{name: "clips/009.mp4", body: "x"}) }, `"clips/009.mp4" was added`},
		"the readme":        {func(_ *testing.T, f []file) []file { at(f, ReadmeName).body = "all is well"; return f }, "README.txt was changed"},
		"no manifest":       {func(_ *testing.T, f []file) []file { at(f, ManifestName).name = "x.json"; return f }, "manifest.json is missing"},
		"no signature":      {func(_ *testing.T, f []file) []file { at(f, SignatureName).name = "x.json"; return f }, "signature.json is missing"},
		"another signature": {func(_ *testing.T, f []file) []file { at(f, SignatureName).body = "{}"; return f }, "holds no Ed25519 signature"},
		"a word of the manifest": {func(t *testing.T, f []file) []file {
			manifest(t, f, nil, func(m *Manifest) { m.Items[0].Purpose = "other" })
			return f
		}, "manifest.json was changed after it was signed"},
		"a shortened chain": {func(t *testing.T, f []file) []file { manifest(t, f, keyOf(1), shorter); return f[:len(f)-1] }, "the chain was shortened: the case had 5 pieces of evidence, here are 4"},
		"a shortened chain, recounted": {func(t *testing.T, f []file) []file {
			manifest(t, f, keyOf(1), func(m *Manifest) { shorter(m); m.ChainLength = 4 })
			return f
		}, "the chain does not end where it did"},
		"the middle of the chain": {func(t *testing.T, f []file) []file {
			manifest(t, f, keyOf(1), func(m *Manifest) { m.Items = append(m.Items[:1], m.Items[2:]...) })
			return f
		}, "the chain is broken: piece 3 stands where piece 2 should"},
		"a piece of the chain": {func(t *testing.T, f []file) []file {
			manifest(t, f, keyOf(1), func(m *Manifest) { m.Items[1].Footage.From = noon.Add(time.Second) })
			return f
		}, "the chain is broken at piece 2"},
		"a photo for another": {func(_ *testing.T, f []file) []file {
			at(f, "photos/004-copy.jpg").body, at(f, "files/005-copy.jpg").body = "proof", "photo"
			return f
		}, "photos/004-copy.jpg was swapped: it holds what should be files/005-copy.jpg"},
		"another photo": {func(_ *testing.T, f []file) []file { at(f, "photos/004-copy.jpg").body = "phot0"; return f }, "photos/004-copy.jpg was changed: its SHA-256"},
		"another original": {func(t *testing.T, f []file) []file {
			manifest(t, f, keyOf(1), func(m *Manifest) { m.Items[3].SHA256 = hexOf("another") })
			return f
		}, "the chain is broken at piece 4 (photos/004-copy.jpg)"},
		"a photo without its copy": {func(t *testing.T, f []file) []file {
			manifest(t, f, keyOf(1), func(m *Manifest) { m.Items[3].Copy = nil })
			return f
		}, "piece 4 (photo p0): a photo or a file must come as a copy"},
		"a copy for a clip": {func(t *testing.T, f []file) []file {
			manifest(t, f, keyOf(1), func(m *Manifest) { m.Items[0].Copy = &m.Items[0].File })
			return f
		}, "piece 1 (clips/001.mp4): a photo or a file must come as a copy"},
		"another key": {func(t *testing.T, f []file) []file { manifest(t, f, keyOf(2), func(*Manifest) {}); return f }, "was signed by another key"},
		"a field of its own": {func(t *testing.T, f []file) []file {
			m := at(f, ManifestName)
			m.body = strings.Replace(m.body, "{", `{"extra": 1,`, 1)
			return f
		}, "is not a manifest of the form"},
		"a name twice":     {func(_ *testing.T, f []file) []file { return append(f, file{name: "clips/001.mp4", body: "x"}) }, "is there twice"},
		"a climbing name":  {func(_ *testing.T, f []file) []file { return append(f, file{name: "../evil", body: "x"}) }, "could climb"},
		"an absolute name": {func(_ *testing.T, f []file) []file { return append(f, file{name: "/etc/evil", body: "x"}) }, "could climb"},
		"a backslash":      {func(_ *testing.T, f []file) []file { return append(f, file{name: `..\evil`, body: "x"}) }, "could climb"},
		"a folder":         {func(_ *testing.T, f []file) []file { return append(f, file{name: "dir/"}) }, "is no file"},
		"a bomb": {func(_ *testing.T, f []file) []file {
			return append(f, file{name: "bomb", body: strings.Repeat("0", 64<<20), method: zip.Deflate})
		}, "is compressed"},
		"a compressed manifest": {func(_ *testing.T, f []file) []file { at(f, ManifestName).method = zip.Deflate; return f }, "is compressed"},
		"too many": {func(_ *testing.T, f []file) []file {
			for i := range MaxFiles + 4 {
				f = append(f, file{name: fmt.Sprint("f", i)})
			}
			return f
		}, "at most"},
	} {
		t.Run(what, func(t *testing.T) {
			m, bodies := sample()
			b := rezip(t, c.change(t, unzip(t, write(t, m, bodies, keyOf(1)))))
			r := check(b, public(keyOf(1)))
			if all := strings.Join(r.Findings, "\n"); r.OK() || !strings.Contains(all, c.want) {
				t.Errorf("found:\n%s\nwant %q", all, c.want)
			}
		})
	}
}

// Each byte of a package counts but for those that the zip itself is made of, and
// no change of one makes the check fail in another way than by a finding.
func TestEveryByte(t *testing.T) {
	m, bodies := sample()
	b := write(t, m, bodies, keyOf(1))
	for _, body := range bodies {
		i := bytes.Index(b, []byte(body))
		for j := range len(body) {
			b[i+j] ^= 1
			if check(b, nil).OK() {
				t.Errorf("byte %d of %q", j, body)
			}
			b[i+j] ^= 1
		}
	}
	for i := 0; i < len(b); i += 31 {
		b[i] ^= 0x10
		check(b, nil)
		b[i] ^= 0x10
	}
	for n := range 40 {
		check(b[:len(b)*n/40], nil)
	}
}

// A stored file that is not what was hashed fails the package.
func TestWriteFails(t *testing.T) {
	m, bodies := sample()
	bodies["clips/002.mp4"] = "other"
	err := Write(context.Background(), io.Discard, m, keyOf(1), func(_ context.Context, f File) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(bodies[f.Name])), nil
	})
	if err == nil || !strings.Contains(err.Error(), "clips/002.mp4 is not what was kept") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Write(ctx, io.Discard, m, keyOf(1), func(context.Context, File) (io.ReadCloser, error) { return os.Open(os.DevNull) }); err == nil {
		t.Error("it does not end with its context")
	}
}

func TestParseKey(t *testing.T) {
	key := public(keyOf(1))
	for what, b := range map[string][]byte{"the answer": []byte(`{"alg":"Ed25519","key":"iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w="}`),
		"base64": []byte("iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=\n")} {
		if got, err := ParseKey(b); err != nil || !got.Equal(key) {
			t.Errorf("%s: %x, %v", what, got, err)
		}
	}
	for _, b := range []string{"", "{}", "x", "aGVsbG8="} {
		if _, err := ParseKey([]byte(b)); err == nil {
			t.Errorf("%q was taken", b)
		}
	}
}

func FuzzVerify(f *testing.F) {
	m, bodies := sample()
	var b bytes.Buffer
	if err := Write(context.Background(), &b, m, keyOf(1), func(_ context.Context, f File) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(bodies[f.Name])), nil
	}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:b.Len()/2])
	f.Fuzz(func(t *testing.T, b []byte) {
		if r := check(b, public(keyOf(3))); r.OK() {
			t.Fatal("whole, and signed by a key that signed nothing")
		}
	})
}
