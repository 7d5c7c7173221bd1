-- The ledger of points (积分考评) and the appeals against it. Times are
-- microseconds since 1970 UTC, 0 for none.

-- +goose Up
CREATE TABLE points (
    id          TEXT PRIMARY KEY,
    user_id     TEXT NOT NULL,
    month       TEXT NOT NULL,
    kind        TEXT NOT NULL,
    points      INTEGER NOT NULL,
    case_id     TEXT NOT NULL,
    incident_id TEXT NOT NULL,
    area_id     TEXT NOT NULL REFERENCES areas (id),
    hidden      BOOLEAN NOT NULL,
    at          BIGINT NOT NULL,
    by_id       TEXT NOT NULL
);
CREATE INDEX points_time ON points (at, id, area_id);
CREATE INDEX points_area ON points (area_id, at, id);
CREATE INDEX points_user ON points (user_id, at, id);
CREATE INDEX points_month ON points (month, area_id, user_id);
CREATE INDEX points_case ON points (case_id);

CREATE TABLE appeals (
    id          TEXT PRIMARY KEY,
    user_id     TEXT NOT NULL,
    area_id     TEXT NOT NULL REFERENCES areas (id),
    month       TEXT NOT NULL,
    case_id     TEXT NOT NULL,
    body        TEXT NOT NULL,
    at          BIGINT NOT NULL,
    granted     INTEGER NOT NULL,
    answer      TEXT NOT NULL,
    answered_by TEXT NOT NULL,
    answered_at BIGINT NOT NULL,
    version     BIGINT NOT NULL
);
CREATE INDEX appeals_time ON appeals (at, id, area_id);
CREATE INDEX appeals_area ON appeals (area_id, at, id);
CREATE INDEX appeals_user ON appeals (user_id, at, id);

-- +goose Down
DROP TABLE appeals;
DROP TABLE points;
