package store_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"sharpeyes/alerts"
	"sharpeyes/alerts/store"
	"sharpeyes/alerts/store/storetest"
)

func openHolding(t testing.TB, address string, most int) *store.Store {
	t.Helper()
	o := optionsOf(address)
	o.Held = most
	s, err := store.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// notHeld is how many cases are held at most: from a moment on there are too
// many. In a soak none are from the beginning, too.
func notHeld() []int {
	if os.Getenv(soakEnv) != "" {
		return []int{100, -1}
	}
	return []int{100}
}

// Cases that are not held in memory are listed and counted by the database; so
// are they from the moment on when there are too many to be held.
func TestCasesNotHeld(t *testing.T) {
	for _, most := range notHeld() {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			storetest.RunCases(t, func(t *testing.T) alerts.Store { return openHolding(t, file(t), most) })
		})
	}
}

func TestCasesNotHeldOnPostgres(t *testing.T) {
	empty := postgres.URL(t)
	if err := open(t, empty).Close(); err != nil {
		t.Fatal(err)
	}
	for _, most := range notHeld() {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			storetest.RunCases(t, func(t *testing.T) alerts.Store { return openHolding(t, postgres.Copy(t, empty), most) })
		})
	}
}

func TestCaseNodes(t *testing.T) { caseNodes(t, file(t)) }

func TestCaseNodesOnPostgres(t *testing.T) { caseNodes(t, postgres.URL(t)) }

// caseNodes runs two nodes that hold the cases, and one that does not.
func caseNodes(t *testing.T, address string) {
	a, b, c := open(t, address), open(t, address), openHolding(t, address, -1)
	defer a.Close()
	defer b.Close()
	defer c.Close()
	storetest.CaseNodes(t, a, b, c)
}

// A database that was put back to an older state is read anew.
func TestCasesPutBack(t *testing.T) {
	path := file(t)
	s := open(t, path)
	defer s.Close()
	storetest.Town(t, s)
	for n := range 5 {
		storetest.Write(t, s, func(tx alerts.Tx) error { return tx.SaveCase(storetest.NewCase(n, "v1", "g1")) })
	}
	at := func(address string) int64 {
		counts, err := s.CaseCounts(context.Background(), alerts.System(), alerts.CaseFilter{Text: address}, alerts.GroupStep, storetest.Base)
		if err != nil || len(counts) > 1 {
			t.Fatal(counts, err)
		}
		if len(counts) == 0 {
			return 0
		}
		return counts[0].Total
	}
	if n := at("河边路"); n != 5 {
		t.Fatalf("%d cases", n)
	}
	change(t, path, "UPDATE cases SET address = '河东路' WHERE id > 'case000001'")
	change(t, path, "UPDATE series SET value = value - 3 WHERE name = 'cases'")
	if here, there := at("河边路"), at("河东路"); here != 2 || there != 3 {
		t.Errorf("%d and %d cases", here, there)
	}
}

// More kinds of step than the columns have room for are counted all the same.
func TestCasesOfTooManyKinds(t *testing.T) {
	s := open(t, file(t))
	defer s.Close()
	storetest.Town(t, s)
	const kinds = 300
	storetest.Write(t, s, func(tx alerts.Tx) error {
		for n := range kinds {
			c := storetest.NewCase(n, "v1", "g1")
			c.Step = alerts.Step(fmt.Sprint("step", n))
			if err := tx.SaveCase(c); err != nil {
				return err
			}
		}
		return nil
	})
	for range 2 {
		counts, err := s.CaseCounts(context.Background(), alerts.System(), alerts.CaseFilter{}, alerts.GroupStep, storetest.Base)
		if err != nil || len(counts) != kinds {
			t.Fatalf("%d kinds, %v", len(counts), err)
		}
	}
}
