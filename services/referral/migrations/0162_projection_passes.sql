-- migrate:up

-- How far a pass over all aggregates has come that brings their projections up to what the code now makes of them.
CREATE TABLE projection_passes (
    name            text        PRIMARY KEY,
    -- What the projections are made by; another one begins a new pass.
    made_by         text        NOT NULL,
    -- The last aggregate that was looked at; those after it are still to come.
    after_stream_id text        NOT NULL,
    finished_at     timestamptz
);

-- migrate:down

DROP TABLE projection_passes;
