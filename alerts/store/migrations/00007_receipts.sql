-- Receipts that are checked without signing in. The code is not kept: its
-- SHA-256 is the key.

-- +goose Up
CREATE TABLE receipts (
    code_hash   TEXT PRIMARY KEY,
    incident_id TEXT NOT NULL REFERENCES incidents (id)
);

-- +goose Down
DROP TABLE receipts;
