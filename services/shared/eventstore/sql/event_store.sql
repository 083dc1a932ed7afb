-- append_units -- one statement for many commands: a round trip and a commit are shared, and each command still stands or falls alone
WITH unit AS MATERIALIZED (
    SELECT * FROM unnest($1::unit_row[])
),
-- A row whose version stays is a guard: an aggregate that was read, and must still be at that version.
change AS MATERIALIZED (
    SELECT * FROM unnest($2::change_row[])
),
-- Locked in one order, so that two batches cannot wait for each other.
stream_lock AS MATERIALIZED (
    SELECT s.stream_id, s.version
    FROM streams s
    WHERE s.stream_id IN (SELECT c.stream_id FROM change c)
    ORDER BY s.stream_id
    FOR UPDATE OF s
),
inbox_lock AS MATERIALIZED (
    SELECT i.source, i.aggregate_id, i.version
    FROM inbox i
    WHERE (i.source, i.aggregate_id) IN (SELECT u.inbox_source, u.inbox_aggregate FROM unit u)
    ORDER BY i.source, i.aggregate_id
    FOR UPDATE OF i
),
repeated AS MATERIALIZED (
    SELECT u.unit, r.digest, r.stream_id, r.version
    FROM unit u JOIN requests r ON r.request_id = u.request_id
),
stale AS MATERIALIZED (
    SELECT DISTINCT c.unit
    FROM change c LEFT JOIN stream_lock l ON l.stream_id = c.stream_id
    WHERE coalesce(l.version, 0) <> c.expected_version
    UNION
    -- Of two in this batch, the earlier one changes what the later one guards.
    SELECT g.unit
    FROM change g JOIN change c ON c.stream_id = g.stream_id AND c.unit < g.unit
    WHERE g.new_version = g.expected_version AND c.new_version > c.expected_version
),
inbox_state AS MATERIALIZED (
    SELECT u.unit, u.inbox_version, l.version AS known_version, coalesce(l.version, 0) AS last_version
    FROM unit u
    LEFT JOIN inbox_lock l ON l.source = u.inbox_source AND l.aggregate_id = u.inbox_aggregate
    WHERE u.inbox_version IS NOT NULL
),
verdict AS MATERIALIZED (
    SELECT u.unit,
           CASE WHEN r.unit IS NOT NULL THEN 'REPEATED'
                WHEN i.last_version >= i.inbox_version THEN 'SEEN'
                WHEN i.last_version < i.inbox_version - 1 THEN 'GAP'
                WHEN s.unit IS NOT NULL THEN 'STALE'
                ELSE 'APPENDED' END AS status
    FROM unit u
    LEFT JOIN repeated r ON r.unit = u.unit
    LEFT JOIN stale s ON s.unit = u.unit
    LEFT JOIN inbox_state i ON i.unit = u.unit
),
-- By the unit's number, which counts from 0: a join, with hashing off, would compare each row of each table with
-- every unit.
good AS MATERIALIZED (
    SELECT array_agg(v.status = 'APPENDED' ORDER BY v.unit) AS units FROM verdict v
),
new_streams AS (
    INSERT INTO streams (stream_id, kind, version, head_hash, snapshot, fold_version, facets, changed)
    SELECT c.stream_id, c.kind, c.new_version, c.head_hash, c.snapshot, c.fold_version, c.facets::jsonb,
           nextval('streams_changed')
    FROM change c
    WHERE (SELECT g.units FROM good g)[c.unit + 1] AND c.expected_version = 0 AND c.new_version > 0
),
moved_streams AS (
    UPDATE streams s
    SET version = c.new_version, head_hash = c.head_hash, snapshot = c.snapshot,
        fold_version = c.fold_version, facets = c.facets::jsonb, changed = nextval('streams_changed')
    FROM change c
    WHERE (SELECT g.units FROM good g)[c.unit + 1] AND s.stream_id = c.stream_id
          AND c.expected_version > 0 AND c.new_version > c.expected_version
),
new_events AS (
    INSERT INTO events (stream_id, version, event_id, type, recorded_at, previous_hash, hash, payload)
    SELECT e.stream_id, e.version, e.event_id, e.type, e.recorded_at, e.previous_hash, e.hash, e.payload
    FROM unnest($3::event_row[]) e
    WHERE (SELECT g.units FROM good g)[e.unit + 1]
),
new_messages AS (
    INSERT INTO outbox (shard, topic, key, version, value, event_id, type, recorded_at, traceparent)
    SELECT o.shard, o.topic, o.key, o.version, o.value, o.event_id, o.type, o.recorded_at, o.traceparent
    FROM unnest($4::outbox_row[]) WITH ORDINALITY
         AS o (unit, shard, topic, key, version, value, event_id, type, recorded_at, traceparent, position)
    WHERE (SELECT g.units FROM good g)[o.unit + 1]
    ORDER BY o.position
),
cleared_deadlines AS (
    DELETE FROM deadlines d
    USING unnest($6::deadline_row[]) x
    WHERE (SELECT g.units FROM good g)[x.unit + 1] AND d.stream_id = x.stream_id AND d.key = x.key
),
set_deadlines AS (
    INSERT INTO deadlines (stream_id, key, kind, due_at, set_version)
    SELECT x.stream_id, x.key, x.kind, x.due_at, x.set_version
    FROM unnest($5::deadline_row[]) x
    WHERE (SELECT g.units FROM good g)[x.unit + 1]
    ON CONFLICT (stream_id, key) DO UPDATE
    SET due_at = excluded.due_at, set_version = excluded.set_version, claimed_until = NULL, attempts = 0
),
given_up_claims AS (
    DELETE FROM claims k
    USING unnest($8::claim_row[]) x
    WHERE (SELECT g.units FROM good g)[x.unit + 1] AND k.kind = x.kind AND k.key = x.key AND k.holder = x.holder
    RETURNING k.key
),
-- A claim may pass from one holder to the next within a unit: the old one must be gone first, and PostgreSQL
-- runs parts that do not refer to each other in an order of its own.
released AS MATERIALIZED (
    SELECT count(*) AS released_count FROM given_up_claims
),
taken_claims AS (
    INSERT INTO claims (kind, key, holder)
    SELECT x.kind, x.key, x.holder
    FROM released r CROSS JOIN unnest($7::claim_row[]) x
    WHERE (SELECT g.units FROM good g)[x.unit + 1] AND r.released_count >= 0
),
put_documents AS (
    INSERT INTO documents (kind, key, version, value)
    SELECT x.kind, x.key, x.version, x.value
    FROM unnest($9::document_row[]) x
    WHERE (SELECT g.units FROM good g)[x.unit + 1]
    ON CONFLICT (kind, key) DO UPDATE
    SET version = excluded.version, value = excluded.value
    WHERE documents.version <= excluded.version
),
new_requests AS (
    INSERT INTO requests (request_id, digest, stream_id, version)
    SELECT u.request_id, u.digest, u.reply_stream, u.reply_version
    FROM unit u
    WHERE (SELECT g.units FROM good g)[u.unit + 1] AND u.request_id IS NOT NULL
),
new_inbox AS (
    INSERT INTO inbox (source, aggregate_id, version)
    SELECT u.inbox_source, u.inbox_aggregate, u.inbox_version
    FROM unit u JOIN inbox_state i ON i.unit = u.unit
    WHERE (SELECT g.units FROM good g)[u.unit + 1] AND i.known_version IS NULL
),
moved_inbox AS (
    UPDATE inbox b
    SET version = u.inbox_version
    FROM unit u JOIN inbox_state i ON i.unit = u.unit
    WHERE (SELECT g.units FROM good g)[u.unit + 1] AND i.known_version IS NOT NULL AND b.source = u.inbox_source AND b.aggregate_id = u.inbox_aggregate
)
SELECT v.unit, v.status, r.digest, r.stream_id, r.version
FROM verdict v LEFT JOIN repeated r ON r.unit = v.unit
ORDER BY v.unit

