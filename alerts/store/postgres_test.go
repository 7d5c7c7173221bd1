package store_test

import (
	"context"
	"testing"

	"sharpeyes/alerts"
	"sharpeyes/alerts/store"
	"sharpeyes/alerts/store/pgtest"
	"sharpeyes/alerts/store/storetest"
)

var postgres pgtest.Server

func openURL(t testing.TB, url string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), store.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPostgres(t *testing.T) {
	storetest.Run(t, func(t *testing.T) alerts.Store { return openURL(t, postgres.URL(t)) })
}
