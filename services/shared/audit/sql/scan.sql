-- pages -- ids that end the pages of the store, each of about so many events; the last page has no end
SELECT max(stream_id)
FROM (
    SELECT stream_id, (sum(version) OVER (ORDER BY stream_id)::bigint - 1) / $1::bigint AS page
    FROM streams
) AS paged
GROUP BY page
ORDER BY page

-- key_pages -- the same by the key alone, each of so many aggregates: no row is read for it
SELECT stream_id
FROM (
    SELECT stream_id, row_number() OVER (ORDER BY stream_id) AS place
    FROM streams
) AS placed
WHERE place % $1::bigint = 0
ORDER BY stream_id

-- totals -- how much there is to verify
SELECT count(*) AS aggregates, coalesce(sum(version), 0)::bigint AS events
FROM streams
WHERE $1 = '' OR kind = $1

-- chains -- a page in one statement, so in one snapshot, walked along the events' key: an aggregate is sent off
-- before the next one is begun. Payloads travel as one run of bytes with their lengths. Events
-- without a row have no kind, rows without events no payloads.
SELECT coalesce(s.stream_id, c.stream_id) AS stream_id, coalesce(s.kind, '') AS kind, coalesce(s.version, 0) AS version,
       coalesce(s.head_hash, '') AS head_hash, coalesce(c.versions, '') AS versions,
       coalesce(c.previous_hashes, '') AS previous_hashes, coalesce(c.hashes, '') AS hashes,
       coalesce(c.lengths, '') AS lengths, coalesce(c.payloads, '') AS payloads
FROM (
    SELECT stream_id, string_agg(int8send(version), '') AS versions, string_agg(previous_hash, '') AS previous_hashes,
           string_agg(hash, '') AS hashes, string_agg(int4send(octet_length(payload)), '') AS lengths,
           string_agg(payload, '') AS payloads
    FROM events
    WHERE stream_id > $1 AND ($2 = '' OR stream_id <= $2)
    GROUP BY stream_id
) c
FULL JOIN (
    SELECT stream_id, kind, version, head_hash
    FROM streams
    WHERE stream_id > $1 AND ($2 = '' OR stream_id <= $2)
) s USING (stream_id)
WHERE $3 = '' OR s.kind = $3

-- streams -- given aggregates with their states
SELECT stream_id, kind, version, head_hash, snapshot, fold_version
FROM streams
WHERE stream_id = ANY ($1::text[])

-- events -- all events of given aggregates
SELECT stream_id, version, event_id, type, recorded_at, previous_hash, hash, payload
FROM events
WHERE stream_id = ANY ($1::text[])
