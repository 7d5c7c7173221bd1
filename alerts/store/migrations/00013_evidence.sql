-- Evidence of cases, requests for clips, exports of clips, holds on footage.
-- Times are microseconds since 1970 UTC, 0 for none. footage, cameras, evidence
-- and already are JSON.

-- +goose Up
CREATE TABLE evidence (
    id          TEXT PRIMARY KEY,
    case_id     TEXT NOT NULL REFERENCES cases (id),
    n           INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    object      TEXT NOT NULL,
    bytes       BIGINT NOT NULL,
    sha256      TEXT NOT NULL,
    media_type  TEXT NOT NULL,
    camera_id   TEXT NOT NULL,
    profile     TEXT NOT NULL,
    starts      BIGINT NOT NULL,
    ends        BIGINT NOT NULL,
    footage     TEXT NOT NULL,
    copy_of     TEXT NOT NULL,
    purpose     TEXT NOT NULL,
    note        TEXT NOT NULL,
    export_id   TEXT NOT NULL,
    request_id  TEXT NOT NULL,
    by_id       TEXT NOT NULL,
    by_name     TEXT NOT NULL,
    by_role     TEXT NOT NULL,
    at          BIGINT NOT NULL,
    hash        TEXT NOT NULL,
    audit_seq   BIGINT NOT NULL,
    audit_hash  TEXT NOT NULL,
    UNIQUE (case_id, n)
);
CREATE INDEX evidence_camera ON evidence (camera_id, profile, starts);

CREATE TABLE clip_requests (
    id            TEXT PRIMARY KEY,
    case_id       TEXT NOT NULL REFERENCES cases (id),
    area_id       TEXT NOT NULL REFERENCES areas (id),
    cameras       TEXT NOT NULL,
    starts        BIGINT NOT NULL,
    ends          BIGINT NOT NULL,
    reason        TEXT NOT NULL,
    state         TEXT NOT NULL,
    by_id         TEXT NOT NULL,
    by_name       TEXT NOT NULL,
    by_role       TEXT NOT NULL,
    at            BIGINT NOT NULL,
    answered_by   TEXT NOT NULL,
    answered_name TEXT NOT NULL,
    answered_at   BIGINT NOT NULL,
    answer        TEXT NOT NULL,
    export_id     TEXT NOT NULL,
    version       BIGINT NOT NULL
);
CREATE INDEX clip_requests_time ON clip_requests (at, id, area_id);
CREATE INDEX clip_requests_area ON clip_requests (area_id, at, id);
CREATE INDEX clip_requests_state ON clip_requests (state, at, id);
CREATE INDEX clip_requests_case ON clip_requests (case_id, at, id);
CREATE INDEX clip_requests_by ON clip_requests (by_id, at, id);

CREATE TABLE clip_exports (
    id         TEXT PRIMARY KEY,
    case_id    TEXT NOT NULL REFERENCES cases (id),
    area_id    TEXT NOT NULL REFERENCES areas (id),
    cameras    TEXT NOT NULL,
    starts     BIGINT NOT NULL,
    ends       BIGINT NOT NULL,
    purpose    TEXT NOT NULL,
    note       TEXT NOT NULL,
    request_id TEXT NOT NULL,
    state      TEXT NOT NULL,
    evidence   TEXT NOT NULL,
    already    TEXT NOT NULL,
    error      TEXT NOT NULL,
    by_id      TEXT NOT NULL,
    by_name    TEXT NOT NULL,
    by_role    TEXT NOT NULL,
    at         BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL,
    version    BIGINT NOT NULL
);
CREATE INDEX clip_exports_state ON clip_exports (state, at, id);
CREATE INDEX clip_exports_by ON clip_exports (by_id, at, id);

CREATE TABLE holds (
    id          TEXT PRIMARY KEY,
    case_id     TEXT NOT NULL REFERENCES cases (id),
    camera_id   TEXT NOT NULL,
    starts      BIGINT NOT NULL,
    ends        BIGINT NOT NULL,
    until       BIGINT NOT NULL,
    pin         TEXT NOT NULL,
    pin_until   BIGINT NOT NULL,
    released_at BIGINT NOT NULL,
    why         TEXT NOT NULL,
    reviewed_by TEXT NOT NULL,
    reviewed_at BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    version     BIGINT NOT NULL
);
CREATE INDEX holds_case ON holds (case_id, at, id);
CREATE INDEX holds_held ON holds (released_at, id);

-- +goose Down
DROP TABLE holds;
DROP TABLE clip_exports;
DROP TABLE clip_requests;
DROP TABLE evidence;
