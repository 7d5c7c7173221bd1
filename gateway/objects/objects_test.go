package objects_test

import (
	"os"
	"path/filepath"
	"testing"

	"sharpeyes/alerts"
	"sharpeyes/gateway/objects"
	"sharpeyes/gateway/objects/objectstest"
)

func TestFolder(t *testing.T) {
	objectstest.Run(t, func(t *testing.T) alerts.Objects {
		o, err := objects.Open(filepath.Join(t.TempDir(), "objects"))
		if err != nil {
			t.Fatal(err)
		}
		return o
	})
}

// A crash leaves what the next start removes, and no object.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	part := filepath.Join(dir, ".part")
	if err := os.MkdirAll(part, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(part, "put-1"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := objects.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if list, err := o.List(t.Context(), "", "", 10); err != nil || len(list) != 0 {
		t.Errorf("listed: %v, %v", list, err)
	}
	if left, err := os.ReadDir(part); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
