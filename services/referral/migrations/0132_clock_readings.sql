-- migrate:up

-- One row for each clock of each episode: what means, medians and shares over a period are made of. A projection
-- of `streams.facets`, written by the statement that writes them.
CREATE TABLE clock_readings (
    episode    text        NOT NULL,
    key        text        NOT NULL,
    -- Name of the milestone that started it: a patient may come through a door twice.
    started_by text        NOT NULL,
    pathway    text        NOT NULL,
    -- Whose number it is.
    facility   text        NOT NULL,
    started_at timestamptz NOT NULL,
    -- Null while it runs.
    elapsed_ms bigint,
    -- Code of the reason for which it does not count; empty when it counts.
    excluded   text        NOT NULL,
    PRIMARY KEY (episode, key, started_by)
);
CREATE INDEX clock_readings_by_facility ON clock_readings (facility, started_at);
CREATE INDEX clock_readings_by_time ON clock_readings (started_at);

CREATE FUNCTION read_clocks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM clock_readings r
        USING written w
        WHERE w.kind = 'episode' AND r.episode = w.stream_id;
    END IF;
    INSERT INTO clock_readings (episode, key, started_by, pathway, facility, started_at, elapsed_ms, excluded)
    SELECT w.stream_id, c.key, c.started_by, w.facets ->> 'pathway', c.facility, c.started_at, c.elapsed_ms,
           c.excluded
    FROM written w
    CROSS JOIN LATERAL jsonb_to_recordset(w.facets -> 'clocks')
         AS c (key text, started_by text, facility text, started_at timestamptz, elapsed_ms bigint, excluded text)
    WHERE w.kind = 'episode' AND jsonb_typeof(w.facets -> 'clocks') = 'array';
    RETURN NULL;
END
$$;
CREATE TRIGGER read_new_clocks AFTER INSERT ON streams REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION read_clocks();
CREATE TRIGGER read_moved_clocks AFTER UPDATE ON streams REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION read_clocks();

-- migrate:down

DROP TRIGGER read_new_clocks ON streams;
DROP TRIGGER read_moved_clocks ON streams;
DROP FUNCTION read_clocks();
DROP TABLE clock_readings;
