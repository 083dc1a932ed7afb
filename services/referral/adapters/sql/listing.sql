-- list_by_party -- a page of a list: for each party and phase a walk along one index, the latest change first
WITH found AS (
    SELECT DISTINCT ON (l.changed) l.stream_id, l.changed
    FROM unnest($2::text[]) AS p (party)
    CROSS JOIN unnest($3::text[]) AS f (phase)
    CROSS JOIN LATERAL (
        SELECT w.stream_id, w.changed
        FROM listing w
        WHERE w.party = p.party AND w.kind = $1 AND w.phase = f.phase AND w.changed < $4
          AND (cardinality($6::text[]) = 0 OR w.state = ANY ($6::text[]))
          AND ($7 = '' OR w.pathway = $7)
          AND ($8 = '' OR w.urgency = $8)
          AND ($9 = '' OR w.direction = $9)
          AND (NOT $10::boolean OR w.waits)
          AND (NOT $11::boolean OR w.overdue)
          AND ($12::timestamptz IS NULL OR w.created_at >= $12)
          AND ($13::timestamptz IS NULL OR w.created_at < $13)
        ORDER BY w.changed DESC
        LIMIT $5
    ) l
    -- Two facilities of a community take part in the same referral: it is listed once.
    ORDER BY l.changed DESC
    LIMIT $5
)
SELECT s.stream_id, s.kind, s.version, s.head_hash, s.snapshot, s.fold_version, s.changed
FROM found JOIN streams s USING (stream_id)
ORDER BY found.changed DESC

-- list_by_facets -- the same where other facets are asked for, which only the aggregate's own row has
WITH found AS (
    SELECT DISTINCT ON (l.changed) l.stream_id, l.changed
    FROM unnest($2::text[]) AS p (party)
    CROSS JOIN unnest($3::text[]) AS f (phase)
    CROSS JOIN LATERAL (
        SELECT w.stream_id, w.changed
        FROM listing w JOIN streams o ON o.stream_id = w.stream_id
        WHERE w.party = p.party AND w.kind = $1 AND w.phase = f.phase AND w.changed < $4
          AND (cardinality($6::text[]) = 0 OR w.state = ANY ($6::text[]))
          AND ($7 = '' OR w.pathway = $7)
          AND ($8 = '' OR w.urgency = $8)
          AND ($9 = '' OR w.direction = $9)
          AND (NOT $10::boolean OR w.waits)
          AND (NOT $11::boolean OR w.overdue)
          AND ($12::timestamptz IS NULL OR w.created_at >= $12)
          AND ($13::timestamptz IS NULL OR w.created_at < $13)
          AND o.facets @> $14::jsonb
        ORDER BY w.changed DESC
        LIMIT $5
    ) l
    ORDER BY l.changed DESC
    LIMIT $5
)
SELECT s.stream_id, s.kind, s.version, s.head_hash, s.snapshot, s.fold_version, s.changed
FROM found JOIN streams s USING (stream_id)
ORDER BY found.changed DESC

-- list_by_name -- what one patient or one episode has: found by that, for it is little, then filtered
WITH named AS MATERIALIZED (
    SELECT o.stream_id
    FROM streams o
    WHERE $15 <> '' AND o.facets ->> 'patient' = $15 AND ($16 = '' OR o.facets ->> 'episode' = $16)
      AND o.kind = $1 AND o.facets @> $14::jsonb
    UNION ALL
    SELECT o.stream_id
    FROM streams o
    WHERE $15 = '' AND o.facets ->> 'episode' = $16 AND o.kind = $1 AND o.facets @> $14::jsonb
),
found AS (
    SELECT DISTINCT ON (w.changed) w.stream_id, w.changed
    FROM named n JOIN listing w ON w.stream_id = n.stream_id
    WHERE w.party = ANY ($2::text[]) AND w.phase = ANY ($3::text[]) AND w.changed < $4
      AND (cardinality($6::text[]) = 0 OR w.state = ANY ($6::text[]))
      AND ($7 = '' OR w.pathway = $7)
      AND ($8 = '' OR w.urgency = $8)
      AND ($9 = '' OR w.direction = $9)
      AND (NOT $10::boolean OR w.waits)
      AND (NOT $11::boolean OR w.overdue)
      AND ($12::timestamptz IS NULL OR w.created_at >= $12)
      AND ($13::timestamptz IS NULL OR w.created_at < $13)
    ORDER BY w.changed DESC
    LIMIT $5
)
SELECT s.stream_id, s.kind, s.version, s.head_hash, s.snapshot, s.fold_version, s.changed
FROM found JOIN streams s USING (stream_id)
ORDER BY found.changed DESC

-- list_by_creation -- what was created in a few days long ago: found by that, then filtered, then ordered
WITH created AS MATERIALIZED (
    SELECT w.stream_id, w.changed
    FROM listing w
    WHERE w.created_at >= $12 AND w.created_at < $13
      -- Not for the planner: it would walk all that the party ever had, rather than read the pages of these days.
      AND w.party || '' = ANY ($2::text[]) AND w.kind || '' = $1 AND w.phase || '' = ANY ($3::text[])
      AND w.changed + 0 < $4
      AND (cardinality($6::text[]) = 0 OR w.state = ANY ($6::text[]))
      AND ($7 = '' OR w.pathway = $7)
      AND ($8 = '' OR w.urgency = $8)
      AND ($9 = '' OR w.direction = $9)
      AND (NOT $10::boolean OR w.waits)
      AND (NOT $11::boolean OR w.overdue)
),
found AS (
    SELECT DISTINCT ON (c.changed) c.stream_id, c.changed FROM created c ORDER BY c.changed DESC LIMIT $5
)
SELECT s.stream_id, s.kind, s.version, s.head_hash, s.snapshot, s.fold_version, s.changed
FROM found JOIN streams s USING (stream_id)
ORDER BY found.changed DESC
