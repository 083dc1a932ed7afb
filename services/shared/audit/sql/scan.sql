-- pages -- ids that end the pages of the store, each of about so many events; the last page has no end
SELECT max(stream_id)
FROM (
    SELECT stream_id, (sum(version) OVER (ORDER BY stream_id)::bigint - 1) / $1::bigint AS page
    FROM streams
) AS paged
GROUP BY page
ORDER BY page

-- blocks -- how many the events take on the disk, now; those that come later are not in them. And how many times as much
-- they take with the payloads that are too large for a block
SELECT pg_relation_size('events') / current_setting('block_size')::bigint AS blocks,
       pg_table_size('events') / greatest(pg_relation_size('events'), 1) AS times

-- is_keyed -- that no event can be there twice; without it, what was let go might come once more
SELECT EXISTS (
    SELECT FROM pg_index
    WHERE indrelid = 'events'::regclass AND indisprimary AND indisvalid AND indimmediate
)

-- totals -- how much there is to verify
SELECT count(*) AS aggregates, coalesce(sum(version), 0)::bigint AS events
FROM streams
WHERE $1 = '' OR kind = $1

-- lying_events -- events as they lie on the disk, the blocks read once each and one after the other: by key every event
-- would be a block read somewhere else. So many blocks in a row, their columns one run of bytes each; a row as large as
-- this is sent off while the next one is read, and costs a tenth of what its events would cost as rows
SELECT lying.*
FROM generate_series($1::bigint, $2::bigint - 1, $3::bigint) AS span (first_block)
CROSS JOIN LATERAL (
    SELECT string_agg(stream_id, ',') AS stream_ids, string_agg(int8send(version), '') AS versions,
           string_agg(hash, '') AS hashes, string_agg(int4send(octet_length(payload) + 32), '') AS lengths,
           string_agg(previous_hash || payload, '') AS links
    FROM events
    WHERE ctid >= format('(%s,0)', first_block)::tid
          AND ctid < format('(%s,0)', least(first_block + $3::bigint, $2::bigint))::tid
) AS lying
WHERE lying.stream_ids IS NOT NULL

-- names -- whatever has a row or an event between two ids, or the rows of a kind alone
SELECT stream_id
FROM streams
WHERE stream_id > $1 AND ($2 = '' OR stream_id <= $2) AND ($3 = '' OR kind = $3)
UNION
SELECT stream_id
FROM events
WHERE stream_id > $1 AND ($2 = '' OR stream_id <= $2) AND $3 = ''

-- names_in -- whose events lie in some blocks
SELECT DISTINCT stream_id
FROM events
WHERE ctid >= format('(%s,0)', $1::bigint)::tid AND ctid < format('(%s,0)', $2::bigint)::tid

-- aggregates -- how many rows there are, for which none of them need be read
SELECT count(*) FROM streams

-- versions -- how many events given aggregates are to have
SELECT stream_id, version
FROM streams
WHERE stream_id = ANY ($1::text[])

-- heads -- where the chains of given aggregates are to end; column by column, as their events are
SELECT coalesce(string_agg(stream_id, ','), '') AS stream_ids, coalesce(string_agg(kind, ','), '') AS kinds,
       coalesce(string_agg(int8send(version), ''), '') AS versions, coalesce(string_agg(head_hash, ''), '') AS hashes
FROM streams
WHERE stream_id = ANY ($1::text[])

-- relations -- how many blocks of the disk rows and events take, now
SELECT pg_relation_size('streams') / current_setting('block_size')::bigint AS streams,
       pg_relation_size('events') / current_setting('block_size')::bigint AS events

-- all_heads -- the same of every aggregate, some blocks of the rows at a time: where most are asked for, it takes less than
-- to look each one up
SELECT coalesce(string_agg(stream_id, ','), '') AS stream_ids, coalesce(string_agg(kind, ','), '') AS kinds,
       coalesce(string_agg(int8send(version), ''), '') AS versions, coalesce(string_agg(head_hash, ''), '') AS hashes
FROM streams
WHERE ctid >= format('(%s,0)', $1::bigint)::tid AND ctid < format('(%s,0)', $2::bigint)::tid

-- eventless -- rows without a first event, which no walk over the events meets
SELECT s.stream_id
FROM streams s
WHERE NOT EXISTS (SELECT FROM events e WHERE e.stream_id = s.stream_id AND e.version = 1)
ORDER BY s.stream_id

-- streams -- given aggregates with their states
SELECT stream_id, kind, version, head_hash, snapshot, fold_version
FROM streams
WHERE stream_id = ANY ($1::text[])

-- events -- all events of given aggregates
SELECT stream_id, version, event_id, type, recorded_at, previous_hash, hash, payload
FROM events
WHERE stream_id = ANY ($1::text[])
