-- set_missing -- deadlines of wards as they are at this version; a ward that changes meanwhile sets its own
INSERT INTO deadlines (stream_id, key, kind, due_at, set_version)
SELECT s.stream_id, x.key, s.kind, x.due_at, x.set_version
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::timestamptz[], $5::bigint[])
    AS x (stream_id, version, key, due_at, set_version)
JOIN (
    SELECT stream_id, kind, version
    FROM streams
    WHERE stream_id = ANY ($1::text[])
    ORDER BY stream_id
    FOR UPDATE
) s ON s.stream_id = x.stream_id AND s.version = x.version
ON CONFLICT (stream_id, key) DO NOTHING

-- waited_for -- what of some wards need not be looked for among their events
SELECT stream_id, key
FROM deadlines
WHERE stream_id = ANY ($1::text[])
