-- migrate:up

-- A link in a message that answers its alert. Whoever reads this table cannot make a link of it: its code carries a
-- keyed digest as well, and the key is not here.
CREATE TABLE answer_links (
    nonce bytea PRIMARY KEY,
    delivery uuid NOT NULL UNIQUE,
    alert text NOT NULL,
    recipient text NOT NULL,
    recipient_name text NOT NULL,
    -- for which the recipient answers
    facility text NOT NULL,
    actions text[] NOT NULL,
    language text NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    used_action text NOT NULL DEFAULT '',
    used_reason text NOT NULL DEFAULT ''
);

-- migrate:down
DROP TABLE answer_links;
