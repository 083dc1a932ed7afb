-- migrate:up

-- A list of what was created at some time is ordered by creation, and ends with its page however long ago that is. A
-- summary of pages (0161) found only few days soon, and the walk by change passed all that came later.
CREATE INDEX listing_walked_by_creation ON listing (party, kind, phase, created_at DESC, stream_id DESC)
    INCLUDE (state, pathway, urgency, direction, waits, overdue);
DROP INDEX listing_by_creation;

-- migrate:down

DROP INDEX listing_walked_by_creation;
CREATE INDEX listing_by_creation ON listing USING brin (created_at)
    WITH (pages_per_range = 32, autosummarize = on);
