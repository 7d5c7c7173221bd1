package main

import (
	"bytes"
	"context"
	"database/sql"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"sharpeyes/alerts"
	"sharpeyes/alerts/desk"
	"sharpeyes/alerts/store/pgtest"
)

// The photo of a report and a file of its case are pieces of the chain: what is done
// to them or to it, on the disk or in the database, is found, and photos from before
// they were pieces are taken in by the next start. On both stores.
func TestPhotosInTheChain(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { photosInTheChain(t, "") })
	t.Run("PostgreSQL", func(t *testing.T) {
		var server pgtest.Server
		t.Cleanup(func() { _ = server.Close() })
		photosInTheChain(t, server.URL(t))
	})
}

func photosInTheChain(t *testing.T, storeURL string) {
	s := openStage(t, storeURL)
	s.build()
	officer := s.actors["village"]
	k := officer.look(s.reported("c1", "hazard.gas", "煤气味").Incident.Number)
	officer.attaches(k.ID, picture(t, 90))
	list := all[desk.EvidenceView](officer, "/cases/"+k.ID+"/evidence")
	if len(list) != 2 || list[0].Kind != alerts.EvidencePhoto || list[1].Kind != alerts.EvidenceFile || list[1].N != 2 || list[1].Chain == "" {
		t.Fatalf("evidence %+v: want the photo and the file", list)
	}
	for _, v := range list {
		small := officer.ask("GET", strings.TrimPrefix(v.Thumb, "/api/v1"), nil).want(http.StatusOK)
		if small.header.Get("Content-Type") != "image/jpeg" {
			t.Errorf("the thumbnail is %s", small.header.Get("Content-Type"))
		}
		officer.finds(v.ID)
		officer.ask("GET", "/evidence/"+v.ID+"/file", nil).refused(http.StatusConflict)
	}
	original := filepath.Join(s.set.DataDir, "objects", filepath.FromSlash(alerts.PhotoKey(strings.TrimPrefix(list[0].URL, "/api/v1/photos/"))))
	sent, err := os.ReadFile(original)
	if err != nil {
		t.Fatal(err)
	}
	write := func(b []byte) {
		if err := os.WriteFile(original, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	swapped := bytes.Clone(sent)
	swapped[len(swapped)/2] ^= 1
	write(swapped)
	officer.finds(list[0].ID, "the original was changed: its SHA-256 is")
	officer.finds(list[1].ID)
	if err := os.Remove(original); err != nil {
		t.Fatal(err)
	}
	officer.finds(list[0].ID, "the original is missing")
	write(sent)
	officer.finds(list[0].ID)
	officer.ask("GET", "/cases/"+k.ID+"/evidence/package", nil).want(http.StatusOK)

	db := s.database(storeURL)
	db.do("DELETE FROM evidence WHERE case_id = '" + k.ID + "' AND n = 2")
	officer.finds(list[0].ID, "the chain was shortened", "is missing from the chain")
	officer.ask("GET", "/cases/"+k.ID+"/evidence/package", nil).refused(http.StatusConflict)
	s.takesIn(db)
}

// takesIn has a start take a photo into the chain that was there before.
func (s *stage) takesIn(db database) {
	t, officer := s.t, s.actors["village"]
	t.Helper()
	k := officer.look(s.reported("c2", "hazard.gas", "又有煤气味").Incident.Number)
	photo, err := s.app.photos.Accept(t.Context(), bytes.NewReader(picture(t, 90)))
	if err != nil {
		t.Fatal(err)
	}
	db.do("INSERT INTO case_attachments (id, case_id, by_id, at, sha256, media_type, size, width, height) VALUES ('" + photo.ID + "', '" + k.ID + "', '', 1, '" +
		photo.SHA256 + "', 'image/jpeg', " + strconv.FormatInt(photo.Size, 10) + ", 1, 1)")
	db.do("INSERT INTO evidence_backlog (case_id) VALUES ('" + k.ID + "')")
	before := all[desk.EvidenceView](officer, "/cases/"+k.ID+"/evidence")
	officer.finds(before[0].ID, "file "+photo.ID+" is missing from the chain")
	for range 2 { // the second start finds nothing to do
		s.later(s.clock.now())
		list := all[desk.EvidenceView](officer, "/cases/"+k.ID+"/evidence")
		if len(list) != 2 || list[1].Kind != alerts.EvidenceFile || !strings.Contains(list[1].Note, "before photos and files were pieces") || list[1].SHA256 != photo.SHA256 {
			t.Errorf("evidence %+v: want the photo and the file from before", list)
		}
		officer.finds(before[0].ID)
		officer.finds(list[1].ID)
	}
}

// finds checks a piece and holds what is found to what should be.
func (a *actor) finds(id string, want ...string) {
	a.s.t.Helper()
	v := read[desk.VerifyView](a.ask("POST", "/evidence/"+id+"/verify", nil))
	fits := len(v.Findings) == len(want) && v.OK == (len(want) == 0)
	for i := range want {
		fits = fits && strings.Contains(v.Findings[i], want[i])
	}
	if !fits {
		a.s.t.Errorf("verify finds %q, want %q", v.Findings, want)
	}
}

// database is the store's, as somebody has it who may alter it.
type database struct {
	t  *testing.T
	db *sql.DB
	pg bool
}

func (s *stage) database(storeURL string) database {
	s.t.Helper()
	driver, source := "sqlite", "file:"+filepath.Join(s.set.DataDir, "sharpeyes.db")+"?_pragma=busy_timeout(20000)"
	if storeURL != "" {
		driver, source = "pgx", storeURL
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		s.t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	s.t.Cleanup(func() { _ = db.Close() })
	d := database{s.t, db, storeURL != ""}
	if d.pg {
		d.do("ALTER TABLE evidence DISABLE TRIGGER ALL")
	} else {
		d.do("DROP TRIGGER kept_evidence_delete")
	}
	return d
}

func (d database) do(statement string) {
	d.t.Helper()
	if _, err := d.db.ExecContext(context.Background(), statement); err != nil {
		d.t.Fatal(statement, err)
	}
}
