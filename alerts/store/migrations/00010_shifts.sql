-- Duty rosters of the centres. Times are microseconds since 1970 UTC.

-- +goose Up
CREATE TABLE shifts (
    id      TEXT PRIMARY KEY,
    area_id TEXT NOT NULL REFERENCES areas (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    starts  BIGINT NOT NULL,
    ends    BIGINT NOT NULL,
    lead    BOOLEAN NOT NULL,
    note    TEXT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX shifts_area ON shifts (area_id, ends, starts);

-- +goose Down
DROP TABLE shifts;
