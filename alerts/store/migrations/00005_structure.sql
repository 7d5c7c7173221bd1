-- Departments, rosters, registers, and the versions of grids. A stretch is kept
-- as a shape of one ring, empty for a single point.

-- +goose Up
CREATE TABLE departments (
    id       TEXT PRIMARY KEY,
    area_id  TEXT NOT NULL REFERENCES areas (id),
    name     TEXT NOT NULL,
    name_en  TEXT NOT NULL,
    disabled BOOLEAN NOT NULL,
    version  BIGINT NOT NULL
);
CREATE INDEX departments_area ON departments (area_id);

CREATE TABLE offices (
    id            TEXT PRIMARY KEY,
    department_id TEXT NOT NULL REFERENCES departments (id),
    name          TEXT NOT NULL,
    disabled      BOOLEAN NOT NULL
);
CREATE INDEX offices_department ON offices (department_id);

CREATE TABLE duties (
    id            TEXT PRIMARY KEY,
    department_id TEXT NOT NULL REFERENCES departments (id),
    office_id     TEXT REFERENCES offices (id),
    person_id     TEXT REFERENCES users (id),
    category      TEXT NOT NULL,
    area_id       TEXT REFERENCES areas (id)
);
CREATE INDEX duties_department ON duties (department_id);

-- What was text becomes a department of the account's area.
ALTER TABLE users ADD COLUMN department_id TEXT REFERENCES departments (id);
INSERT INTO departments (id, area_id, name, name_en, disabled, version)
    SELECT MIN(id), area_id, department, '', FALSE, 1 FROM users
    WHERE department <> '' AND area_id IS NOT NULL GROUP BY area_id, department;
UPDATE users SET department_id = (SELECT d.id FROM departments AS d
    WHERE d.area_id = users.area_id AND d.name = users.department) WHERE department <> '';
ALTER TABLE users DROP COLUMN department;
CREATE INDEX users_department ON users (department_id);

CREATE TABLE posts (
    id         TEXT PRIMARY KEY,
    grid_id    TEXT NOT NULL REFERENCES grids (id),
    kind       TEXT NOT NULL,
    user_id    TEXT REFERENCES users (id),
    name       TEXT NOT NULL,
    employment TEXT NOT NULL,
    tasks      TEXT NOT NULL,
    valid_from BIGINT NOT NULL,
    valid_to   BIGINT NOT NULL,
    handed_to  TEXT NOT NULL,
    hand_note  TEXT NOT NULL
);
CREATE INDEX posts_grid ON posts (grid_id, valid_from);
CREATE INDEX posts_user ON posts (user_id, valid_from);

-- Every version a grid has had; the row in grids is the last one saved.
CREATE TABLE grid_versions (
    id         TEXT NOT NULL REFERENCES grids (id),
    valid_from BIGINT NOT NULL,
    valid_to   BIGINT NOT NULL,
    area_id    TEXT NOT NULL REFERENCES areas (id),
    name       TEXT NOT NULL,
    code       TEXT NOT NULL,
    scheme     TEXT NOT NULL,
    kind       TEXT NOT NULL,
    households INTEGER NOT NULL,
    shape      TEXT NOT NULL,
    PRIMARY KEY (id, valid_from)
);
INSERT INTO grid_versions (id, valid_from, valid_to, area_id, name, code, scheme, kind, households, shape)
    SELECT id, valid_from, valid_to, area_id, name, code, scheme, kind, households, shape FROM grids;

CREATE TABLE sites (
    id         TEXT PRIMARY KEY,
    area_id    TEXT NOT NULL REFERENCES areas (id),
    grid_id    TEXT REFERENCES grids (id),
    register   TEXT NOT NULL,
    kind       TEXT NOT NULL,
    name       TEXT NOT NULL,
    contact    TEXT NOT NULL,
    address    TEXT NOT NULL,
    lon        DOUBLE PRECISION NOT NULL,
    lat        DOUBLE PRECISION NOT NULL,
    stretch    TEXT NOT NULL,
    remark     TEXT NOT NULL,
    checked_at BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX sites_name ON sites (name, id);
CREATE INDEX sites_area ON sites (area_id, name, id);
CREATE INDEX sites_grid ON sites (grid_id, name, id);

-- +goose Down
DROP TABLE sites;
DROP TABLE grid_versions;
DROP TABLE posts;
ALTER TABLE users ADD COLUMN department TEXT NOT NULL DEFAULT '';
UPDATE users SET department = COALESCE((SELECT d.name FROM departments AS d WHERE d.id = users.department_id), '');
DROP INDEX users_department;
ALTER TABLE users DROP COLUMN department_id;
DROP TABLE duties;
DROP TABLE offices;
DROP TABLE departments;
