-- Cases and what belongs to them. gravity, urgency and is_open are made from
-- the other columns when a case is saved, so that every order is one column:
-- see caseToRow.

-- +goose Up
ALTER TABLE events ADD COLUMN parties TEXT NOT NULL DEFAULT '';

CREATE TABLE cases (
    id             TEXT PRIMARY KEY,
    code           TEXT NOT NULL UNIQUE,
    version        BIGINT NOT NULL,
    step           TEXT NOT NULL,
    step_at        BIGINT NOT NULL,
    outcome        TEXT NOT NULL,
    is_open        BOOLEAN NOT NULL,
    category       TEXT NOT NULL,
    severity       TEXT NOT NULL,
    first_severity TEXT NOT NULL,
    title          TEXT NOT NULL,
    direct         BOOLEAN NOT NULL,
    lon            DOUBLE PRECISION NOT NULL,
    lat            DOUBLE PRECISION NOT NULL,
    address        TEXT NOT NULL,
    area_id        TEXT NOT NULL REFERENCES areas (id),
    grid_id        TEXT REFERENCES grids (id),
    holder_id      TEXT NOT NULL REFERENCES areas (id),
    department_id  TEXT NOT NULL,
    office_id      TEXT NOT NULL,
    person_id      TEXT NOT NULL,
    first_id       TEXT NOT NULL,
    against        TEXT NOT NULL,
    handler_id     TEXT NOT NULL,
    opened_at      BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    closed_at      BIGINT NOT NULL,
    replied_at     BIGINT NOT NULL,
    reply_due      BIGINT NOT NULL,
    due_at         BIGINT NOT NULL,
    case_due_at    BIGINT NOT NULL,
    next_at        BIGINT NOT NULL,
    reminded       INTEGER NOT NULL,
    paused_at      BIGINT NOT NULL,
    paused_for     BIGINT NOT NULL,
    extended       BIGINT NOT NULL,
    supervised     BIGINT NOT NULL,
    incidents      INTEGER NOT NULL,
    comments       INTEGER NOT NULL,
    returns        INTEGER NOT NULL,
    transfers      INTEGER NOT NULL,
    escalated      INTEGER NOT NULL,
    reopened       INTEGER NOT NULL,
    edited         INTEGER NOT NULL,
    merged_into    TEXT NOT NULL,
    held_at        BIGINT NOT NULL,
    gravity        BIGINT NOT NULL,
    urgency        BIGINT NOT NULL
);
-- The orders of lists.
CREATE INDEX cases_updated ON cases (updated_at, id);
CREATE INDEX cases_opened ON cases (opened_at, id, updated_at, urgency, gravity);
CREATE INDEX cases_gravity ON cases (gravity, id);
CREATE INDEX cases_urgency ON cases (urgency, id);
-- What leaves few cases; nothing that most moves change.
CREATE INDEX cases_area ON cases (area_id, opened_at);
CREATE INDEX cases_grid ON cases (grid_id);
CREATE INDEX cases_holder ON cases (holder_id);
CREATE INDEX cases_category ON cases (category);
CREATE INDEX cases_department ON cases (department_id);
CREATE INDEX cases_first ON cases (first_id);
CREATE INDEX cases_person ON cases (person_id);
CREATE INDEX cases_step ON cases (step) WHERE is_open;
CREATE INDEX cases_outcome ON cases (outcome) WHERE outcome > '' AND outcome <> 'solved';
CREATE INDEX cases_direct ON cases (opened_at) WHERE direct;
CREATE INDEX cases_supervised ON cases (supervised) WHERE supervised > 0;
-- What may be late, with all that it is counted by.
CREATE INDEX cases_late ON cases (urgency, paused_at, is_open, area_id, category, severity, gravity, step, outcome, direct,
    holder_id, department_id, grid_id, opened_at) WHERE urgency > 0;
CREATE INDEX cases_place ON cases (lat, lon) WHERE is_open;
CREATE INDEX cases_next ON cases (next_at, id) WHERE next_at > 0;

-- See cases_sums.go. item: of the kind, as a category's code or a day's number.
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

CREATE TABLE case_moves (
    case_id       TEXT NOT NULL REFERENCES cases (id),
    n             INTEGER NOT NULL,
    action        TEXT NOT NULL,
    from_step     TEXT NOT NULL,
    to_step       TEXT NOT NULL,
    at            BIGINT NOT NULL,
    actor_id      TEXT NOT NULL,
    actor_name    TEXT NOT NULL,
    actor_role    TEXT NOT NULL,
    department_id TEXT NOT NULL,
    area_id       TEXT NOT NULL,
    reason        TEXT NOT NULL,
    details       TEXT NOT NULL,
    files         TEXT NOT NULL,
    place         TEXT NOT NULL,
    hash          TEXT NOT NULL,
    PRIMARY KEY (case_id, n)
);

CREATE TABLE case_filings (
    incident_id TEXT PRIMARY KEY REFERENCES incidents (id),
    case_id     TEXT NOT NULL REFERENCES cases (id),
    first_id    TEXT NOT NULL REFERENCES cases (id),
    at          BIGINT NOT NULL,
    by_id       TEXT NOT NULL
);
CREATE INDEX case_filings_case ON case_filings (case_id, at, incident_id);

CREATE TABLE case_parts (
    case_id       TEXT NOT NULL REFERENCES cases (id),
    department_id TEXT NOT NULL,
    office_id     TEXT NOT NULL,
    person_id     TEXT NOT NULL,
    at            BIGINT NOT NULL,
    received_at   BIGINT NOT NULL,
    done_at       BIGINT NOT NULL,
    PRIMARY KEY (case_id, department_id)
);
CREATE INDEX case_parts_department ON case_parts (department_id, case_id);

CREATE TABLE case_comments (
    id        TEXT PRIMARY KEY,
    case_id   TEXT NOT NULL REFERENCES cases (id),
    at        BIGINT NOT NULL,
    author_id TEXT NOT NULL,
    author    TEXT NOT NULL,
    body      TEXT NOT NULL,
    mentions  TEXT NOT NULL,
    files     TEXT NOT NULL
);
CREATE INDEX case_comments_case ON case_comments (case_id, at, id);

CREATE TABLE case_attachments (
    id         TEXT PRIMARY KEY,
    case_id    TEXT NOT NULL REFERENCES cases (id),
    by_id      TEXT NOT NULL,
    at         BIGINT NOT NULL,
    sha256     TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size       BIGINT NOT NULL,
    width      INTEGER NOT NULL,
    height     INTEGER NOT NULL
);
CREATE INDEX case_attachments_case ON case_attachments (case_id, at, id);

CREATE TABLE incident_notes (
    id          TEXT PRIMARY KEY,
    incident_id TEXT NOT NULL REFERENCES incidents (id),
    at          BIGINT NOT NULL,
    author_id   TEXT NOT NULL,
    author      TEXT NOT NULL,
    body        TEXT NOT NULL
);
CREATE INDEX incident_notes_incident ON incident_notes (incident_id, at, id);

-- +goose Down
DROP TABLE incident_notes;
DROP TABLE case_attachments;
DROP TABLE case_comments;
DROP TABLE case_parts;
DROP TABLE case_filings;
DROP TABLE case_moves;
DROP TABLE case_sums;
DROP TABLE cases;
ALTER TABLE events DROP COLUMN parties;
