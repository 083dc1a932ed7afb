-- migrate:up

-- A shard of the outbox is published by one relay at a time. The epoch rises with each new holder: what a
-- former holder still does, after having been stopped, carries an epoch that is no longer the current one.
CREATE TABLE relay_leases (
    shard      smallint    PRIMARY KEY,
    owner      text        NOT NULL DEFAULT '',
    epoch      bigint      NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 50);
-- As many as services.shared.eventstore.postgres_store.SHARDS.
INSERT INTO relay_leases (shard) SELECT generate_series(0, 7);

-- The relays that live, so that each knows its share of the shards.
CREATE TABLE relay_members (
    owner      text        PRIMARY KEY,
    expires_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Where it is not null, the record's headers as [[name, base64 of the value], …], instead of those that are
-- made from the columns: a dead letter keeps the headers that it came with.
ALTER TABLE outbox ADD COLUMN headers jsonb;

-- migrate:down

ALTER TABLE outbox DROP COLUMN headers;
DROP TABLE relay_members, relay_leases;
