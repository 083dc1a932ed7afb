-- attend_leases -- says that this relay lives, prolongs what it holds, and counts the other relays; database time throughout
WITH me AS (
    INSERT INTO relay_members (owner, expires_at)
    VALUES ($1, clock_timestamp() + $2)
    ON CONFLICT (owner) DO UPDATE SET expires_at = excluded.expires_at
),
long_gone AS (
    DELETE FROM relay_members WHERE owner <> $1 AND expires_at < clock_timestamp() - interval '1 hour'
),
-- Locked in one order wherever several are, so that no two statements wait for each other.
mine AS MATERIALIZED (
    SELECT shard FROM relay_leases WHERE owner = $1 ORDER BY shard FOR NO KEY UPDATE
),
renewed AS (
    UPDATE relay_leases l SET expires_at = clock_timestamp() + $2
    FROM mine
    WHERE l.shard = mine.shard
    RETURNING l.shard, l.epoch
)
SELECT coalesce((SELECT array_agg(shard ORDER BY shard) FROM renewed), '{}') AS shards,
       coalesce((SELECT array_agg(epoch ORDER BY shard) FROM renewed), '{}') AS epochs,
       (SELECT count(*) FROM relay_members WHERE owner <> $1 AND expires_at > clock_timestamp()) AS others

-- take_leases -- shards that nobody holds any more; the epoch tells every former holder apart
WITH free AS (
    SELECT shard FROM relay_leases
    WHERE expires_at <= clock_timestamp()
    ORDER BY shard
    LIMIT $3
    FOR UPDATE SKIP LOCKED
)
UPDATE relay_leases l
SET owner = $1, epoch = l.epoch + 1, expires_at = clock_timestamp() + $2
FROM free
WHERE l.shard = free.shard
RETURNING l.shard, l.epoch

-- release_leases -- gives shards up before their time, and tells the relays that wait for them
WITH mine AS MATERIALIZED (
    SELECT shard FROM relay_leases
    WHERE owner = $1 AND shard = ANY ($2::smallint[])
    ORDER BY shard
    FOR NO KEY UPDATE
),
released AS (
    UPDATE relay_leases l SET owner = '', expires_at = '-infinity'
    FROM mine
    WHERE l.shard = mine.shard
    RETURNING l.shard
)
SELECT pg_notify($3, $4) FROM (SELECT count(*) AS shards FROM released) r WHERE r.shards > 0

-- leave_members -- a relay that stops counts no more
DELETE FROM relay_members WHERE owner = $1

-- fetch_messages -- the oldest of each shard from its floor on, bounded in rows and bytes; the first of a shard always comes
SELECT m.*
FROM unnest($1::smallint[], $2::bigint[]) AS s (shard, floor)
CROSS JOIN LATERAL (
    SELECT w.seq, s.shard, w.topic, w.key, w.version, w.value, w.event_id, w.type, w.recorded_at, w.traceparent,
           w.headers
    FROM (
        SELECT o.seq, o.topic, o.key, o.version, o.value, o.event_id::text, o.type, o.recorded_at, o.traceparent,
               o.headers::text,
               sum(octet_length(o.value)) OVER (ORDER BY o.seq ROWS UNBOUNDED PRECEDING)
                   - octet_length(o.value) AS bytes_before
        FROM outbox o
        WHERE o.shard = s.shard AND o.seq >= s.floor
        ORDER BY o.seq
        LIMIT $3
    ) w
    WHERE w.bytes_before < $4
) m
ORDER BY m.seq

-- delete_published -- only what was acknowledged, and only for the shards whose epoch is still this relay's; the lock makes a successor wait
WITH mine AS MATERIALIZED (
    SELECT l.shard
    FROM relay_leases l
    JOIN unnest($2::smallint[], $3::bigint[]) AS h (shard, epoch) ON h.shard = l.shard AND h.epoch = l.epoch
    WHERE l.owner = $1
    ORDER BY l.shard
    FOR SHARE OF l
),
gone AS (
    DELETE FROM outbox o
    USING unnest($4::bigint[]) AS p (seq)
    WHERE o.seq = p.seq AND o.shard IN (SELECT shard FROM mine)
)
SELECT shard FROM mine

-- last_drawn -- the highest number that any transaction has drawn, whatever becomes of it
SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM outbox_seq

-- open_writers -- the transactions that may have drawn a number and not ended: an INSERT locks the table before it draws, and until it ends
SELECT array_agg(DISTINCT l.virtualtransaction) AS transactions
FROM pg_locks l
WHERE l.locktype = 'relation'
  AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
  AND l.relation = 'outbox'::regclass
  AND l.mode = 'RowExclusiveLock'
  AND l.granted

-- measure_depth -- how much waits in the shards, counted up to a bound, and for how long
SELECT count(*) AS messages,
       coalesce(extract(epoch FROM clock_timestamp() - min(m.recorded_at)), 0)::float8 AS oldest_s
FROM unnest($1::smallint[], $2::bigint[]) AS s (shard, floor)
CROSS JOIN LATERAL (
    SELECT o.recorded_at FROM outbox o WHERE o.shard = s.shard AND o.seq >= s.floor ORDER BY o.seq LIMIT $3
) m

-- notify_outbox -- wakes the relays of other processes; nothing hangs on its being durable, so its commit waits for no disk
SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)

-- find_waiting -- which of these aggregates have a message that is not published yet, for a reader who has seen their state
SELECT DISTINCT key FROM outbox WHERE key = ANY ($1::text[])
