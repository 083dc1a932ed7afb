-- clock -- the clock that decides what is due
SELECT clock_timestamp()

-- migrations -- what has been applied, by this version or by another
SELECT version FROM schema_migrations ORDER BY version

-- outbox -- what waits for Kafka, counted up to a bound: a shard's oldest is its first, so no shard is read to its end
SELECT (SELECT count(*) FROM (SELECT FROM outbox LIMIT $1) counted) AS messages,
       (SELECT min(first.recorded_at)
        FROM relay_leases l
        CROSS JOIN LATERAL (
            SELECT o.recorded_at FROM outbox o WHERE o.shard = l.shard ORDER BY o.seq LIMIT 1
        ) first) AS oldest_at

-- relays -- who lives, and the shards that nobody publishes
SELECT (SELECT count(*) FROM relay_members WHERE expires_at > clock_timestamp()) AS live,
       count(*) AS shards,
       coalesce(array_agg(shard ORDER BY shard) FILTER (WHERE expires_at <= clock_timestamp()), '{}') AS unheld
FROM relay_leases

-- waiting -- aggregates whose events wait, letters nobody has decided on, and deadlines that are due and not met; each up to a bound
WITH parked AS (
    SELECT min(w.since) AS since
    FROM (
        SELECT source, aggregate_id, parked_at AS since FROM parked_events
        UNION ALL
        SELECT source, aggregate_id, failed_at FROM dead_letters
        WHERE resolved_at IS NULL AND aggregate_id IS NOT NULL
    ) w
    GROUP BY w.source, w.aggregate_id
    LIMIT $1
),
letters AS (
    SELECT failed_at FROM dead_letters WHERE resolved_at IS NULL ORDER BY id LIMIT $1
),
overdue AS (
    SELECT due_at FROM deadlines WHERE due_at <= clock_timestamp() ORDER BY due_at LIMIT $1
)
SELECT (SELECT count(*) FROM parked) AS parked, (SELECT min(since) FROM parked) AS parked_since,
       (SELECT count(*) FROM letters) AS letters, (SELECT min(failed_at) FROM letters) AS letters_since,
       (SELECT count(*) FROM overdue) AS overdue, (SELECT min(due_at) FROM overdue) AS overdue_since
