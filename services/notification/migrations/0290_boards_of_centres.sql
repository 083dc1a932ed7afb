-- migrate:up

-- A centre's boards are known beside those of its facility: the row without a centre is the facility's, as every
-- row was before.
ALTER TABLE board_presence
    ADD COLUMN centre text NOT NULL DEFAULT '',
    DROP CONSTRAINT board_presence_pkey,
    ADD PRIMARY KEY (facility, centre);

-- migrate:down
DELETE FROM board_presence WHERE centre <> '';
ALTER TABLE board_presence
    DROP CONSTRAINT board_presence_pkey,
    DROP COLUMN centre,
    ADD PRIMARY KEY (facility);
