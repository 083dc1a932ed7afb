-- migrate:up

-- A call that cannot be planned waits for its next turn instead of being forgotten.
ALTER TABLE delivery_calls
    ADD COLUMN failures integer NOT NULL DEFAULT 0,
    ADD COLUMN due_at timestamptz NOT NULL DEFAULT now();

CREATE INDEX deliveries_merged ON deliveries (detail) WHERE state = 'MERGED';

-- What was merged into a message that ends unsent has been told to nobody: it is due by itself, unless its own
-- alert has called the person again since. Whichever statement ends a message, none is missed.
CREATE FUNCTION release_merged_deliveries() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    UPDATE deliveries m SET state = 'PENDING', detail = '', due_at = now()
    WHERE m.state = 'MERGED' AND m.detail = NEW.id::text
      AND NOT EXISTS (
          SELECT FROM deliveries later
          WHERE later.alert = m.alert AND later.recipient = m.recipient AND later.channel = m.channel
            AND later.called_at > m.called_at
      );
    RETURN NULL;
END
$body$;

CREATE TRIGGER merged_deliveries_are_released AFTER UPDATE OF state ON deliveries
FOR EACH ROW
WHEN (OLD.state = 'PENDING' AND NEW.state IN ('CANCELLED', 'DEAD'))
EXECUTE FUNCTION release_merged_deliveries();

-- migrate:down
DROP TRIGGER merged_deliveries_are_released ON deliveries;
DROP FUNCTION release_merged_deliveries();
DROP INDEX deliveries_merged;
ALTER TABLE delivery_calls DROP COLUMN failures, DROP COLUMN due_at;
