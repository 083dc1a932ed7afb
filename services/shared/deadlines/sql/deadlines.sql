-- claim_due -- due deadlines that no other worker has in hand, the longest due first; the database's clock decides what is due
WITH due AS MATERIALIZED (
    SELECT d.stream_id, d.key
    FROM deadlines d
    WHERE d.due_at <= now() AND (d.claimed_until IS NULL OR d.claimed_until <= now())
    ORDER BY d.due_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED
)
UPDATE deadlines d
SET claimed_until = now() + $2
FROM due
WHERE d.stream_id = due.stream_id AND d.key = due.key
RETURNING d.stream_id, d.key, d.kind, d.due_at, d.set_version, d.attempts,
          extract(epoch FROM clock_timestamp() - d.due_at)::float8 AS late_s

-- next_due -- when to look again: at the next deadline that nobody has in hand, or at the horizon
SELECT w.wakes_at, greatest(extract(epoch FROM w.wakes_at - clock_timestamp()), 0)::float8 AS delay_s
FROM (
    SELECT least(
        (SELECT d.due_at FROM deadlines d WHERE d.claimed_until IS NULL ORDER BY d.due_at LIMIT 1),
        clock_timestamp() + $1
    ) AS wakes_at
) w

-- remove_fired -- a deadline whose command changed nothing, or left it standing: the state has moved on. One set anew has another version and stays.
DELETE FROM deadlines d
USING unnest($1::text[], $2::text[], $3::bigint[]) AS f (stream_id, key, set_version)
WHERE d.stream_id = f.stream_id AND d.key = f.key AND d.set_version = f.set_version

-- postpone -- what failed is due again after a while; nobody else takes it before
UPDATE deadlines d
SET attempts = d.attempts + f.failures, claimed_until = now() + f.delay_s * interval '1 second'
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::integer[], $5::float8[])
     AS f (stream_id, key, set_version, failures, delay_s)
WHERE d.stream_id = f.stream_id AND d.key = f.key AND d.set_version = f.set_version
