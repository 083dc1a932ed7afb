-- migrate:up

-- Read models that are made beside those that serve, and those that served before: the same names in other schemas,
-- so that a swap is two changes of schema in one transaction and no statement knows of it.
CREATE SCHEMA building;
CREATE SCHEMA retired;

-- What was decided of a read model and carried out.
CREATE TABLE projection_builds (
    projection      text    NOT NULL,
    number          bigint  NOT NULL,
    -- STORE or KAFKA; empty for the first, which its migration made
    source          text    NOT NULL,
    state           text    NOT NULL CHECK (state IN ('BUILDING', 'SERVING', 'RETIRED', 'DROPPED')),
    -- The last aggregate that the first pass over the store has looked at; those after it are still to come.
    after_stream_id text    NOT NULL DEFAULT '',
    is_passed       boolean NOT NULL DEFAULT false,
    PRIMARY KEY (projection, number)
);
CREATE UNIQUE INDEX projection_builds_one_of_each ON projection_builds (projection, state) WHERE state <> 'DROPPED';
INSERT INTO projection_builds (projection, number, source, state)
VALUES ('listing', 1, '', 'SERVING'), ('clock_readings', 1, '', 'SERVING');

-- What the read model in the making knows of each aggregate: its rows are those of this version.
CREATE TABLE built_streams (
    projection text   NOT NULL,
    stream_id  text   NOT NULL,
    version    bigint NOT NULL,
    head_hash  bytea  NOT NULL,
    -- What the next event of the aggregate is folded onto.
    state      bytea  NOT NULL,
    PRIMARY KEY (projection, stream_id)
) WITH (fillfactor = 80);
ALTER TABLE built_streams ALTER COLUMN state SET STORAGE EXTERNAL;

-- How far each partition was read; moved by the transaction that writes what was read.
CREATE TABLE built_places (
    projection  text    NOT NULL,
    topic       text    NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint  NOT NULL,
    PRIMARY KEY (projection, topic, partition)
);

-- An empty table beside the one that serves, with its columns, constraints, indexes by the same names, and settings.
CREATE FUNCTION begin_building(projection text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    serving oid := format('public.%I', projection)::regclass;
    statement text;
BEGIN
    EXECUTE format('CREATE TABLE building.%1$I (LIKE public.%1$I INCLUDING ALL EXCLUDING INDEXES)', projection);
    FOR statement IN
        SELECT format('ALTER TABLE building.%I ADD CONSTRAINT %I %s', projection, c.conname, pg_get_constraintdef(c.oid))
        FROM pg_constraint c
        WHERE c.conrelid = serving AND c.contype IN ('p', 'u')
        UNION ALL
        SELECT replace(pg_get_indexdef(i.indexrelid), format(' ON public.%I ', projection),
                       format(' ON building.%I ', projection))
        FROM pg_index i
        WHERE i.indrelid = serving AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
        UNION ALL
        SELECT format('ALTER TABLE building.%I SET (%s)', projection, array_to_string(c.reloptions, ', '))
        FROM pg_class c
        WHERE c.oid = serving AND c.reloptions IS NOT NULL
    LOOP
        EXECUTE statement;
    END LOOP;
END
$$;

-- migrate:down

DROP FUNCTION begin_building(text);
DROP TABLE built_places, built_streams, projection_builds;
DROP SCHEMA retired CASCADE;
DROP SCHEMA building CASCADE;
