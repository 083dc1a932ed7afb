-- forget_deliveries -- what is long over: messages with their tries, and the links that they carried. Of an alert that is open nothing goes; who was called, and who answered, stays in the alert's events
WITH old AS MATERIALIZED (
    SELECT d.id FROM deliveries d
    WHERE d.called_at < now() - make_interval(months => $1) AND d.state <> 'PENDING'
      AND NOT EXISTS (SELECT FROM streams s WHERE s.stream_id = d.alert AND s.facets @> '{"live": true}')
      AND NOT EXISTS (SELECT FROM answer_links l WHERE l.delivery = d.id AND l.expires_at > now())
    ORDER BY d.called_at
    LIMIT $2
    FOR UPDATE SKIP LOCKED
),
forgotten AS (
    DELETE FROM deliveries d USING old WHERE d.id = old.id RETURNING d.id
),
links AS (
    DELETE FROM answer_links l USING forgotten WHERE l.delivery = forgotten.id
)
SELECT count(*)::int FROM forgotten
