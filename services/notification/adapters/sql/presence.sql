-- note -- A sign of life, of a centre's board for its facility as well; one that comes soon after another writes
-- nothing. The facility's row first: two boards of one facility never wait for each other.
INSERT INTO board_presence (facility, centre, seen_at)
SELECT DISTINCT $1::text, place.centre, now()
FROM unnest(ARRAY['', $2::text]) AS place (centre)
ORDER BY place.centre
ON CONFLICT (facility, centre) DO UPDATE SET seen_at = excluded.seen_at
WHERE board_presence.seen_at IS NULL OR board_presence.seen_at < excluded.seen_at - $3::interval;

-- expect -- Places that must have a board: their silence counts from the first time that this was said.
INSERT INTO board_presence (facility, centre)
SELECT * FROM unnest($1::text[], $2::text[])
ON CONFLICT (facility, centre) DO NOTHING;

-- forget -- Boards that were taken down on purpose: alerts are called as where there never was one.
DELETE FROM board_presence WHERE facility = $1 AND centre = $2;

-- read -- What is known of every place's boards; how long they are silent is this clock's to say, nobody else's.
SELECT facility, centre, seen_at,
       extract(epoch FROM now() - coalesce(seen_at, expected_at))::float8 AS silent_s
FROM board_presence;
