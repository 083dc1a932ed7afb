-- migrate:up

-- Records of other services that could not be handled, as they came. While one is open, its aggregate is parked.
CREATE TABLE dead_letters (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source       text        NOT NULL,
    partition    integer     NOT NULL,
    "offset"     bigint      NOT NULL,
    -- Null, both, when the record could not be read that far.
    aggregate_id text,
    version      bigint,
    key          bytea,
    value        bytea,
    -- [[name, base64 of the value], …]
    headers      jsonb       NOT NULL,
    error        text        NOT NULL,
    attempts     integer     NOT NULL,
    failed_at    timestamptz NOT NULL DEFAULT now(),
    resolution   text        CHECK (resolution IN ('REDRIVEN', 'SKIPPED')),
    resolved_at  timestamptz,
    CHECK ((resolution IS NULL) = (resolved_at IS NULL)),
    CHECK ((aggregate_id IS NULL) = (version IS NULL))
);
-- The same record may come again before its offset is committed.
CREATE UNIQUE INDEX dead_letters_open ON dead_letters (source, partition, "offset") WHERE resolved_at IS NULL;
CREATE INDEX dead_letters_by_aggregate ON dead_letters (source, aggregate_id) WHERE resolved_at IS NULL;

-- Events that wait for an earlier one of their aggregate: a missing one, or one that is a dead letter.
CREATE TABLE parked_events (
    source       text        NOT NULL,
    aggregate_id text        NOT NULL,
    version      bigint      NOT NULL,
    partition    integer     NOT NULL,
    "offset"     bigint      NOT NULL,
    key          bytea       NOT NULL,
    value        bytea       NOT NULL,
    headers      jsonb       NOT NULL,
    parked_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, aggregate_id, version)
);

-- migrate:down

DROP TABLE parked_events, dead_letters;
