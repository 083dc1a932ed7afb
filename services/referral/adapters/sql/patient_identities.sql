-- latest_identity -- what is known of a patient now
SELECT patient, version, key_id, nonce, ciphertext, recorded_at, recorded_by, facility, request_id, request_tag
FROM patient_identities
WHERE patient = $1
ORDER BY version DESC
LIMIT 1

-- registrars_of_patient -- facilities that recorded a version: they know the patient
SELECT DISTINCT facility
FROM patient_identities
WHERE patient = $1

-- identity_of_request -- what a request recorded, for the caller who asks it again
SELECT patient, version, key_id, nonce, ciphertext, recorded_at, recorded_by, facility, request_id, request_tag
FROM patient_identities
WHERE request_id = $1::text::uuid

-- add_identity -- the next version; nothing when another has it, or the request was carried out before
INSERT INTO patient_identities (patient, version, key_id, nonce, ciphertext, recorded_at, recorded_by, facility,
                                request_id, request_tag)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::uuid, $10)
ON CONFLICT DO NOTHING
RETURNING version
