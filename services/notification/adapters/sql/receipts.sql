-- claim_receipts -- messages that a vendor took and has not been heard of since; when to ask next is written down before it is asked, so a process that dies in between asks again, later. After an outage each is asked for once, not once for every time that was missed; what is older than a day is left alone
WITH due AS MATERIALIZED (
    SELECT id FROM deliveries
    WHERE channel = ANY($1::text[]) AND state = 'SENT' AND sent_at > now() - interval '1 day'
      AND receipts_asked < cardinality($3::interval[])
      AND sent_at + ($3::interval[])[receipts_asked + 1] <= now()
    ORDER BY sent_at
    LIMIT $2
    FOR UPDATE SKIP LOCKED
)
UPDATE deliveries d
SET receipts_asked = (SELECT count(*) FROM unnest($3::interval[]) AS delay WHERE d.sent_at + delay <= now())
FROM due WHERE d.id = due.id
RETURNING d.id, d.alert, d.recipient, d.channel, d.reference, d.sent_at, d.receipts_asked AS asked

-- note_receipt -- the vendor says how far it came; what led its recipient to act stays so
UPDATE deliveries
SET state = CASE WHEN state = 'ACTED' THEN state ELSE $2 END,
    delivered_at = coalesce(delivered_at, now()),
    seen_at = CASE WHEN $2 = 'SEEN' THEN coalesce(seen_at, now()) ELSE seen_at END
WHERE id = $1 AND state IN ('SENT', 'ACTED')

-- end_undelivered -- the vendor gave it up: it reached nobody
UPDATE deliveries SET state = 'DEAD', detail = $2 WHERE id = $1 AND state = 'SENT'
