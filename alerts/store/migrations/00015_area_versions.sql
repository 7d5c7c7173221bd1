-- Every version an area has had, and those to come; the row in areas is the one
-- that holds. Times are microseconds since 1970 UTC, 0 for none.

-- +goose Up
CREATE TABLE area_versions (
    id         TEXT NOT NULL REFERENCES areas (id),
    valid_from BIGINT NOT NULL,
    valid_to   BIGINT NOT NULL,
    parent_id  TEXT REFERENCES areas (id),
    name       TEXT NOT NULL,
    name_en    TEXT NOT NULL,
    level      TEXT NOT NULL,
    code       TEXT NOT NULL,
    scheme     TEXT NOT NULL,
    shape      TEXT NOT NULL,
    PRIMARY KEY (id, valid_from)
);
INSERT INTO area_versions (id, valid_from, valid_to, parent_id, name, name_en, level, code, scheme, shape)
    SELECT id, valid_from, valid_to, parent_id, name, name_en, level, code, scheme, shape FROM areas;

-- +goose Down
DROP TABLE area_versions;
