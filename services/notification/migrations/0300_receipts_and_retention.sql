-- migrate:up

-- How often a vendor was asked what became of a message that it took.
ALTER TABLE deliveries ADD COLUMN receipts_asked integer NOT NULL DEFAULT 0;
CREATE INDEX deliveries_awaiting_receipt ON deliveries (channel, sent_at) WHERE state = 'SENT';

-- What is forgotten when its time is over is found by its age.
CREATE INDEX deliveries_by_age ON deliveries (called_at);

-- What was merged into a message that reached nobody has been told to nobody either.
DROP TRIGGER merged_deliveries_are_released ON deliveries;
CREATE TRIGGER merged_deliveries_are_released AFTER UPDATE OF state ON deliveries
FOR EACH ROW
WHEN ((OLD.state = 'PENDING' AND NEW.state IN ('CANCELLED', 'DEAD')) OR (OLD.state = 'SENT' AND NEW.state = 'DEAD'))
EXECUTE FUNCTION release_merged_deliveries();

-- migrate:down
DROP TRIGGER merged_deliveries_are_released ON deliveries;
CREATE TRIGGER merged_deliveries_are_released AFTER UPDATE OF state ON deliveries
FOR EACH ROW
WHEN (OLD.state = 'PENDING' AND NEW.state IN ('CANCELLED', 'DEAD'))
EXECUTE FUNCTION release_merged_deliveries();
DROP INDEX deliveries_by_age;
DROP INDEX deliveries_awaiting_receipt;
ALTER TABLE deliveries DROP COLUMN receipts_asked;
