-- Photos and files are pieces of their case's evidence. A piece is chained by
-- hashes that SQL cannot make: here stand the cases with photos from before, which
-- the next start takes into their chains.

-- +goose Up
CREATE TABLE evidence_backlog (
    case_id TEXT PRIMARY KEY REFERENCES cases (id)
);
INSERT INTO evidence_backlog (case_id)
    SELECT f.case_id FROM case_filings AS f JOIN photos AS p ON p.incident_id = f.incident_id
    UNION SELECT case_id FROM case_attachments;

-- An export of clips belongs to a node until its lease runs out; microseconds
-- since 1970 UTC. Those from before belong to none.
ALTER TABLE clip_exports ADD COLUMN ordered_on TEXT NOT NULL DEFAULT '';
ALTER TABLE clip_exports ADD COLUMN node TEXT NOT NULL DEFAULT '';
ALTER TABLE clip_exports ADD COLUMN lease_until BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE clip_exports DROP COLUMN lease_until;
ALTER TABLE clip_exports DROP COLUMN node;
ALTER TABLE clip_exports DROP COLUMN ordered_on;
DROP TABLE evidence_backlog;
