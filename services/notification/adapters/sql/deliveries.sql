-- take_calls -- calls that nobody has made deliveries of; locked until the transaction that does so ends
SELECT stream_id, version, type
FROM delivery_calls
WHERE due_at <= now()
ORDER BY stream_id, version
LIMIT $1
FOR UPDATE SKIP LOCKED

-- forget_calls -- their deliveries are written in the same transaction
DELETE FROM delivery_calls c
USING unnest($1::text[], $2::bigint[]) AS done (stream_id, version)
WHERE c.stream_id = done.stream_id AND c.version = done.version

-- put_off_call -- what could not be planned is planned again, at most five minutes later each time: forgotten it would be silence
UPDATE delivery_calls
SET failures = failures + 1, due_at = now() + least(300, 2 ^ least(failures, 9)) * interval '1 second'
WHERE stream_id = $1 AND version = $2

-- lock_recipient -- two planners must not both find that a recipient has been sent nothing yet
SELECT pg_advisory_xact_lock(hashtextextended($1, 38))

-- add_delivery -- the id follows from the call, so a call that is planned again adds nothing; what the recipient gets about the same subject at the same moment by the same channel is one message
WITH same AS (
    SELECT d.id
    FROM deliveries d
    WHERE d.recipient = $8 AND d.channel = $11 AND d.subject = $3 AND d.alert <> $2
      AND d.called_at BETWEEN $12::timestamptz - $13::interval AND $12::timestamptz + $13::interval
      AND d.severity_rank <= $4
      AND d.state NOT IN ('CANCELLED', 'DEAD', 'MERGED')
    LIMIT 1
    -- it cannot end unsent, unnoticed, before this row is there to be released
    FOR SHARE
)
INSERT INTO deliveries (id, alert, subject, severity_rank, step, round, recipient, recipient_name, facility,
                        channel, called_at, traceparent, state, detail)
SELECT $1, $2, $3, $4, $5, $6, $8, $9, $10, $11, $12, $14,
       CASE WHEN $7::text <> '' THEN 'DEAD' WHEN same.id IS NULL THEN 'PENDING' ELSE 'MERGED' END,
       CASE WHEN $7::text <> '' THEN $7::text ELSE coalesce(same.id::text, '') END
FROM (SELECT 1) one LEFT JOIN same ON true
ON CONFLICT (id) DO NOTHING

-- supersede -- a newer call of the same alert to the same recipient takes the place of one that is not sent yet
UPDATE deliveries
SET state = 'CANCELLED', detail = 'SUPERSEDED', claimed_until = NULL
WHERE alert = $1 AND recipient = $2 AND channel = $3 AND state = 'PENDING' AND called_at < $4

-- stop_alert -- answered or moot: nobody need be called about it any more
UPDATE deliveries SET state = 'CANCELLED', detail = $2, claimed_until = NULL
WHERE alert = $1 AND state = 'PENDING'

-- stop_recipient -- one of several who must acknowledge has: what would call them before that is not sent any more
UPDATE deliveries SET state = 'CANCELLED', detail = $4, claimed_until = NULL
WHERE alert = $1 AND recipient = $2 AND state = 'PENDING' AND called_at <= $3

-- mark_acted -- the latest message that reached the person who acknowledged led to the act, unless it was by a link, which says which one
UPDATE deliveries SET state = 'ACTED', acted_at = $3
WHERE id = (
    SELECT id FROM deliveries
    WHERE alert = $1 AND recipient = $2 AND state IN ('SENT', 'DELIVERED', 'SEEN')
    ORDER BY coalesce(seen_at, delivered_at, sent_at) DESC
    LIMIT 1
)
AND NOT EXISTS (
    SELECT FROM deliveries
    WHERE alert = $1 AND recipient = $2 AND state = 'ACTED'
      AND acted_at BETWEEN $3::timestamptz - $4::interval AND $3::timestamptz
)

-- claim_due -- due deliveries of a channel, each in one worker's hands for a while; the attempt is written down before it is made
WITH due AS MATERIALIZED (
    SELECT id FROM deliveries
    WHERE channel = $1 AND state = 'PENDING' AND due_at <= now()
      AND (claimed_until IS NULL OR claimed_until <= now())
    ORDER BY severity_rank, due_at
    LIMIT $2
    FOR UPDATE SKIP LOCKED
),
claimed AS (
    UPDATE deliveries d
    SET claimed_until = now() + $3::interval, attempts = d.attempts + 1
    FROM due WHERE d.id = due.id
    RETURNING d.id, d.alert, d.step, d.round, d.recipient, d.recipient_name, d.facility, d.channel,
              d.called_at, d.attempts, d.traceparent
),
written AS (
    INSERT INTO delivery_attempts (delivery, number) SELECT c.id, c.attempts FROM claimed c
    ON CONFLICT DO NOTHING
)
SELECT c.*,
       (SELECT count(*)::int FROM delivery_attempts a WHERE a.delivery = c.id AND a.outcome = 'FAILED') AS failed
