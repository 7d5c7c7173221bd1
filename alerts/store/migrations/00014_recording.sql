-- What of a camera is recorded, as JSON: alerts.RecordPlan.

-- +goose Up
ALTER TABLE cameras ADD COLUMN record TEXT NOT NULL DEFAULT '{}';

-- +goose Down
ALTER TABLE cameras DROP COLUMN record;
