-- Emergency access and its reviews. Times are microseconds since 1970 UTC, 0 for
-- none.

-- +goose Up
CREATE TABLE emergencies (
    id            TEXT PRIMARY KEY,
    user_id       TEXT NOT NULL REFERENCES users (id),
    user_name     TEXT NOT NULL,
    role          TEXT NOT NULL,
    home_id       TEXT NOT NULL REFERENCES areas (id),
    area_id       TEXT NOT NULL REFERENCES areas (id),
    reason        TEXT NOT NULL,
    at            BIGINT NOT NULL,
    until         BIGINT NOT NULL,
    ended_at      BIGINT NOT NULL,
    ended_by      TEXT NOT NULL,
    verdict       TEXT NOT NULL,
    review        TEXT NOT NULL,
    reviewed_by   TEXT NOT NULL,
    reviewer_name TEXT NOT NULL,
    reviewed_at   BIGINT NOT NULL,
    version       BIGINT NOT NULL
);
CREATE INDEX emergencies_time ON emergencies (at, id, area_id);
CREATE INDEX emergencies_area ON emergencies (area_id, at, id);
CREATE INDEX emergencies_user ON emergencies (user_id, until);

-- +goose Down
DROP TABLE emergencies;
