-- migrate:up

-- What was created in a few days long ago: a walk from the latest change passes everything since. Rows lie in the
-- heap about as they came, so a summary of every 32 pages finds them; it costs a command nothing that was measurable,
-- where another tree would be written by each.
CREATE INDEX listing_by_creation ON listing USING brin (created_at)
    WITH (pages_per_range = 32, autosummarize = on);

-- migrate:down

DROP INDEX listing_by_creation;
