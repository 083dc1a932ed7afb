-- migrate:up

-- Signed statements of what the heads of all chains were at a moment; written beside the commands, never in them.
CREATE TABLE checkpoints (
    number        bigint      PRIMARY KEY CHECK (number > 0),
    request_id    uuid        NOT NULL UNIQUE,
    digest        bytea       NOT NULL,
    made_by       text        NOT NULL,
    occurred_at   timestamptz NOT NULL,
    made_at       timestamptz NOT NULL,
    tree_size     bigint      NOT NULL,
    root          bytea       NOT NULL CHECK (length(root) = 32),
    previous_root bytea       NOT NULL,
    public_key    bytea       NOT NULL,
    signature     bytea       NOT NULL
);

-- The heads that moved since the checkpoint before: those of a checkpoint are each aggregate's latest up to it.
-- So that a nightly checkpoint costs what the day wrote, not the whole store.
CREATE TABLE checkpoint_heads (
    stream_id text   NOT NULL,
    number    bigint NOT NULL REFERENCES checkpoints,
    version   bigint NOT NULL,
    head_hash bytea  NOT NULL CHECK (length(head_hash) = 32),
    PRIMARY KEY (stream_id, number)
);

-- migrate:down

DROP TABLE checkpoint_heads, checkpoints;
