-- The alarm that an incident was made of.

-- +goose Up
ALTER TABLE incidents ADD COLUMN alert_id TEXT NOT NULL DEFAULT '';
CREATE INDEX incidents_alert ON incidents (alert_id) WHERE alert_id <> '';

-- +goose Down
DROP INDEX incidents_alert;
ALTER TABLE incidents DROP COLUMN alert_id;
