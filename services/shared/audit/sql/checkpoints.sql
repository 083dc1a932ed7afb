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
