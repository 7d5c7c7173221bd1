-- The audit: appended and chained, never changed and never swept. Numbers come
-- from the series 'audit'; details is a JSON object of texts with sorted keys.

-- +goose Up
CREATE TABLE audit (
    seq       BIGINT PRIMARY KEY,
    at        BIGINT NOT NULL,
    kind      TEXT NOT NULL,
    user_id   TEXT NOT NULL,
    user_name TEXT NOT NULL,
    role      TEXT NOT NULL,
    address   TEXT NOT NULL,
    area_id   TEXT NOT NULL,
    object    TEXT NOT NULL,
    details   TEXT NOT NULL,
    hash      TEXT NOT NULL
);
CREATE INDEX audit_at ON audit (at, seq);
CREATE INDEX audit_kind ON audit (kind, at, seq);
CREATE INDEX audit_user ON audit (user_id, at, seq);
CREATE INDEX audit_object ON audit (object, at, seq);

-- +goose Down
DROP TABLE audit;
