-- migrate:up

-- The last sign of life of each facility's boards, whichever process heard it: a lease that PostgreSQL's clock
-- ends. One row a facility, written at most every few seconds.
CREATE TABLE board_presence (
    facility   text        PRIMARY KEY,
    -- Null where a board is expected and none was ever seen.
    seen_at    timestamptz,
    -- Silence is counted from here while there was no sign of life.
    expected_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- migrate:down

DROP TABLE board_presence;
