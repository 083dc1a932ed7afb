-- migrate:up

-- Every list of this service walks `listing`; nothing orders `streams` by change any more.
DROP INDEX streams_by_change;

-- migrate:down

CREATE INDEX streams_by_change ON streams (kind, changed DESC);
