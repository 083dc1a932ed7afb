-- migrate:up

-- Who looked at which referral, consultation or episode. Kept apart from the event log: reading changes
-- nothing, but every view of a patient's record is accounted for.
CREATE TABLE views (
    at        timestamptz NOT NULL,
    user_id   text        NOT NULL,
    facility  text        NOT NULL,
    roles     text[]      NOT NULL,
    method    text        NOT NULL,
    resources text[]      NOT NULL
);
CREATE INDEX views_by_time ON views (at);
CREATE INDEX views_by_resource ON views USING gin (resources);

-- migrate:down

DROP TABLE views;
