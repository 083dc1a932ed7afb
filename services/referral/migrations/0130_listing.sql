-- migrate:up

-- What lists walk: a narrow row for each facility that takes part (and one for everybody, the empty party),
-- so that a page is a short walk along one index however many referrals there are, and however common what
-- is asked for is. A projection of `streams.facets`, written by the statement that writes them.
CREATE TABLE listing (
    stream_id  text        NOT NULL,
    -- Facility id; empty for those who may read everything.
    party      text        NOT NULL,
    kind       text        NOT NULL,
    -- OPEN, or the state that it ended in: what is open is little, whatever the history.
    phase      text        NOT NULL,
    state      text        NOT NULL,
    changed    bigint      NOT NULL,
    pathway    text        NOT NULL,
    urgency    text        NOT NULL,
    direction  text        NOT NULL,
    -- It is this party's turn.
    waits      boolean     NOT NULL,
    overdue    boolean     NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (stream_id, party)
) WITH (
    -- The walk is by index alone where pages are known to be visible to all.
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02
);
CREATE INDEX listing_by_party ON listing (party, kind, phase, changed DESC)
    INCLUDE (stream_id, state, pathway, urgency, direction, waits, overdue, created_at);

-- A patient and an episode have few referrals: found by name, then filtered.
CREATE INDEX streams_by_patient ON streams ((facets ->> 'patient'));
CREATE INDEX streams_by_episode ON streams ((facets ->> 'episode'));
-- Nothing looks for facets by containment here any more, and its ten entries for each change were the
-- dearest of all indexes.
DROP INDEX streams_by_facets;

CREATE FUNCTION list_streams() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER list_new_streams AFTER INSERT ON streams REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION list_streams();
CREATE TRIGGER list_moved_streams AFTER UPDATE ON streams REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION list_streams();

-- What was written before: as if it were written now.
UPDATE streams SET facets = facets;

-- migrate:down

DROP TRIGGER list_new_streams ON streams;
DROP TRIGGER list_moved_streams ON streams;
DROP FUNCTION list_streams();
DROP INDEX streams_by_patient, streams_by_episode;
CREATE INDEX streams_by_facets ON streams USING gin (facets jsonb_path_ops) WITH (fastupdate = off);
DROP TABLE listing;
