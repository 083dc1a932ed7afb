-- mark_ignored -- moves the inbox past events that have no effect here, many aggregates at once; returns those without a gap before them
WITH given AS MATERIALIZED (
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS g (source, aggregate_id, first, last)
),
-- In the order of the event store's own statement, so that the two cannot wait for each other.
locked AS MATERIALIZED (
    SELECT i.source, i.aggregate_id, i.version
    FROM inbox i
    WHERE (i.source, i.aggregate_id) IN (SELECT g.source, g.aggregate_id FROM given g)
    ORDER BY i.source, i.aggregate_id
    FOR UPDATE OF i
),
moved AS (
    UPDATE inbox i
    SET version = greatest(l.version, g.last)
    FROM given g JOIN locked l ON l.source = g.source AND l.aggregate_id = g.aggregate_id
    WHERE i.source = g.source AND i.aggregate_id = g.aggregate_id AND l.version >= g.first - 1
    RETURNING i.source, i.aggregate_id
),
added AS (
    INSERT INTO inbox (source, aggregate_id, version)
    SELECT g.source, g.aggregate_id, g.last
    FROM given g
    WHERE g.first = 1
      AND NOT EXISTS (SELECT FROM locked l WHERE l.source = g.source AND l.aggregate_id = g.aggregate_id)
    ORDER BY g.source, g.aggregate_id
    ON CONFLICT DO NOTHING
    RETURNING source, aggregate_id
)
SELECT source, aggregate_id FROM moved
UNION ALL
SELECT source, aggregate_id FROM added

-- park_event -- keeps an event that must wait for an earlier one of its aggregate
INSERT INTO parked_events (source, aggregate_id, version, partition, "offset", key, value, headers)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8::text::jsonb)
ON CONFLICT DO NOTHING

-- remove_parked -- what has been handled waits no more
DELETE FROM parked_events WHERE source = $1 AND aggregate_id = $2 AND version = ANY ($3::bigint[])

-- parked_aggregates -- whose events wait, or must wait because one of them is a dead letter
SELECT source, aggregate_id FROM parked_events WHERE source = ANY ($1::text[])
UNION
SELECT source, aggregate_id FROM dead_letters
WHERE source = ANY ($1::text[]) AND aggregate_id IS NOT NULL AND resolved_at IS NULL

-- is_parked -- whether anything of one aggregate still waits
SELECT EXISTS (SELECT FROM parked_events WHERE source = $1 AND aggregate_id = $2)
    OR EXISTS (SELECT FROM dead_letters WHERE source = $1 AND aggregate_id = $2 AND resolved_at IS NULL)

-- parked_events -- what waits of one aggregate and stands before its first dead letter, in order, with the last version handled
SELECT p.source AS topic, p.partition, p."offset", p.version, p.key, p.value, p.headers::text AS headers,
       coalesce((SELECT i.version FROM inbox i WHERE i.source = $1 AND i.aggregate_id = $2), 0) AS known
FROM parked_events p
WHERE p.source = $1 AND p.aggregate_id = $2
  AND NOT EXISTS (
      SELECT FROM dead_letters d
      WHERE d.source = $1 AND d.aggregate_id = $2 AND d.resolved_at IS NULL AND d.version <= p.version
  )
ORDER BY p.version
LIMIT $3

-- ready_aggregates -- whose next event is parked and can be handled now: filled gaps, redriven dead letters, drains that were interrupted
SELECT DISTINCT p.source, p.aggregate_id
FROM parked_events p
JOIN unnest($1::text[], $2::integer[]) AS a (source, partition) ON a.source = p.source AND a.partition = p.partition
LEFT JOIN inbox i ON i.source = p.source AND i.aggregate_id = p.aggregate_id
WHERE p.version <= coalesce(i.version, 0) + 1
  AND NOT EXISTS (
      SELECT FROM dead_letters d
      WHERE d.source = p.source AND d.aggregate_id = p.aggregate_id AND d.resolved_at IS NULL
        AND d.version <= p.version
  )
LIMIT $3

-- write_dead_letter -- keeps a record that cannot be handled, and publishes it on the dead letter topic in the same transaction
WITH letter AS (
    INSERT INTO dead_letters (source, partition, "offset", aggregate_id, version, key, value, headers, error, attempts)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8::text::jsonb, $9, $10)
    ON CONFLICT (source, partition, "offset") WHERE resolved_at IS NULL DO NOTHING
    RETURNING id
),
message AS (
    INSERT INTO outbox (shard, topic, key, version, value, event_id, type, recorded_at, traceparent, headers)
    SELECT $11, $12, $13, 0, coalesce($7, ''), $14, 'DeadLetter', now(), '', $15::text::jsonb
    FROM letter
)
SELECT id FROM letter

