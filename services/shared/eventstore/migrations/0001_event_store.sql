-- migrate:up

-- One row an aggregate: its version is what appends are checked against, its snapshot a cache of the fold.
CREATE TABLE streams (
    stream_id    text        PRIMARY KEY,
    kind         text        NOT NULL,
    version      bigint      NOT NULL CHECK (version > 0),
    head_hash    bytea       NOT NULL CHECK (length(head_hash) = 32),
    snapshot     bytea       NOT NULL,
    fold_version integer     NOT NULL,
    facets       jsonb       NOT NULL,
    -- Position of the latest change, for lists. Never a cursor for feeds: it is drawn before the commit.
    changed      bigint      NOT NULL
) WITH (fillfactor = 70);
-- Snapshots change with every event; compressing them on the way costs more than it saves.
ALTER TABLE streams ALTER COLUMN snapshot SET STORAGE EXTERNAL;
CREATE SEQUENCE streams_changed CACHE 1;
CREATE INDEX streams_by_change ON streams (kind, changed DESC);
CREATE INDEX streams_by_facets ON streams USING gin (facets jsonb_path_ops) WITH (fastupdate = off);

CREATE TABLE events (
    stream_id     text        NOT NULL,
    version       bigint      NOT NULL CHECK (version > 0),
    event_id      uuid        NOT NULL,
    type          text        NOT NULL,
    recorded_at   timestamptz NOT NULL,
    previous_hash bytea       NOT NULL CHECK (length(previous_hash) = 32),
    hash          bytea       NOT NULL CHECK (length(hash) = 32),
    payload       bytea       NOT NULL,
    PRIMARY KEY (stream_id, version)
);
ALTER TABLE events ALTER COLUMN payload SET STORAGE EXTERNAL;

-- What is still to go to Kafka. The sequence is drawn while the aggregate's row is locked, and with CACHE 1,
-- so sequence order is version order for each aggregate.
CREATE SEQUENCE outbox_seq CACHE 1;
CREATE TABLE outbox (
    seq         bigint      PRIMARY KEY DEFAULT nextval('outbox_seq'),
    shard       smallint    NOT NULL,
    topic       text        NOT NULL,
    key         text        NOT NULL,
    version     bigint      NOT NULL,
    value       bytea       NOT NULL,
    event_id    uuid        NOT NULL,
    type        text        NOT NULL,
    recorded_at timestamptz NOT NULL,
    traceparent text        NOT NULL
);
ALTER TABLE outbox ALTER COLUMN value SET STORAGE EXTERNAL;
CREATE INDEX outbox_by_shard ON outbox (shard, seq);
ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000);

CREATE TABLE requests (
    request_id uuid   PRIMARY KEY,
    digest     bytea  NOT NULL,
    stream_id  text   NOT NULL,
    version    bigint NOT NULL
);

-- The last version of each foreign aggregate whose effect is in this database.
CREATE TABLE inbox (
    source       text   NOT NULL,
    aggregate_id text   NOT NULL,
    version      bigint NOT NULL,
    PRIMARY KEY (source, aggregate_id)
) WITH (fillfactor = 70);

-- Kept in step with the state of each aggregate by the append itself.
CREATE TABLE deadlines (
    stream_id     text        NOT NULL,
    key           text        NOT NULL,
    kind          text        NOT NULL,
    due_at        timestamptz NOT NULL,
    -- Version of the aggregate that set it: the same deadline set anew is another one.
    set_version   bigint      NOT NULL,
    claimed_until timestamptz,
    attempts      integer     NOT NULL DEFAULT 0,
    PRIMARY KEY (stream_id, key)
);
CREATE INDEX deadlines_by_due ON deadlines (due_at);

-- Things that only one may have: a bed one patient, a referral one bed. The primary key is the guarantee.
CREATE TABLE claims (
    kind   text NOT NULL,
    key    text NOT NULL,
    holder text NOT NULL,
    PRIMARY KEY (kind, key)
);
CREATE INDEX claims_by_holder ON claims (holder);

-- What a service keeps of other services' events: copies and projections, rebuilt by reading the topics again.
CREATE TABLE documents (
    kind    text   NOT NULL,
    key     text   NOT NULL,
    version bigint NOT NULL,
    value   bytea  NOT NULL,
    PRIMARY KEY (kind, key)
) WITH (fillfactor = 70);

CREATE TYPE unit_row AS (
    unit integer, request_id uuid, digest bytea, reply_stream text, reply_version bigint,
    inbox_source text, inbox_aggregate text, inbox_version bigint
);
CREATE TYPE change_row AS (
    unit integer, stream_id text, kind text, expected_version bigint, new_version bigint,
    head_hash bytea, snapshot bytea, fold_version integer, facets text
);
CREATE TYPE event_row AS (
    unit integer, stream_id text, version bigint, event_id uuid, type text, recorded_at timestamptz,
    previous_hash bytea, hash bytea, payload bytea
);
CREATE TYPE outbox_row AS (
    unit integer, shard smallint, topic text, key text, version bigint, value bytea, event_id uuid, type text,
    recorded_at timestamptz, traceparent text
);
CREATE TYPE deadline_row AS (
    unit integer, stream_id text, key text, kind text, due_at timestamptz, set_version bigint
);
CREATE TYPE claim_row AS (unit integer, kind text, key text, holder text);
CREATE TYPE document_row AS (unit integer, kind text, key text, version bigint, value bytea);

-- migrate:down

DROP TYPE document_row, claim_row, deadline_row, outbox_row, event_row, change_row, unit_row;
DROP TABLE documents, claims, deadlines, inbox, requests, outbox, events, streams;
DROP SEQUENCE outbox_seq, streams_changed;
