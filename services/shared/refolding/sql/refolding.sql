-- take -- one writer at a time; given back when its connection ends, however it ends
SELECT pg_try_advisory_lock(7461902114)

-- is_empty -- whether somebody has made anything in the database
SELECT NOT EXISTS (
    SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
)

-- is_ours -- whether it was made by this program: only then is it gone on with, or dropped
SELECT to_regclass('refolding.origin') IS NOT NULL

-- begin -- what tells a database that this program made from any other, and how far it has come
CREATE SCHEMA refolding;
CREATE TABLE refolding.origin (service text NOT NULL, source text NOT NULL, live text NOT NULL);
-- How far each partition was read; moved by the transaction that writes what was read.
CREATE TABLE refolding.places (
    topic text NOT NULL, partition integer NOT NULL, next_offset bigint NOT NULL, PRIMARY KEY (topic, partition)
);
-- Aggregates whose state has a deadline or a claim.
CREATE TABLE refolding.waiting (stream_id text PRIMARY KEY)

-- keep_origin -- from what it is made
INSERT INTO refolding.origin (service, source, live) VALUES ($1, $2, $3)

-- read_origin -- from what it is made
SELECT service, source, live FROM refolding.origin

-- read_places -- how far each partition was read
SELECT topic, partition, next_offset FROM refolding.places

-- keep_places -- how far each partition is read with what this transaction writes
INSERT INTO refolding.places (topic, partition, next_offset)
SELECT p.topic, p.partition, p.next_offset
FROM unnest($1::text[], $2::integer[], $3::bigint[]) AS p (topic, partition, next_offset)
ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset

-- write_streams -- aggregates as they are after a page; the tables that follow them are written by their triggers
INSERT INTO streams (stream_id, kind, version, head_hash, snapshot, fold_version, facets, changed)
SELECT s.stream_id, s.kind, s.version, s.head_hash, s.snapshot, s.fold_version, s.facets::jsonb,
       nextval('streams_changed')
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bytea[], $5::bytea[], $6::integer[], $7::text[])
     AS s (stream_id, kind, version, head_hash, snapshot, fold_version, facets)
ON CONFLICT (stream_id) DO UPDATE
SET version = excluded.version, head_hash = excluded.head_hash, snapshot = excluded.snapshot,
    fold_version = excluded.fold_version, facets = excluded.facets, changed = excluded.changed

-- keep_waiting -- which of a page's aggregates have a deadline or a claim
WITH page AS (
    SELECT * FROM unnest($1::text[], $2::boolean[]) AS p (stream_id, waits)
),
over AS (
    DELETE FROM refolding.waiting w USING page p WHERE w.stream_id = p.stream_id AND NOT p.waits
)
INSERT INTO refolding.waiting (stream_id)
SELECT p.stream_id FROM page p WHERE p.waits
ON CONFLICT DO NOTHING

-- list_waiting -- them again, a page at a time
SELECT s.stream_id, s.kind
FROM refolding.waiting w JOIN streams s USING (stream_id)
WHERE w.stream_id > $1
ORDER BY w.stream_id
LIMIT $2

-- forget_derived -- deadlines and claims are made anew, of the states as they are at the end
WITH forgotten AS (DELETE FROM deadlines)
DELETE FROM claims

-- write_deadlines -- what the states wait for
INSERT INTO deadlines (stream_id, key, kind, due_at, set_version)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::bigint[])

-- write_claims -- what only one may have; where two have it, the comparison says so
INSERT INTO claims (kind, key, holder)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
ON CONFLICT DO NOTHING

-- versions -- a page of aggregates, by id
SELECT stream_id, kind, version, fold_version
FROM streams
WHERE stream_id > $1 AND (cardinality($3::text[]) = 0 OR kind = ANY ($3::text[]))
ORDER BY stream_id
LIMIT $2

-- versions_of -- the same of those that are named
SELECT stream_id, kind, version, fold_version FROM streams WHERE stream_id = ANY ($1::text[])

-- events_after -- what follows a version of each of these aggregates, as many as a page has
SELECT e.stream_id, e.version, e.event_id, e.type, e.recorded_at, e.payload
FROM unnest($1::text[], $2::bigint[]) AS b (stream_id, version)
JOIN events e ON e.stream_id = b.stream_id AND e.version > b.version
ORDER BY e.stream_id, e.version
LIMIT $3

-- count_events -- how many there are of these kinds; of all without kinds
SELECT coalesce(sum(version), 0)::bigint
FROM streams
WHERE cardinality($1::text[]) = 0 OR kind = ANY ($1::text[])

-- fingerprints -- rows of these aggregates, each as a digest over its columns' own bytes
SELECT {owner} AS owner, ROW({key})::text AS key, sha256(record_send(ROW({columns}))) AS digest
FROM {table}
WHERE {owner} = ANY ($1::text[])

-- column_fingerprints -- the same column by column, of rows that differ
SELECT ROW({key})::text AS key, ARRAY[{digests}] AS digests
FROM {table}
WHERE {owner} = ANY ($1::text[])

-- orphans -- rows whose aggregate is not there
SELECT o.{owner} AS owner, ROW({orphan_key})::text AS key
FROM {table} o
WHERE NOT EXISTS (SELECT FROM streams s WHERE s.stream_id = o.{owner})
ORDER BY 1, 2
LIMIT $1

-- claims_after -- a page of what only one may have
SELECT kind, key, holder
FROM claims
WHERE (kind, key) > ($1, $2)
ORDER BY kind, key
LIMIT $3

-- claims_named -- who has these
SELECT c.kind, c.key, c.holder
FROM unnest($1::text[], $2::text[]) AS n (kind, key) JOIN claims c USING (kind, key)
