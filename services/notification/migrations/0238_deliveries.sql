-- migrate:up

-- Calls that wait to be made into deliveries. The trigger below writes a row with the event itself, in its
-- transaction, whichever code appends it and whether Kafka is there or not.
CREATE TABLE delivery_calls (
    stream_id text NOT NULL,
    version bigint NOT NULL,
    type text NOT NULL,
    PRIMARY KEY (stream_id, version)
);

CREATE FUNCTION note_delivery_call() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO delivery_calls (stream_id, version, type) VALUES (NEW.stream_id, NEW.version, NEW.type)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$body$;

CREATE TRIGGER delivery_calls_follow_events AFTER INSERT ON events
FOR EACH ROW
WHEN (NEW.type IN ('AlertTriggered', 'AlertRetriggered', 'AlertEscalated', 'AcknowledgementGiven',
                   'AlertAcknowledged', 'AlertResolved'))
EXECUTE FUNCTION note_delivery_call();

-- One message to one recipient by one channel for one call of an alert. No address: that is asked for when sending.
CREATE TABLE deliveries (
    -- also the idempotency key that the receiver is given
    id uuid PRIMARY KEY,
    alert text NOT NULL,
    subject text NOT NULL,
    -- 0 is the loudest
    severity_rank smallint NOT NULL,
    step integer NOT NULL,
    round integer NOT NULL,
    recipient text NOT NULL,
    recipient_name text NOT NULL,
    -- whose roster names the recipient; empty for a fallback of none
    facility text NOT NULL,
    channel text NOT NULL,
    state text NOT NULL,
    detail text NOT NULL DEFAULT '',
    -- the vendor's name for the message
    reference text NOT NULL DEFAULT '',
    called_at timestamptz NOT NULL,
    planned_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz NOT NULL DEFAULT now(),
    claimed_until timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    sent_at timestamptz,
    delivered_at timestamptz,
    seen_at timestamptz,
    acted_at timestamptz
);

CREATE INDEX deliveries_due ON deliveries (channel, due_at) WHERE state = 'PENDING';
CREATE INDEX deliveries_of_alert ON deliveries (alert);
CREATE INDEX deliveries_of_recipient ON deliveries (recipient, channel, subject, called_at);

CREATE TABLE delivery_attempts (
    delivery uuid NOT NULL REFERENCES deliveries (id) ON DELETE CASCADE,
    number integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    -- STARTED stays where the process died before it could say what became of it
    outcome text NOT NULL DEFAULT 'STARTED',
    detail text NOT NULL DEFAULT '',
    PRIMARY KEY (delivery, number)
);

CREATE TABLE channel_health (
    channel text PRIMARY KEY,
    failures_in_a_row integer NOT NULL DEFAULT 0,
    last_success_at timestamptz,
    silent_since timestamptz,
    alarmed boolean NOT NULL DEFAULT false
);

-- migrate:down
DROP TABLE channel_health;
DROP TABLE delivery_attempts;
DROP TABLE deliveries;
DROP TRIGGER delivery_calls_follow_events ON events;
DROP FUNCTION note_delivery_call();
DROP TABLE delivery_calls;
