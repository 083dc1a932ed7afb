-- read_builds -- what was carried out of the decisions, of those that are there
SELECT number, source, state, after_stream_id, is_passed
FROM projection_builds
WHERE projection = $1 AND state <> 'DROPPED'

-- lock_builds -- one change of what serves at a time
SELECT pg_advisory_xact_lock(7461902115)

-- begin_build -- an empty table beside the one that serves, and its mark
WITH made AS (
    INSERT INTO projection_builds (projection, number, source, state) VALUES ($1, $2, $3, 'BUILDING')
)
SELECT begin_building($1)

-- forget_built -- what was known of aggregates for the one in the making
WITH places AS (DELETE FROM built_places WHERE projection = $1)
DELETE FROM built_streams WHERE projection = $1

-- move_build -- what becomes of one
UPDATE projection_builds SET state = $3 WHERE projection = $1 AND number = $2

-- same_columns -- a migration may have changed the one that serves since
SELECT NOT EXISTS (
    SELECT FROM (
        SELECT column_name, data_type, is_nullable, table_schema FROM information_schema.columns
        WHERE table_name = $1 AND table_schema IN ('public', 'building')
    ) c
    GROUP BY c.column_name, c.data_type, c.is_nullable
    HAVING count(*) <> 2
)

-- switch -- the one in the making serves; whoever reads or writes has the one or the other, never none
ALTER TABLE public.{table} SET SCHEMA retired;
ALTER TABLE building.{table} SET SCHEMA public

-- drop_building -- given up
DROP TABLE building.{table}

-- drop_retired -- given up
DROP TABLE retired.{table}

-- hold_commands -- appends wait, briefly: what they wrote is folded, and then the tables change places
LOCK TABLE streams IN SHARE ROW EXCLUSIVE MODE

-- counts -- how many aggregates the one in the making knows, and how many there are
SELECT (SELECT count(*) FROM built_streams WHERE projection = $1) AS built,
       (SELECT count(*) FROM streams WHERE kind = ANY ($2::text[])) AS aggregates

-- next_to_pass -- the next aggregates of the first pass, by id, with the version that is known of each
SELECT s.stream_id, s.kind, coalesce(b.version, 0) AS version
FROM streams s
LEFT JOIN built_streams b ON b.projection = $1 AND b.stream_id = s.stream_id
WHERE s.stream_id > $3 AND s.kind = ANY ($2::text[])
ORDER BY s.stream_id
LIMIT $4

-- keep_pass -- how far the first pass has come
UPDATE projection_builds
SET after_stream_id = greatest(after_stream_id, $3), is_passed = is_passed OR $4
WHERE projection = $1 AND number = $2 AND state = 'BUILDING'

-- behind -- aggregates that have gone on since, with the version that is known of each
SELECT s.stream_id, s.kind, coalesce(b.version, 0) AS version
FROM streams s
LEFT JOIN built_streams b ON b.projection = $1 AND b.stream_id = s.stream_id
WHERE s.kind = ANY ($2::text[]) AND b.version IS DISTINCT FROM s.version AND s.stream_id <> ALL ($3::text[])
LIMIT $4

-- count_behind -- how many those are
SELECT count(*)
FROM streams s
LEFT JOIN built_streams b ON b.projection = $1 AND b.stream_id = s.stream_id
WHERE s.kind = ANY ($2::text[]) AND b.version IS DISTINCT FROM s.version

-- existing -- those of these aggregates that the store has
SELECT stream_id FROM streams WHERE stream_id = ANY ($1::text[])

-- built_states -- what the next events of these aggregates are folded onto
SELECT stream_id, version, head_hash, state
FROM built_streams
WHERE projection = $1 AND stream_id = ANY ($2::text[])

-- keep_built -- what is known of these aggregates now; never an older version over a newer one
INSERT INTO built_streams AS b (projection, stream_id, version, head_hash, state)
SELECT $1, x.stream_id, x.version, x.head_hash, x.state
FROM unnest($2::text[], $3::bigint[], $4::bytea[], $5::bytea[]) AS x (stream_id, version, head_hash, state)
ON CONFLICT (projection, stream_id) DO UPDATE
SET version = excluded.version, head_hash = excluded.head_hash, state = excluded.state
WHERE b.version < excluded.version
RETURNING b.stream_id, b.version

-- read_places -- how far each partition was read
SELECT topic, partition, next_offset FROM built_places WHERE projection = $1

-- keep_places -- how far each partition is read with what this transaction writes
INSERT INTO built_places AS p (projection, topic, partition, next_offset)
SELECT $1, x.topic, x.partition, x.next_offset
FROM unnest($2::text[], $3::integer[], $4::bigint[]) AS x (topic, partition, next_offset)
ON CONFLICT (projection, topic, partition) DO UPDATE
SET next_offset = greatest(p.next_offset, excluded.next_offset)

-- page_to_compare -- the next aggregates, and whether the one in the making has all their events
SELECT s.stream_id, b.version IS NOT DISTINCT FROM s.version AS is_current
FROM streams s
LEFT JOIN built_streams b ON b.projection = $1 AND b.stream_id = s.stream_id
WHERE s.stream_id > $3 AND s.kind = ANY ($2::text[])
ORDER BY s.stream_id
LIMIT $4

-- compare_rows -- rows of these aggregates that are not the same in both
SELECT CASE WHEN b IS NULL THEN 'MISSING' WHEN s IS NULL THEN 'EXTRA' ELSE 'ALTERED' END AS kind,
       CASE WHEN s IS NULL THEN ROW({built_key})::text ELSE ROW({serving_key})::text END AS key,
       ARRAY(
           SELECT o.key FROM jsonb_each(to_jsonb(s)) o JOIN jsonb_each(to_jsonb(b)) t ON t.key = o.key
           WHERE o.value IS DISTINCT FROM t.value ORDER BY o.key
       ) AS columns
FROM (SELECT * FROM public.{table} WHERE {owner} = ANY ($1::text[])) s
FULL JOIN (SELECT * FROM building.{table} WHERE {owner} = ANY ($1::text[])) b ON {same_key}
WHERE s IS DISTINCT FROM b
ORDER BY 2

-- count_rows -- how many rows of these aggregates serve
SELECT count(*) FROM public.{table} WHERE {owner} = ANY ($1::text[])

-- orphan_rows -- rows that serve and belong to no aggregate
SELECT ROW({orphan_key})::text AS key
FROM public.{table} o
WHERE NOT EXISTS (SELECT FROM streams s WHERE s.stream_id = o.{owner})
ORDER BY 1
LIMIT $1
