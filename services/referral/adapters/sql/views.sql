-- record_views -- many views in one statement, so that reading stays one round trip
INSERT INTO views (at, user_id, facility, roles, method, resources)
SELECT v.at, v.user_id, v.facility, string_to_array(v.roles, ','), v.method, string_to_array(v.resources, ',')
FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
     AS v (at, user_id, facility, roles, method, resources)
