package store

import (
	"context"
	"fmt"
	"testing"

	"sharpeyes/alerts"
)

// A big town: a city, 2 counties, 24 townships, 288 villages, 2,880 grids, 60
// departments; 8 groups of 12 categories.
const (
	seedTownships  = 24
	seedVillages   = 288
	seedGrids      = 2880
	seedDays       = 1000
	seedStart      = int64(1_699_977_600_000_000) // a midnight in UTC+8
	seedDepartment = 60
)

// SeedEnd is when the seeded cases' last day ends, in microseconds.
const SeedEnd = seedStart + seedDays*dayMicros

// SeedTown stores the big town's places.
func SeedTown(t testing.TB, s *Store) {
	t.Helper()
	err := s.Write(context.Background(), func(tx alerts.Tx) error {
		area := func(id, parent string, level alerts.Level) error {
			return tx.SaveArea(alerts.Area{ID: id, ParentID: parent, Name: id, Level: level})
		}
		if err := area("city", "", alerts.City); err != nil {
			return err
		}
		for i := range 2 {
			if err := area(fmt.Sprint("county", i), "city", alerts.County); err != nil {
				return err
			}
		}
		for i := range seedTownships {
			if err := area(fmt.Sprint("town", i), fmt.Sprint("county", i%2), alerts.Township); err != nil {
				return err
			}
		}
		for i := range seedVillages {
			if err := area(fmt.Sprint("village", i), fmt.Sprint("town", i%seedTownships), alerts.Village); err != nil {
				return err
			}
		}
		for i := range seedGrids {
			g := alerts.Grid{ID: fmt.Sprint("grid", i), AreaID: fmt.Sprint("village", i%seedVillages), Name: "g", Kind: alerts.Street}
			if err := tx.SaveGrid(g); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// SeedCases stores n cases in the big town, over 1,000 days: 5 in 100 are open,
// more of them lately. What would be random is remainders of primes.
func SeedCases(t testing.TB, s *Store, n int) {
	t.Helper()
	err := s.writer.do(context.Background(), func(tx *tx) error {
		number, err := tx.changeNumber()
		if err != nil {
			return err
		}
		if err := tx.exec(seedSQL, n, seedStart, SeedEnd-seedStart, n, number); err != nil {
			return err
		}
		return tx.exec(`INSERT INTO case_parts (case_id, department_id, office_id, person_id, at, received_at, done_at)
			SELECT id, 'dep7', '', '', opened_at, 0, 0 FROM cases WHERE comments = 9`)
	})
	if err == nil && s.postgres() { // as its autovacuum does in time
		_, err = s.db.writes.ExecContext(context.Background(), "ANALYZE")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// SeedID is the id of the n-th seeded case, from 1.
func SeedID(n int) string { return fmt.Sprint("casecasecasecase", 1_000_000_000+n) }

const seedSQL = `WITH RECURSIVE numbers (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM numbers WHERE i < ?),
drawn AS (SELECT i, ? + i * (? / ?) AS opened,
	i * 7919 % 288 AS village, i * 104729 % 10 AS plot, i * 15485863 % 1009 AS a, i * 32452843 % 997 AS b,
	i * 49979687 % 991 AS c, i * 67867967 % 983 AS d FROM numbers),
stepped AS (SELECT *, CASE WHEN a < 50 THEN CASE b % 5 WHEN 0 THEN 'report' WHEN 1 THEN 'file' WHEN 2 THEN 'assign'
		WHEN 3 THEN 'handle' ELSE 'feedback' END ELSE 'closed' END AS step,
	CASE WHEN c < 20 THEN 4 WHEN c < 120 THEN 3 WHEN c < 600 THEN 2 ELSE 1 END AS grave,
	2 + (d % 60) * 7 AS hours FROM drawn)
INSERT INTO cases (id, code, version, step, step_at, outcome, is_open, category, severity, first_severity, title, direct,
	lon, lat, address, area_id, grid_id, holder_id, department_id, office_id, person_id, first_id, against, handler_id,
	opened_at, updated_at, closed_at, replied_at, reply_due, due_at, case_due_at, next_at, reminded, paused_at, paused_for,
	extended, supervised, incidents, comments, returns, transfers, escalated, reopened, edited, merged_into, held_at, gravity, urgency, changed)
SELECT 'casecasecasecase' || CAST(1000000000 + i AS TEXT), '20250101-' || CAST(1000000000 + i AS TEXT), 1, step, opened + hours * 3600000000,
	CASE WHEN step <> 'closed' THEN '' WHEN d < 20 THEN 'refused' WHEN d < 40 THEN 'merged' WHEN d < 100 THEN 'not_solved' ELSE 'solved' END,
	step <> 'closed', 'group' || CAST(b % 8 AS TEXT) || '.kind' || CAST(c % 12 AS TEXT),
	CASE grave WHEN 4 THEN 'critical' WHEN 3 THEN 'high' WHEN 2 THEN 'medium' ELSE 'low' END, 'medium',
	CASE d % 4 WHEN 0 THEN '楼道里有燃气味' WHEN 1 THEN '路灯不亮已经三天' WHEN 2 THEN '小区门口堆放垃圾' ELSE '邻里噪声纠纷' END || CAST(i % 5000 AS TEXT),
	d % 50 = 0, 117.0 + (a * 1.0) / 2000, 31.0 + (d * 1.0) / 2000, '河边路 ' || CAST(b AS TEXT) || ' 号',
	'village' || CAST(village AS TEXT), 'grid' || CAST(village + 288 * plot AS TEXT),
	CASE d % 10 WHEN 0 THEN 'county' || CAST(village % 24 % 2 AS TEXT) WHEN 1 THEN 'town' || CAST(village % 24 AS TEXT) ELSE 'village' || CAST(village AS TEXT) END,
	CASE WHEN step IN ('report', 'file') THEN '' ELSE 'dep' || CAST(b % 8 * 7 + c % 5 AS TEXT) END, '', CASE WHEN d % 3 = 0 THEN 'user' || CAST(a AS TEXT) ELSE '' END,
	CASE WHEN step IN ('report', 'file', 'assign') THEN '' ELSE 'dep' || CAST(b % 8 * 7 + c % 5 AS TEXT) END, '', '',
	opened, opened + hours * 3600000000, CASE WHEN step = 'closed' THEN opened + hours * 3600000000 ELSE 0 END, 0, 0,
	opened + 300 * 3600000000, opened + 400 * 3600000000, CASE WHEN step = 'closed' THEN 0 ELSE opened + 300 * 3600000000 END, 0,
	CASE WHEN step <> 'closed' AND a % 9 = 0 THEN opened ELSE 0 END, 0, 0, CASE WHEN step <> 'closed' AND d < 10 THEN opened ELSE 0 END, 1,
	CASE WHEN a = 1000 AND b % 7 = 0 THEN 9 ELSE 0 END, CASE WHEN a % 11 = 0 THEN 1 ELSE 0 END, 0, 0, CASE WHEN b % 31 = 0 THEN 1 ELSE 0 END,
	CASE WHEN c % 37 = 0 THEN 1 ELSE 0 END, '', CASE WHEN step IN ('report', 'file') THEN 0 ELSE opened + 3600000000 END,
	grave * 72057594037927936 + opened, CASE WHEN step = 'closed' THEN 0 ELSE 9223372036854775807 - opened - 300 * 3600000000 END, ?
FROM stepped`