-- open_letters -- dead letters that wait for somebody's decision, the oldest first
SELECT id, source, partition, "offset", aggregate_id, version, error, attempts, failed_at
FROM dead_letters
WHERE resolved_at IS NULL AND id > $1
ORDER BY id
LIMIT $2

-- redrive_letters -- an aggregate's dead letters become parked events again, in front of those that wait behind them
WITH letter AS (
    UPDATE dead_letters SET resolution = 'REDRIVEN', resolved_at = now()
    WHERE source = $1 AND aggregate_id = $2 AND resolved_at IS NULL
      AND ($3::bigint[] IS NULL OR id = ANY ($3::bigint[]))
    RETURNING source, aggregate_id, version, partition, "offset", key, value, headers
),
parked AS (
    INSERT INTO parked_events (source, aggregate_id, version, partition, "offset", key, value, headers)
    SELECT source, aggregate_id, version, partition, "offset", key, value, headers FROM letter
    ON CONFLICT DO NOTHING
)
SELECT count(*) FROM letter

-- skip_letter -- gives a dead letter up: the inbox moves past it, unless an event before it is missing
WITH letter AS MATERIALIZED (
    SELECT d.id, d.source, d.aggregate_id, d.version
    FROM dead_letters d
    LEFT JOIN inbox i ON i.source = d.source AND i.aggregate_id = d.aggregate_id
    WHERE d.id = $1 AND d.resolved_at IS NULL
      AND (d.version IS NULL OR coalesce(i.version, 0) >= d.version - 1)
    FOR UPDATE OF d
),
passed AS (
    INSERT INTO inbox (source, aggregate_id, version)
    SELECT source, aggregate_id, version FROM letter WHERE version IS NOT NULL
    ON CONFLICT (source, aggregate_id) DO UPDATE SET version = greatest(inbox.version, excluded.version)
),
resolved AS (
    UPDATE dead_letters d SET resolution = 'SKIPPED', resolved_at = now()
    FROM letter
    WHERE d.id = letter.id
)
SELECT count(*) FROM letter

-- letter -- one dead letter as it came, with how much of its aggregate waits, and whether it may be given up
SELECT d.id, d.source, d.partition, d."offset", d.aggregate_id, d.version, d.error, d.attempts, d.failed_at,
       d.key, d.value, d.headers::text AS headers, d.resolved_at IS NULL AS is_open,
       (SELECT count(*) FROM parked_events p WHERE p.source = d.source AND p.aggregate_id = d.aggregate_id) AS parked,
       d.version IS NULL OR coalesce((SELECT i.version FROM inbox i
                                      WHERE i.source = d.source AND i.aggregate_id = d.aggregate_id), 0)
                            >= d.version - 1 AS is_next
FROM dead_letters d
WHERE d.id = $1

-- letters_of -- the open dead letters of one aggregate, in order
SELECT id
FROM dead_letters
WHERE source = $1 AND aggregate_id = $2 AND resolved_at IS NULL
ORDER BY version, id

-- letter_reasons -- how many open dead letters have the same error, the most frequent first
SELECT source, error, count(*) AS letters, min(failed_at) AS oldest_at, sum(count(*)) OVER () AS total
FROM dead_letters
WHERE resolved_at IS NULL
GROUP BY source, error
ORDER BY count(*) DESC, source, error
LIMIT $1

-- parked_depths -- the aggregates whose events wait, how many, and since when; those that wait longest first
WITH waiting AS (
    SELECT source, aggregate_id, 0 AS letters, 1 AS parked, parked_at AS since FROM parked_events
    UNION ALL
    SELECT source, aggregate_id, 1, 0, failed_at FROM dead_letters
    WHERE resolved_at IS NULL AND aggregate_id IS NOT NULL
)
SELECT w.source, w.aggregate_id, sum(w.letters) AS letters, sum(w.parked) AS parked, min(w.since) AS since,
       coalesce(max(i.version), 0) AS handled, count(*) OVER () AS total
FROM waiting w
LEFT JOIN inbox i ON i.source = w.source AND i.aggregate_id = w.aggregate_id
GROUP BY w.source, w.aggregate_id
ORDER BY min(w.since), w.source, w.aggregate_id
LIMIT $1

-- show_life -- as long as this connection lasts, others of its group know that this consumer lives
SELECT pg_advisory_lock(hashtextextended($1, 42))

-- without_life -- of these consumers of a group, those whose connection is gone
SELECT client_id
FROM unnest($1::text[]) AS given (client_id)
WHERE pg_try_advisory_xact_lock_shared(hashtextextended(client_id, 42))
