-- note -- A sign of life; one that comes soon after another writes nothing.
INSERT INTO board_presence (facility, seen_at)
VALUES ($1, now())
ON CONFLICT (facility) DO UPDATE SET seen_at = excluded.seen_at
WHERE board_presence.seen_at IS NULL OR board_presence.seen_at < excluded.seen_at - $2::interval;

-- expect -- Facilities that must have a board: their silence counts from the first time that this was said.
INSERT INTO board_presence (facility)
SELECT unnest($1::text[])
ON CONFLICT (facility) DO NOTHING;

-- forget -- Boards that were taken down on purpose: alerts are called as where there never was one.
DELETE FROM board_presence WHERE facility = $1;

-- read -- What is known of every facility's boards; how long they are silent is this clock's to say, nobody else's.
SELECT facility, seen_at,
       extract(epoch FROM now() - coalesce(seen_at, expected_at))::float8 AS silent_s
FROM board_presence;