-- load_streams -- the states that commands are decided on; of those that do not exist there is no row
SELECT stream_id, kind, version, head_hash, snapshot, fold_version
FROM streams
WHERE stream_id = ANY ($1::text[])

-- read_events -- a part of one aggregate's history, oldest first
SELECT stream_id, version, event_id, type, recorded_at, previous_hash, hash, payload
FROM events
WHERE stream_id = $1 AND version > $2
ORDER BY version
LIMIT $3

-- standing -- whether what was refused was decided on what is in force, and is no repetition
SELECT NULL::uuid AS request_id, stream_id, version, NULL::bytea AS digest
FROM streams
WHERE stream_id = ANY ($1::text[])
UNION ALL
SELECT request_id, stream_id, version, digest
FROM requests
WHERE request_id = ANY ($2::uuid[])

-- find_streams -- a page of a list, the latest change first
SELECT stream_id, kind, version, head_hash, snapshot, fold_version, changed
FROM streams
WHERE kind = $1
  AND facets @> $2::jsonb
  AND (cardinality($3::text[]) = 0 OR facets ->> 'state' = ANY ($3::text[]))
  AND ($4::bigint IS NULL OR changed < $4)
  AND ($6::text[] IS NULL OR facets -> 'parties' ?| $6::text[])
ORDER BY changed DESC
LIMIT $5

-- find_any -- all of several short lists at once. The kind is hidden from the planner, which before the first
-- ANALYZE takes every aggregate of a kind for few and reads the index of them all once for each list: 80 ms, not 2.
SELECT stream_id, kind, version, head_hash, snapshot, fold_version
FROM streams
WHERE facets @> ANY ($2::jsonb[]) AND kind || '' = $1

-- find_claim -- who has something that only one may have
SELECT holder
FROM claims
WHERE kind = $1 AND key = $2

-- claims_of -- everything that one holder has
SELECT kind, key, holder
FROM claims
WHERE holder = $1
ORDER BY kind, key

-- load_document -- one copy or projection
SELECT kind, key, version, value
FROM documents
WHERE kind = $1 AND key = $2

-- list_documents -- every copy of a kind, a page at a time
SELECT kind, key, version, value
FROM documents
WHERE kind = $1 AND key > $2
ORDER BY key
LIMIT $3

-- scan_streams -- every aggregate by id, for audits and rebuilds
SELECT stream_id, kind, version, head_hash, snapshot, fold_version
FROM streams
WHERE stream_id > $2 AND ($1 = '' OR kind = $1)
ORDER BY stream_id
LIMIT $3

-- orphan_events -- events whose aggregate has no row any more: somebody deleted it
SELECT DISTINCT e.stream_id
FROM events e
WHERE NOT EXISTS (SELECT FROM streams s WHERE s.stream_id = e.stream_id)
ORDER BY e.stream_id
LIMIT $1
