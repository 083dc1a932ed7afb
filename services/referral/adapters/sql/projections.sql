-- read_pass -- how far a pass has come
SELECT made_by, after_stream_id, finished_at FROM projection_passes WHERE name = $1

-- keep_pass -- so that it goes on there after a restart
INSERT INTO projection_passes AS p (name, made_by, after_stream_id, finished_at)
VALUES ($1, $2, $3, CASE WHEN $4::boolean THEN now() END)
ON CONFLICT (name) DO UPDATE
SET made_by = excluded.made_by, after_stream_id = excluded.after_stream_id, finished_at = excluded.finished_at

-- renew_projections -- facets, rows of lists and readings of clocks as they would be written now; what is right stays
WITH held AS MATERIALIZED (
    SELECT s.stream_id, s.kind, s.changed, a.facets::jsonb AS facets,
           s.facets IS DISTINCT FROM a.facets::jsonb AS differs
    FROM streams s
    JOIN unnest($1::text[], $2::bigint[], $3::text[]) AS a (stream_id, version, facets)
      ON s.stream_id = a.stream_id AND s.version = a.version
    ORDER BY s.stream_id
    -- Whoever appends meanwhile waits, or has written his rows himself: then the version is another one.
    FOR UPDATE OF s
),
moved AS (
    UPDATE streams s SET facets = h.facets FROM held h WHERE s.stream_id = h.stream_id AND h.differs
    RETURNING s.stream_id
),
unlisted AS (
    DELETE FROM listing l USING held h
    WHERE l.stream_id = h.stream_id AND l.party <> '' AND NOT h.facets -> 'parties' ? l.party
    RETURNING l.stream_id
),
listed AS (
    INSERT INTO listing AS l (stream_id, party, kind, phase, state, changed, pathway, urgency, direction, waits,
                              overdue, created_at)
    SELECT h.stream_id, p.party, h.kind,
           coalesce(h.facets ->> 'phase',
                    CASE WHEN (h.facets ->> 'live')::boolean THEN 'OPEN' ELSE h.facets ->> 'state' END, 'CLOSED'),
           coalesce(h.facets ->> 'state', ''), h.changed, coalesce(h.facets ->> 'pathway', ''),
           coalesce(h.facets ->> 'urgency', ''), coalesce(h.facets ->> 'direction', ''),
           coalesce(h.facets -> 'waiting' ? p.party, false), coalesce((h.facets ->> 'overdue')::boolean, false),
           coalesce((h.facets ->> 'created')::timestamptz,
                    (SELECT e.recorded_at FROM events e WHERE e.stream_id = h.stream_id AND e.version = 1), now())
    FROM held h
    CROSS JOIN LATERAL (SELECT '' AS party UNION SELECT jsonb_array_elements_text(h.facets -> 'parties')) p
    ON CONFLICT (stream_id, party) DO UPDATE
    SET phase = excluded.phase, state = excluded.state, changed = excluded.changed, pathway = excluded.pathway,
        urgency = excluded.urgency, direction = excluded.direction, waits = excluded.waits,
        overdue = excluded.overdue, created_at = excluded.created_at
    WHERE (l.phase, l.state, l.changed, l.pathway, l.urgency, l.direction, l.waits, l.overdue, l.created_at)
        IS DISTINCT FROM (excluded.phase, excluded.state, excluded.changed, excluded.pathway, excluded.urgency,
                          excluded.direction, excluded.waits, excluded.overdue, excluded.created_at)
    RETURNING l.stream_id
),
clocks AS MATERIALIZED (
    SELECT h.stream_id AS episode, c.key, c.started_by, h.facets ->> 'pathway' AS pathway, c.facility, c.started_at,
           c.elapsed_ms, c.excluded
    FROM held h
    CROSS JOIN LATERAL jsonb_to_recordset(coalesce(h.facets -> 'clocks', '[]'))
         AS c (key text, started_by text, facility text, started_at timestamptz, elapsed_ms bigint, excluded text)
    WHERE h.kind = 'episode'
),
unread AS (
    DELETE FROM clock_readings r USING held h
    WHERE r.episode = h.stream_id AND NOT EXISTS (
        SELECT FROM clocks c WHERE (c.episode, c.key, c.started_by) = (r.episode, r.key, r.started_by)
    )
    RETURNING r.episode AS stream_id
),
readings AS (
    INSERT INTO clock_readings AS r
        (episode, key, started_by, pathway, facility, started_at, elapsed_ms, excluded)
    SELECT c.episode, c.key, c.started_by, c.pathway, c.facility, c.started_at, c.elapsed_ms, c.excluded
    FROM clocks c
    ON CONFLICT (episode, key, started_by) DO UPDATE
    SET pathway = excluded.pathway, facility = excluded.facility, started_at = excluded.started_at,
        elapsed_ms = excluded.elapsed_ms, excluded = excluded.excluded
    WHERE (r.pathway, r.facility, r.started_at, r.elapsed_ms, r.excluded)
        IS DISTINCT FROM (excluded.pathway, excluded.facility, excluded.started_at, excluded.elapsed_ms,
                          excluded.excluded)
    RETURNING r.episode AS stream_id
)
SELECT count(DISTINCT stream_id) AS renewed
FROM (TABLE moved UNION ALL TABLE unlisted UNION ALL TABLE listed UNION ALL TABLE unread UNION ALL TABLE readings) w

-- set_missing_deadlines -- of error marks stored before these had a deadline, as the word's own unit would have set it
INSERT INTO deadlines (stream_id, key, kind, due_at, set_version)
SELECT s.stream_id, x.key, s.kind, x.due_at, e.version
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::timestamptz[]) AS x (stream_id, version, key, due_at)
JOIN (
    SELECT stream_id, kind, version
    FROM streams
    WHERE stream_id = ANY ($1::text[])
    ORDER BY stream_id
    -- Whoever appends meanwhile waits, or has set his own deadlines: then the version is another one.
    FOR UPDATE
) s ON s.stream_id = x.stream_id AND s.version = x.version
CROSS JOIN LATERAL (
    SELECT max(version) AS version FROM events WHERE stream_id = s.stream_id AND type = 'ErrorMarkRequested'
) e
WHERE e.version IS NOT NULL
ON CONFLICT (stream_id, key) DO NOTHING
