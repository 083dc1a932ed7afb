-- migrate:up

-- Who patients are, apart from every event: one row for each version, encrypted by the service, whose keys the
-- database never sees. Versions are added and never changed: they are part of the patient's record.
CREATE TABLE patient_identities (
    -- Pseudonym, as in the events.
    patient     text        NOT NULL,
    version     bigint      NOT NULL CHECK (version > 0),
    key_id      text        NOT NULL,
    nonce       bytea       NOT NULL CHECK (length(nonce) = 12),
    ciphertext  bytea       NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by text        NOT NULL,
    facility    text        NOT NULL,
    request_id  uuid        NOT NULL UNIQUE,
    -- Keyed digest of the request: tells the same request from another under its id.
    request_tag bytea       NOT NULL,
    PRIMARY KEY (patient, version)
);

-- Why somebody looked: asked of those who read who a patient is.
ALTER TABLE views ADD COLUMN reason text NOT NULL DEFAULT '';

-- migrate:down

ALTER TABLE views DROP COLUMN reason;
DROP TABLE patient_identities;
