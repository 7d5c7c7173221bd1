package store

import (
	"fmt"
	"strings"
)

// A second line behind the code: the database itself refuses to change or delete
// what is never changed. Who may alter the database can take that away; it keeps
// out mistakes and single stolen statements. The guards are put up at every
// start, so that a start brings back what was taken away. A migration that has to
// rewrite such a table takes its guards down first.

// kept names the tables whose rows are never changed nor deleted.
var kept = [...]string{"audit", "incidents", "photos", "incident_notes", "case_moves", "case_comments", "case_attachments", "points", "evidence"}

// keptFromDeletion names tables whose rows change, but never go.
var keptFromDeletion = [...]string{"cases", "case_filings", "appeals", "emergencies", "clip_requests", "clip_exports", "holds"}

// keptSQLite returns the statements that put up the guards.
func keptSQLite() []string {
	var out []string
	guard := func(table, what string) {
		out = append(out, fmt.Sprintf(`CREATE TRIGGER IF NOT EXISTS kept_%s_%s BEFORE %s ON %s
			BEGIN SELECT RAISE(ABORT, 'rows of %s are kept as they are'); END`, table, strings.ToLower(what), what, table, table))
	}
	for _, table := range kept {
		guard(table, "UPDATE")
		guard(table, "DELETE")
	}
	for _, table := range keptFromDeletion {
		guard(table, "DELETE")
	}
	return out
}

// keptPostgres returns the same for PostgreSQL, as one text. Guards that somebody
// has switched off are switched on again.
func keptPostgres() string {
	var b strings.Builder
	b.WriteString(`CREATE OR REPLACE FUNCTION sharpeyes_kept() RETURNS trigger LANGUAGE plpgsql AS $kept$
		BEGIN RAISE EXCEPTION 'rows of % are kept as they are', TG_TABLE_NAME; END $kept$;
	`)
	guard := func(name, table, what, each string) {
		fmt.Fprintf(&b, `DO $kept$ BEGIN
			IF NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgname = '%[1]s' AND tgrelid = '%[2]s'::regclass) THEN
				CREATE TRIGGER %[1]s BEFORE %[3]s ON %[2]s FOR EACH %[4]s EXECUTE FUNCTION sharpeyes_kept();
			ELSIF EXISTS (SELECT 1 FROM pg_trigger WHERE tgname = '%[1]s' AND tgrelid = '%[2]s'::regclass AND tgenabled <> 'O') THEN
				ALTER TABLE %[2]s ENABLE TRIGGER %[1]s;
			END IF; END $kept$;
		`, name, table, what, each)
	}
	for _, table := range kept {
		guard("kept_row", table, "UPDATE OR DELETE", "ROW")
	}
	for _, table := range keptFromDeletion {
		guard("kept_row", table, "DELETE", "ROW")
	}
	for _, table := range append(kept[:], keptFromDeletion[:]...) {
		guard("kept_all", table, "TRUNCATE", "STATEMENT")
	}
	return b.String()
}
