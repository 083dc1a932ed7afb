-- migrate:up

-- The unit of work that made the call, as W3C traceparent: a message is sent under the trace of its alert.
ALTER TABLE deliveries ADD COLUMN traceparent text NOT NULL DEFAULT '';

-- migrate:down
ALTER TABLE deliveries DROP COLUMN traceparent;