FROM claimed c

-- end_attempt -- what became of an attempt; the worker that took over after it is not overruled
UPDATE delivery_attempts SET ended_at = now(), outcome = $3, detail = $4
WHERE delivery = $1 AND number = $2 AND ended_at IS NULL

-- end_sent -- true even when the alert was answered while the message was on its way
UPDATE deliveries
SET state = $3, detail = '', reference = $4, claimed_until = NULL,
    sent_at = coalesce(sent_at, now()),
    delivered_at = CASE WHEN $3 IN ('DELIVERED', 'SEEN') THEN now() ELSE delivered_at END,
    seen_at = CASE WHEN $3 = 'SEEN' THEN now() ELSE seen_at END
WHERE id = $1 AND attempts >= $2 AND state IN ('PENDING', 'CANCELLED')

-- end_failed -- due again after a while, or never
UPDATE deliveries
SET state = CASE WHEN $3::float8 IS NULL THEN 'DEAD' ELSE state END, detail = $4, claimed_until = NULL,
    due_at = CASE WHEN $3::float8 IS NULL THEN due_at ELSE now() + $3::float8 * interval '1 second' END
WHERE id = $1 AND attempts = $2 AND state = 'PENDING'

-- end_needless -- the alert was answered before the message was sent
UPDATE deliveries SET state = 'CANCELLED', detail = $3, claimed_until = NULL
WHERE id = $1 AND attempts = $2 AND state = 'PENDING'

-- note_success -- the channel works
INSERT INTO channel_health (channel, last_success_at) VALUES ($1, now())
ON CONFLICT (channel) DO UPDATE SET failures_in_a_row = 0, last_success_at = now()

-- note_failure -- the channel may be silent
INSERT INTO channel_health (channel, failures_in_a_row) VALUES ($1, 1)
ON CONFLICT (channel) DO UPDATE SET failures_in_a_row = channel_health.failures_in_a_row + 1

-- next_due -- when to look again, at the latest after the horizon
SELECT greatest(extract(epoch FROM least(
    (SELECT min(greatest(due_at, coalesce(claimed_until, due_at))) FROM deliveries
     WHERE state = 'PENDING' AND channel = ANY($1::text[])),
    clock_timestamp() + $2::interval
) - clock_timestamp()), 0)::float8

-- health -- how each channel fares, and since when it has had work that it has not done
SELECT c.channel, coalesce(h.failures_in_a_row, 0) AS failures_in_a_row, h.last_success_at, h.silent_since,
       coalesce(h.alarmed, false) AS alarmed, now() AS read_at,
       (SELECT min(d.planned_at) FROM deliveries d
        WHERE d.channel = c.channel AND d.state = 'PENDING') AS waiting_since
FROM unnest($1::text[]) AS c (channel) LEFT JOIN channel_health h ON h.channel = c.channel

-- fall_silent -- an outage begins once, however many processes see it
INSERT INTO channel_health (channel, silent_since) VALUES ($1, now())
ON CONFLICT (channel) DO UPDATE SET silent_since = coalesce(channel_health.silent_since, now())
RETURNING silent_since

-- set_alarmed -- the alert of the outage is written
UPDATE channel_health SET alarmed = true WHERE channel = $1 AND silent_since = $2

-- speak_again -- the outage is over, and its alert settled
UPDATE channel_health SET silent_since = NULL, alarmed = false WHERE channel = $1 AND silent_since = $2

-- deliveries_of -- what a reader of the alert is shown
SELECT id, recipient, channel, step, round, state, detail, reference, called_at, planned_at, sent_at,
       delivered_at, seen_at, acted_at
FROM deliveries WHERE alert = $1 ORDER BY called_at, recipient, channel LIMIT $2

-- attempts_of -- the attempts of those deliveries
SELECT delivery, number, started_at, ended_at, outcome, detail
FROM delivery_attempts WHERE delivery = ANY($1::uuid[]) ORDER BY delivery, number
