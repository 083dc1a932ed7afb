-- migrate:up

-- Whatever has no moment of creation of its own is created by its first event, not when its row is written: so the
-- rows are the same whenever, and from whatever, they are made.
CREATE OR REPLACE FUNCTION list_streams() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        -- Whoever takes no part any more.
        DELETE FROM listing l
        USING written w
        WHERE l.stream_id = w.stream_id AND l.party <> '' AND NOT w.facets -> 'parties' ? l.party;
    END IF;
    INSERT INTO listing AS l (stream_id, party, kind, phase, state, changed, pathway, urgency, direction, waits,
                              overdue, created_at)
    SELECT w.stream_id, p.party, w.kind,
           coalesce(w.facets ->> 'phase',
                    CASE WHEN (w.facets ->> 'live')::boolean THEN 'OPEN' ELSE w.facets ->> 'state' END,
                    'CLOSED'),
           coalesce(w.facets ->> 'state', ''), w.changed, coalesce(w.facets ->> 'pathway', ''),
           coalesce(w.facets ->> 'urgency', ''), coalesce(w.facets ->> 'direction', ''),
           coalesce(w.facets -> 'waiting' ? p.party, false), coalesce((w.facets ->> 'overdue')::boolean, false),
           coalesce((w.facets ->> 'created')::timestamptz,
                    (SELECT e.recorded_at FROM events e WHERE e.stream_id = w.stream_id AND e.version = 1),
                    now())
    FROM written w
    CROSS JOIN LATERAL (
        SELECT '' AS party UNION SELECT jsonb_array_elements_text(w.facets -> 'parties')
    ) p
    ON CONFLICT (stream_id, party) DO UPDATE
    SET phase = excluded.phase, state = excluded.state, changed = excluded.changed,
        pathway = excluded.pathway, urgency = excluded.urgency, direction = excluded.direction,
        waits = excluded.waits, overdue = excluded.overdue;
    RETURN NULL;
END
$$;

UPDATE listing l
SET created_at = e.recorded_at
FROM streams s
JOIN events e ON e.stream_id = s.stream_id AND e.version = 1
WHERE l.stream_id = s.stream_id AND NOT s.facets ? 'created';

-- migrate:down

CREATE OR REPLACE FUNCTION list_streams() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        -- Whoever takes no part any more.
        DELETE FROM listing l
        USING written w
        WHERE l.stream_id = w.stream_id AND l.party <> '' AND NOT w.facets -> 'parties' ? l.party;
    END IF;
    INSERT INTO listing AS l (stream_id, party, kind, phase, state, changed, pathway, urgency, direction, waits,
                              overdue, created_at)
    SELECT w.stream_id, p.party, w.kind,
           coalesce(w.facets ->> 'phase',
                    CASE WHEN (w.facets ->> 'live')::boolean THEN 'OPEN' ELSE w.facets ->> 'state' END,
                    'CLOSED'),
           coalesce(w.facets ->> 'state', ''), w.changed, coalesce(w.facets ->> 'pathway', ''),
           coalesce(w.facets ->> 'urgency', ''), coalesce(w.facets ->> 'direction', ''),
           coalesce(w.facets -> 'waiting' ? p.party, false), coalesce((w.facets ->> 'overdue')::boolean, false),
           coalesce((w.facets ->> 'created')::timestamptz, now())
    FROM written w
    CROSS JOIN LATERAL (
        SELECT '' AS party UNION SELECT jsonb_array_elements_text(w.facets -> 'parties')
    ) p
    ON CONFLICT (stream_id, party) DO UPDATE
    SET phase = excluded.phase, state = excluded.state, changed = excluded.changed,
        pathway = excluded.pathway, urgency = excluded.urgency, direction = excluded.direction,
        waits = excluded.waits, overdue = excluded.overdue;
    RETURN NULL;
END
$$;
