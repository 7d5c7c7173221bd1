-- Machine tokens, known by hash alone; webhooks out and how far each has come;
-- leases of what one node does for all. rights and kinds are JSON lists.

-- +goose Up
CREATE TABLE machine_tokens (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    rights     TEXT NOT NULL,
    area_id    TEXT NOT NULL REFERENCES areas (id),
    token_hash TEXT NOT NULL UNIQUE,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires    BIGINT NOT NULL,
    used_at    BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL
);

CREATE TABLE webhooks (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    url        TEXT NOT NULL,
    kinds      TEXT NOT NULL,
    area_id    TEXT NOT NULL REFERENCES areas (id),
    sealed     BYTEA,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    state      TEXT NOT NULL,
    seen_seq   BIGINT NOT NULL,
    failures   INTEGER NOT NULL,
    failed_at  BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,
    sent_at    BIGINT NOT NULL,
    last_error TEXT NOT NULL
);

CREATE TABLE webhook_deliveries (
    webhook_id  TEXT NOT NULL REFERENCES webhooks (id),
    at          BIGINT NOT NULL,
    seq         BIGINT NOT NULL,
    attempt     INTEGER NOT NULL,
    delivery_id TEXT NOT NULL,
    kind        TEXT NOT NULL,
    status      INTEGER NOT NULL,
    took        BIGINT NOT NULL,
    fault       TEXT NOT NULL,
    PRIMARY KEY (webhook_id, at, seq, attempt)
);

CREATE TABLE leases (
    name    TEXT PRIMARY KEY,
    holder  TEXT NOT NULL,
    expires BIGINT NOT NULL
);

-- +goose Down
DROP TABLE leases;
DROP TABLE webhook_deliveries;
DROP TABLE webhooks;
DROP TABLE machine_tokens;
