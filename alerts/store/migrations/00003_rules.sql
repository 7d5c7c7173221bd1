-- The rules, each as one JSON document: they are read and replaced as a whole.

-- +goose Up
CREATE TABLE rules (
    name       TEXT PRIMARY KEY,
    body       TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);

-- +goose Down
DROP TABLE rules;
