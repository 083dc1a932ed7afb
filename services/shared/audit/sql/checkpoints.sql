-- lock_checkpoints -- one is made at a time; before the first reading, so that the snapshot is of after the wait
LOCK TABLE checkpoints IN SHARE ROW EXCLUSIVE MODE

-- checkpoint_by_request -- the reply to a repeated request
SELECT number, digest, made_by, occurred_at, made_at, tree_size, root, previous_root, public_key, signature
FROM checkpoints
WHERE request_id = $1

-- checkpoint -- one by its number
SELECT number, digest, made_by, occurred_at, made_at, tree_size, root, previous_root, public_key, signature
FROM checkpoints
WHERE number = $1

-- list_checkpoints -- the latest first
SELECT number, digest, made_by, occurred_at, made_at, tree_size, root, previous_root, public_key, signature
FROM checkpoints
WHERE $1::bigint IS NULL OR number < $1
ORDER BY number DESC
LIMIT $2

-- present_heads -- where every chain stands
SELECT stream_id, version, head_hash
FROM streams

-- insert_checkpoint -- the statement with its signature
INSERT INTO checkpoints (
    number, request_id, digest, made_by, occurred_at, made_at, tree_size, root, previous_root, public_key, signature
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)

-- insert_heads -- those that moved since the checkpoint before
INSERT INTO checkpoint_heads (stream_id, number, version, head_hash)
SELECT s.stream_id, $1, s.version, s.head_hash
FROM streams s
WHERE NOT EXISTS (
    SELECT FROM checkpoint_heads h
    WHERE h.stream_id = s.stream_id AND h.version = s.version AND h.head_hash = s.head_hash
)

-- checkpoint_heads -- the heads of a checkpoint, a page at a time
SELECT DISTINCT ON (stream_id) stream_id, version, head_hash
FROM checkpoint_heads
WHERE number <= $1 AND stream_id > $2
ORDER BY stream_id, number DESC
LIMIT $3

-- lost_heads -- what the store does not have any more as the checkpoint has it
WITH head AS (
    SELECT DISTINCT ON (stream_id) stream_id, version, head_hash
    FROM checkpoint_heads
    WHERE number <= $1
    ORDER BY stream_id, number DESC
)
SELECT h.stream_id
FROM head h
LEFT JOIN streams s ON s.stream_id = h.stream_id
LEFT JOIN events e ON e.stream_id = h.stream_id AND e.version = h.version
WHERE s.stream_id IS NULL OR s.version < h.version OR e.hash IS DISTINCT FROM h.head_hash
ORDER BY h.stream_id
LIMIT $2

-- links -- what the store has of given heads
SELECT a.stream_id, coalesce(s.version, 0) AS head_version, coalesce(e.hash, '') AS hash
FROM unnest($1::text[], $2::bigint[]) AS a (stream_id, version)
LEFT JOIN streams s ON s.stream_id = a.stream_id
LEFT JOIN events e ON e.stream_id = a.stream_id AND e.version = a.version

-- signed_moments -- what an aggregate did after a version was written after a checkpoint was made: the one before
-- the first that has it, and for what none has yet the latest
WITH known AS (
    SELECT stream_id, lag(version, 1, 0::bigint) OVER (PARTITION BY stream_id ORDER BY number) AS after_version,
           number - 1 AS number
    FROM checkpoint_heads
    WHERE stream_id = ANY ($1::text[])
    UNION ALL
    SELECT asked.stream_id,
           coalesce(
               (SELECT h.version FROM checkpoint_heads h
                WHERE h.stream_id = asked.stream_id ORDER BY h.number DESC LIMIT 1), 0),
           (SELECT max(number) FROM checkpoints)
    FROM unnest($1::text[]) AS asked (stream_id)
)
SELECT known.stream_id, known.after_version, known.number, c.made_at
FROM known
JOIN checkpoints c ON c.number = known.number

-- back_dated -- what was written since a checkpoint and says it was recorded before a moment
WITH head AS (
    SELECT DISTINCT ON (stream_id) stream_id, version
    FROM checkpoint_heads
    WHERE number <= $1
    ORDER BY stream_id, number DESC
)
SELECT e.stream_id, e.version
FROM streams s
LEFT JOIN head h ON h.stream_id = s.stream_id
JOIN events e ON e.stream_id = s.stream_id AND e.version > coalesce(h.version, 0)
WHERE s.version > coalesce(h.version, 0) AND e.recorded_at < $2
ORDER BY e.stream_id, e.version
LIMIT $3

-- recorded_before -- of each aggregate the last version that says it was recorded before a moment, a page of aggregates
SELECT DISTINCT ON (stream_id) stream_id, version, recorded_at
FROM events
WHERE recorded_at < $1 AND ($2 = '' OR stream_id = $2) AND stream_id > $3
ORDER BY stream_id, version DESC
LIMIT $4
