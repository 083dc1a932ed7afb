-- migrate:up

-- The call through which somebody looked, as W3C traceparent: leads from a view to its log lines and spans.
ALTER TABLE views ADD COLUMN traceparent text NOT NULL DEFAULT '';

-- migrate:down

ALTER TABLE views DROP COLUMN traceparent;
