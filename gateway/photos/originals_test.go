package photos

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/gateway/objects"
)

// Originals lie with the objects where there are some; those from before stay where
// they are and are found.
func TestOriginalsBehindObjects(t *testing.T) {
	ctx := context.Background()
	a := newAlbum(t)
	body := jpegOf(t, quarters(40, 30))
	old, err := a.Accept(ctx, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := objects.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	a.Originals = kept
	p, err := a.Accept(ctx, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{old.ID, p.ID} {
		r, err := a.Original(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err = errors.Join(err, r.Close()); err != nil || !bytes.Equal(got, body) {
			t.Errorf("the original of %s is not what was sent: %v", id, err)
		}
	}
	day, _ := a.dayOf(p.ID)
	if _, err := os.Stat(filepath.Join(day, p.ID, originalName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it lies beside its copies, too: %v", err)
	}
	if _, err := a.Accept(ctx, bytes.NewReader(body[:len(body)/2])); err == nil {
		t.Error("half a picture was taken")
	}
	gone, err := a.Accept(ctx, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Remove(gone.ID); err != nil {
		t.Fatal(err)
	}
	// What a crash before the photo had its lasting name leaves.
	half, err := a.Accept(ctx, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(day, half.ID), filepath.Join(day, "."+half.ID)); err != nil {
		t.Fatal(err)
	}
	now := a.Clock()
	a.Clock = func() time.Time { return now.Add(72 * time.Hour) }
	if _, err := a.Sweep(ctx, func(_ context.Context, id string) (bool, error) { return id == old.ID || id == p.ID, nil }); err != nil {
		t.Fatal(err)
	}
	list, err := kept.List(ctx, "photos/", "", 10)
	if err != nil || len(list) != 1 || list[0].Key != alerts.PhotoKey(p.ID) {
		t.Errorf("objects %v, %v: want that of the photo that stayed", list, err)
	}
	if _, err := a.Original(ctx, gone.ID); alerts.KindOf(err) != alerts.NotFound {
		t.Errorf("the original of a removed photo: %v", err)
	}
}
