-- record_views -- many views in one statement, so that reading stays one round trip
INSERT INTO views (at, user_id, facility, roles, method, resources, traceparent, reason)
SELECT v.at, v.user_id, v.facility, string_to_array(v.roles, ','), v.method, string_to_array(v.resources, ','),
       v.traceparent, v.reason
FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
            $8::text[])
     AS v (at, user_id, facility, roles, method, resources, traceparent, reason)

-- forget_views -- the oldest views past their retention, a bounded number at a time
DELETE FROM views
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM views WHERE at < now() - make_interval(months => $1) ORDER BY at LIMIT $2
))

-- list_views -- who looked at any of these, the latest first; of a list only what is asked about
SELECT v.at, v.user_id, v.facility, v.roles, v.method, v.traceparent, v.reason, v.ctid::text AS place,
       ARRAY(SELECT r FROM unnest(v.resources) AS r WHERE r = ANY ($1::text[]) ORDER BY r) AS asked
FROM views v
WHERE v.resources && $1::text[]
  AND ($2::timestamptz IS NULL OR v.at >= $2)
  AND ($3::timestamptz IS NULL OR v.at < $3)
  -- Rows are never updated, so that their place tells those of one moment apart.
  AND ($4::timestamptz IS NULL OR (v.at, v.ctid) < ($4, $5::text::tid))
ORDER BY v.at DESC, v.ctid DESC
LIMIT $6
