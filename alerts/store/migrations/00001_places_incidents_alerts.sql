-- Times are microseconds since 1970 UTC, 0 for none. Shapes are GeoJSON
-- coordinates of a MultiPolygon. Types are those that SQLite and PostgreSQL
-- both understand.

-- +goose Up
CREATE TABLE areas (
    id         TEXT PRIMARY KEY,
    parent_id  TEXT REFERENCES areas (id),
    path       TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    name_en    TEXT NOT NULL,
    level      TEXT NOT NULL,
    code       TEXT NOT NULL,
    scheme     TEXT NOT NULL,
    valid_from BIGINT NOT NULL,
    valid_to   BIGINT NOT NULL,
    shape      TEXT NOT NULL
);

CREATE TABLE grids (
    id         TEXT PRIMARY KEY,
    area_id    TEXT NOT NULL REFERENCES areas (id),
    name       TEXT NOT NULL,
    code       TEXT NOT NULL,
    scheme     TEXT NOT NULL,
    kind       TEXT NOT NULL,
    households INTEGER NOT NULL,
    valid_from BIGINT NOT NULL,
    valid_to   BIGINT NOT NULL,
    shape      TEXT NOT NULL
);
CREATE INDEX grids_area ON grids (area_id);

CREATE TABLE cameras (
    id         TEXT PRIMARY KEY,
    area_id    TEXT NOT NULL REFERENCES areas (id),
    grid_id    TEXT REFERENCES grids (id),
    name       TEXT NOT NULL,
    lon        DOUBLE PRECISION NOT NULL,
    lat        DOUBLE PRECISION NOT NULL,
    given_lon  DOUBLE PRECISION NOT NULL,
    given_lat  DOUBLE PRECISION NOT NULL,
    coords     TEXT NOT NULL,
    height     DOUBLE PRECISION NOT NULL,
    azimuth    DOUBLE PRECISION NOT NULL,
    fov        DOUBLE PRECISION NOT NULL,
    reach      DOUBLE PRECISION NOT NULL,
    class      INTEGER NOT NULL,
    owner      TEXT NOT NULL,
    purpose    TEXT NOT NULL,
    filing     TEXT NOT NULL,
    retention  INTEGER NOT NULL,
    main_url   TEXT NOT NULL,
    sub_url    TEXT NOT NULL,
    transport  TEXT NOT NULL,
    mode       TEXT NOT NULL,
    sealed     BYTEA,
    enabled    BOOLEAN NOT NULL,
    version    BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX cameras_name ON cameras (name, id);
CREATE INDEX cameras_area ON cameras (area_id, name, id);
CREATE INDEX cameras_grid ON cameras (grid_id, name, id);

CREATE TABLE incidents (
    id          TEXT PRIMARY KEY,
    number      TEXT NOT NULL UNIQUE,
    category    TEXT NOT NULL,
    severity    TEXT NOT NULL,
    direct      BOOLEAN NOT NULL,
    body        TEXT NOT NULL,
    lon         DOUBLE PRECISION NOT NULL,
    lat         DOUBLE PRECISION NOT NULL,
    given_lon   DOUBLE PRECISION NOT NULL,
    given_lat   DOUBLE PRECISION NOT NULL,
    coords      TEXT NOT NULL,
    accuracy    DOUBLE PRECISION NOT NULL,
    address     TEXT NOT NULL,
    area_id     TEXT NOT NULL REFERENCES areas (id),
    grid_id     TEXT REFERENCES grids (id),
    channel     TEXT NOT NULL,
    reporter_id TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    hash        TEXT NOT NULL
);
CREATE INDEX incidents_time ON incidents (received_at, id, area_id);
CREATE INDEX incidents_area ON incidents (area_id, received_at, id);
CREATE INDEX incidents_area_category ON incidents (area_id, category, received_at, id);
CREATE INDEX incidents_area_severity ON incidents (area_id, severity, received_at, id);
CREATE INDEX incidents_grid ON incidents (grid_id, received_at, id);
CREATE INDEX incidents_category ON incidents (category, received_at, id, area_id);
CREATE INDEX incidents_severity ON incidents (severity, received_at, id, area_id);
CREATE INDEX incidents_reporter ON incidents (reporter_id, received_at, id);

CREATE TABLE photos (
    id          TEXT PRIMARY KEY,
    incident_id TEXT NOT NULL REFERENCES incidents (id),
    place       INTEGER NOT NULL,
    sha256      TEXT NOT NULL,
    media_type  TEXT NOT NULL,
    size        BIGINT NOT NULL,
    width       INTEGER NOT NULL,
    height      INTEGER NOT NULL
);
CREATE INDEX photos_incident ON photos (incident_id, place);

CREATE TABLE alerts (
    id          TEXT PRIMARY KEY,
    source_id   TEXT NOT NULL,
    source_name TEXT NOT NULL,
    external_id TEXT NOT NULL,
    same_key    TEXT NOT NULL,
    kind        TEXT NOT NULL,
    severity    TEXT NOT NULL,
    body        TEXT NOT NULL,
    camera_id   TEXT,
    lon         DOUBLE PRECISION NOT NULL,
    lat         DOUBLE PRECISION NOT NULL,
    area_id     TEXT NOT NULL REFERENCES areas (id),
    grid_id     TEXT REFERENCES grids (id),
    first_at    BIGINT NOT NULL,
    last_at     BIGINT NOT NULL,
    count       INTEGER NOT NULL
);
CREATE INDEX alerts_time ON alerts (last_at, id, area_id);
CREATE INDEX alerts_area ON alerts (area_id, last_at, id);
CREATE INDEX alerts_area_kind ON alerts (area_id, kind, last_at, id);
CREATE INDEX alerts_area_severity ON alerts (area_id, severity, last_at, id);
CREATE INDEX alerts_grid ON alerts (grid_id, last_at, id);
CREATE INDEX alerts_camera ON alerts (camera_id, last_at, id);
CREATE INDEX alerts_kind ON alerts (kind, last_at, id, area_id);
CREATE INDEX alerts_severity ON alerts (severity, last_at, id, area_id);
CREATE INDEX alerts_key ON alerts (same_key, last_at);

CREATE TABLE users (
    id            TEXT PRIMARY KEY,
    username      TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    role          TEXT NOT NULL,
    area_id       TEXT REFERENCES areas (id),
    department    TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    disabled      BOOLEAN NOT NULL,
    sessions_from BIGINT NOT NULL,
    version       BIGINT NOT NULL
);

CREATE TABLE sources (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    area_id    TEXT NOT NULL REFERENCES areas (id),
    token_hash TEXT NOT NULL UNIQUE,
    disabled   BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL,
    data       BYTEA,
    expires    BIGINT NOT NULL
);
CREATE INDEX sessions_expires ON sessions (expires);

CREATE TABLE request_keys (
    user_id    TEXT NOT NULL,
    request_key TEXT NOT NULL,
    request    TEXT NOT NULL,
    object     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, request_key)
);
CREATE INDEX request_keys_created ON request_keys (created_at);

CREATE TABLE events (
    seq       BIGINT PRIMARY KEY,
    at        BIGINT NOT NULL,
    kind      TEXT NOT NULL,
    area_id   TEXT NOT NULL,
    area_path TEXT NOT NULL,
    object_id TEXT NOT NULL,
    data      TEXT NOT NULL
);
CREATE INDEX events_at ON events (at, seq);

-- One row per series of numbers: incident numbers by day, and the events'.
-- Handing out a number locks its row until the commit, so that numbers commit
-- in order.
CREATE TABLE series (
    name  TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO series (name, value) VALUES ('event', 0);

-- +goose Down
DROP TABLE series;
DROP TABLE events;
DROP TABLE request_keys;
DROP TABLE sessions;
DROP TABLE sources;
DROP TABLE users;
DROP TABLE alerts;
DROP TABLE photos;
DROP TABLE incidents;
DROP TABLE cameras;
DROP TABLE grids;
DROP TABLE areas;
