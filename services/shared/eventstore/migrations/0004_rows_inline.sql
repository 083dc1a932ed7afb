-- migrate:up

-- A snapshot or an event has two to four thousand bytes, and by default everything over two thousand goes out of
-- line: another table, another index and its own dead rows with every change. Up to a page's length it stays
-- in the row.
ALTER TABLE streams SET (toast_tuple_target = 8000);
ALTER TABLE events SET (toast_tuple_target = 8000);
ALTER TABLE outbox SET (toast_tuple_target = 8000);

-- migrate:down

ALTER TABLE outbox RESET (toast_tuple_target);
ALTER TABLE events RESET (toast_tuple_target);
ALTER TABLE streams RESET (toast_tuple_target);
