-- Lists and dashboards of cases are answered from memory, see cases_held.go.
-- changed: number of the transaction that saved a case last, so that every node
-- finds what it has not read; series holds the newest, and counts the changes of
-- areas. The sums of dashboards are kept no more, and indexes no wider than the
-- first answers after a start need: they slowed every move of a case.

-- +goose Up
ALTER TABLE cases ADD COLUMN changed BIGINT NOT NULL DEFAULT 0;
CREATE INDEX cases_changed ON cases (changed);
INSERT INTO series (name, value) VALUES ('cases', 0), ('areas', 0);
DROP TABLE case_sums;
DROP INDEX cases_late;
CREATE INDEX cases_late ON cases (urgency) WHERE urgency > 0;
DROP INDEX cases_opened;
CREATE INDEX cases_opened ON cases (opened_at, id);

-- +goose Down
DROP INDEX cases_opened;
CREATE INDEX cases_opened ON cases (opened_at, id, updated_at, urgency, gravity);
DROP INDEX cases_late;
CREATE INDEX cases_late ON cases (urgency, paused_at, is_open, area_id, category, severity, gravity, step, outcome, direct,
    holder_id, department_id, grid_id, opened_at) WHERE urgency > 0;
CREATE TABLE case_sums (
    node      TEXT NOT NULL,
    kind      TEXT NOT NULL,
    item      TEXT NOT NULL,
    severity  TEXT NOT NULL,
    step      TEXT NOT NULL,
    outcome   TEXT NOT NULL,
    direct    BOOLEAN NOT NULL,
    total     BIGINT NOT NULL,
    late      BIGINT NOT NULL,
    returned  BIGINT NOT NULL,
    reopened  BIGINT NOT NULL,
    edited    BIGINT NOT NULL,
    held      BIGINT NOT NULL,
    hold_time BIGINT NOT NULL,
    PRIMARY KEY (node, kind, item, severity, step, outcome, direct)
);
DELETE FROM series WHERE name IN ('cases', 'areas');
DROP INDEX cases_changed;
ALTER TABLE cases DROP COLUMN changed;
