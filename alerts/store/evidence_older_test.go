package store_test

import (
	"context"
	"database/sql"
	"os"
	"slices"
	"testing"

	"github.com/pressly/goose/v3"

	"sharpeyes/alerts"
	"sharpeyes/alerts/store/storetest"
)

func TestPhotosOfTheFifteenthVersion(t *testing.T) {
	path := file(t)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	photosOfTheFifteenthVersion(t, path, db, goose.DialectSQLite3)
}

func TestPhotosOfTheFifteenthVersionOnPostgres(t *testing.T) {
	address := postgres.URL(t)
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	photosOfTheFifteenthVersion(t, address, db, goose.DialectPostgres)
}

// The sixteenth version finds the cases with photos or files, once each: where the
// incident lies now, and no others.
func photosOfTheFifteenthVersion(t *testing.T, address string, db *sql.DB, dialect goose.Dialect) {
	ctx := context.Background()
	s := open(t, address)
	storetest.Town(t, s)
	export := alerts.ClipExport{ID: "x", CaseID: "both", AreaID: "v1", Cameras: []alerts.ClipCamera{}, State: alerts.ClipsRunning, At: storetest.Base}
	storetest.Write(t, s, func(tx alerts.Tx) error {
		for _, id := range []string{"none", "photo", "first", "file", "both"} {
			k := alerts.Case{ID: id, Code: id, Step: alerts.StepFile, StepAt: storetest.Base, Category: "hazard", Severity: alerts.High, FirstSeverity: alerts.High,
				AreaID: "v1", HolderID: "v1", OpenedAt: storetest.Base, UpdatedAt: storetest.Base}
			if err := tx.SaveCase(k); err != nil {
				return err
			}
		}
		for id, l := range map[string]alerts.Filing{"i1": {CaseID: "photo", FirstID: "first"}, "i2": {CaseID: "both", FirstID: "both"}, "i3": {CaseID: "none", FirstID: "none"}} {
			i := alerts.Incident{ID: id, Number: id, Hash: "h", Category: "hazard", Severity: alerts.High, AreaID: "v1", ReceivedAt: storetest.Base}
			if id != "i3" {
				i.Photos = []alerts.Photo{{ID: "a" + id, SHA256: "aa", Type: "image/png", Size: 1}, {ID: "b" + id, SHA256: "bb", Type: "image/png", Size: 1}}
			}
			if err := tx.AddIncident(i); err != nil {
				return err
			}
			l.IncidentID, l.At = id, storetest.Base
			if err := tx.SaveFiling(l); err != nil {
				return err
			}
		}
		for _, id := range []string{"file", "both"} {
			if err := tx.AddAttachment(alerts.Attachment{Photo: alerts.Photo{ID: "f" + id, SHA256: "ff", Type: "image/png", Size: 1}, CaseID: id, At: storetest.Base}); err != nil {
				return err
			}
		}
		return tx.SaveClipExport(export)
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	p, err := goose.NewProvider(dialect, db, os.DirFS("migrations"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.DownTo(ctx, 15); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, address)
	defer s.Close()
	left := func(limit int, want ...string) {
		t.Helper()
		got, err := s.CasesUnchained(ctx, limit)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("cases %q, %v, want %q", got, err, want)
		}
	}
	left(9, "both", "file", "photo")
	left(2, "both", "file")
	storetest.Write(t, s, func(tx alerts.Tx) error {
		for _, id := range []string{"both", "photo", "none"} {
			if err := tx.CaseChained(id); err != nil {
				return err
			}
		}
		return nil
	})
	left(9, "file")
	if x, err := s.ClipExport(ctx, "x"); err != nil || x.Node != "" || !x.Until.IsZero() {
		t.Errorf("an order from before: %+v, %v", x, err)
	}
}
