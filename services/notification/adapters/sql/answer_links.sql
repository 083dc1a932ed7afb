-- keep_link -- a message that is sent again carries the link that it had
INSERT INTO answer_links (nonce, delivery, alert, recipient, recipient_name, facility, actions, language, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (delivery) DO UPDATE SET delivery = excluded.delivery
RETURNING nonce, delivery, alert, recipient, recipient_name, facility, actions, language, expires_at, used_at,
          used_action, used_reason

-- find_link -- by the part of its code that is no digest
SELECT nonce, delivery, alert, recipient, recipient_name, facility, actions, language, expires_at, used_at,
       used_action, used_reason
FROM answer_links WHERE nonce = $1

-- use_link -- of two that use it at once, one does; the message that carried it came to its recipient, whatever the channel said
WITH used AS (
    UPDATE answer_links SET used_at = $2, used_action = $3, used_reason = $4
    WHERE nonce = $1 AND used_at IS NULL
    RETURNING used_at, delivery
),
acted AS (
    UPDATE deliveries d SET state = 'ACTED', acted_at = $2, claimed_until = NULL
    FROM used WHERE d.id = used.delivery
)
SELECT used_at FROM used
