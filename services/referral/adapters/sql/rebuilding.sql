-- write_listing -- rows of lists of aggregates that are at this version, into the table in the making
WITH held AS MATERIALIZED (
    SELECT s.stream_id, s.kind, s.changed, a.facets::jsonb AS facets
    FROM streams s
    JOIN unnest($1::text[], $2::bigint[], $3::text[]) AS a (stream_id, version, facets)
      ON s.stream_id = a.stream_id AND s.version = a.version
),
unlisted AS (
    DELETE FROM building.listing l USING held h
    WHERE l.stream_id = h.stream_id AND l.party <> '' AND NOT h.facets -> 'parties' ? l.party
)
INSERT INTO building.listing (stream_id, party, kind, phase, state, changed, pathway, urgency, direction, waits,
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

-- write_clock_readings -- readings of clocks of episodes that are at this version, into the table in the making
WITH clocks AS MATERIALIZED (
    SELECT s.stream_id AS episode, c.key, c.started_by, a.facets::jsonb ->> 'pathway' AS pathway, c.facility,
           c.started_at, c.elapsed_ms, c.excluded
    FROM streams s
    JOIN unnest($1::text[], $2::bigint[], $3::text[]) AS a (stream_id, version, facets)
      ON s.stream_id = a.stream_id AND s.version = a.version
    CROSS JOIN LATERAL jsonb_to_recordset(coalesce(a.facets::jsonb -> 'clocks', '[]'))
         AS c (key text, started_by text, facility text, started_at timestamptz, elapsed_ms bigint, excluded text)
),
unread AS (
    DELETE FROM building.clock_readings r
    WHERE r.episode = ANY ($1::text[]) AND NOT EXISTS (
        SELECT FROM clocks c WHERE (c.episode, c.key, c.started_by) = (r.episode, r.key, r.started_by)
    )
)
INSERT INTO building.clock_readings (episode, key, started_by, pathway, facility, started_at, elapsed_ms, excluded)
SELECT c.episode, c.key, c.started_by, c.pathway, c.facility, c.started_at, c.elapsed_ms, c.excluded
FROM clocks c
ON CONFLICT (episode, key, started_by) DO UPDATE
SET pathway = excluded.pathway, facility = excluded.facility, started_at = excluded.started_at,
    elapsed_ms = excluded.elapsed_ms, excluded = excluded.excluded
