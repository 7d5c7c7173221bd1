package store_test

import (
	"context"
	"testing"
	"time"

	"sharpeyes/alerts"
	"sharpeyes/alerts/store/storetest"
)

// BenchmarkLists asks a large town for pages, with scopes and filters that lie
// well and badly in its indexes. Text that nothing holds is the worst: as many
// rows are read as a page may look at.
func BenchmarkLists(b *testing.B) { benchmarkLists(b, file(b)) }

func BenchmarkListsOnPostgres(b *testing.B) { benchmarkLists(b, postgres.URL(b)) }

func benchmarkLists(b *testing.B, address string) {
	ctx := context.Background()
	s := open(b, address)
	defer s.Close()
	storetest.Town(b, s)
	const total = 300_000
	villages := []string{"v1", "v2", "v3", "v3", "v3", "v3", "v3", "v3", "v3", "v3"} // v4: the oldest 50 alone
	for n := 0; n < total; {
		storetest.Write(b, s, func(tx alerts.Tx) error {
			for range 5000 {
				n++
				i := storetest.Incident(n, villages[n%10], "")
				if n < 50 {
					i.AreaID = "v4"
				}
				if n%1000 == 0 {
					i.Category = "rare"
				}
				if err := tx.AddIncident(i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	page, deep := alerts.Page{Limit: 100}, alerts.Page{Limit: 100}
	for range 20 {
		_, next, err := s.Incidents(ctx, alerts.System(), alerts.IncidentFilter{Page: alerts.Page{Limit: 1000, Cursor: deep.Cursor}})
		if err != nil {
			b.Fatal(err)
		}
		deep.Cursor = next
	}
	for name, c := range map[string]struct {
		scope alerts.Scope
		f     alerts.IncidentFilter
	}{
		"all":              {alerts.System(), alerts.IncidentFilter{}},
		"city":             {storetest.At(storetest.CityPath), alerts.IncidentFilter{}},
		"deep":             {storetest.At(storetest.CityPath), alerts.IncidentFilter{Page: deep}},
		"township":         {storetest.At(storetest.T1Path), alerts.IncidentFilter{}},
		"village-old":      {storetest.At(storetest.T3Path), alerts.IncidentFilter{}},
		"area-old":         {alerts.System(), alerts.IncidentFilter{AreaID: "v4"}},
		"category-rare":    {alerts.System(), alerts.IncidentFilter{Category: "rare"}},
		"category-rare-t1": {storetest.At(storetest.T3Path), alerts.IncidentFilter{Category: "rare"}},
		"category-common":  {storetest.At(storetest.T1Path), alerts.IncidentFilter{Category: "hazard.gas"}},
		"since":            {storetest.At(storetest.T1Path), alerts.IncidentFilter{Since: storetest.Base.Add(270_000 * time.Second)}},
		"span-old":         {storetest.At(storetest.T1Path), alerts.IncidentFilter{Until: storetest.Base.Add(1000 * time.Second)}},
		"text-none":        {storetest.At(storetest.T1Path), alerts.IncidentFilter{Text: "nothing like it"}},
		"text-common":      {storetest.At(storetest.T1Path), alerts.IncidentFilter{Text: "Report"}},
	} {
		b.Run(name, func(b *testing.B) {
			if c.f.Page == (alerts.Page{}) {
				c.f.Page = page
			}
			for range b.N {
				if _, _, err := s.Incidents(ctx, c.scope, c.f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
