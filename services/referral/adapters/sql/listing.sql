-- list_by_party -- a page of a list: for each party and phase a walk along one index, the latest change first
WITH found AS (
    SELECT DISTINCT ON (l.changed) l.stream_id, l.changed
    FROM unnest($2::text[]) AS p (party)
    CROSS JOIN unnest($3::text[]) AS f (phase)
    CROSS JOIN LATERAL (
        SELECT w.stream_id, w.changed
        FROM listing w
        WHERE w.party = p.party AND w.kind = $1 AND w.phase = f.phase AND w.changed < $11
          AND (cardinality($5::text[]) = 0 OR w.state = ANY ($5::text[]))
          AND ($6 = '' OR w.pathway = $6)
          AND ($7 = '' OR w.urgency = $7)
          AND ($8 = '' OR w.direction = $8)
          AND (NOT $9::boolean OR w.waits)
          AND (NOT $10::boolean OR w.overdue)
        ORDER BY w.changed DESC
        LIMIT $4
    ) l
    -- Two facilities of a community take part in the same referral: it is listed once.
    ORDER BY l.changed DESC
    LIMIT $4
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
        WHERE w.party = p.party AND w.kind = $1 AND w.phase = f.phase AND w.changed < $12
          AND (cardinality($5::text[]) = 0 OR w.state = ANY ($5::text[]))
          AND ($6 = '' OR w.pathway = $6)
          AND ($7 = '' OR w.urgency = $7)
          AND ($8 = '' OR w.direction = $8)
          AND (NOT $9::boolean OR w.waits)
          AND (NOT $10::boolean OR w.overdue)
          AND o.facets @> $11::jsonb
        ORDER BY w.changed DESC
        LIMIT $4
    ) l
    ORDER BY l.changed DESC
    LIMIT $4
)
SELECT s.stream_id, s.kind, s.version, s.head_hash, s.snapshot, s.fold_version, s.changed
FROM found JOIN streams s USING (stream_id)
ORDER BY found.changed DESC

-- list_by_creation -- where times of creation are asked for: the same walk along another index, the latest created first
WITH found AS (
    SELECT DISTINCT l.created_at, l.stream_id
    FROM unnest($2::text[]) AS p (party)
    CROSS JOIN unnest($3::text[]) AS f (phase)
    CROSS JOIN LATERAL (
        SELECT w.created_at, w.stream_id
        FROM listing w
        WHERE w.party = p.party AND w.kind = $1 AND w.phase = f.phase
          AND w.created_at >= coalesce($12::timestamptz, '-infinity')
          -- One bound alone: of two PostgreSQL would begin at the one, and read on to the other.
          AND (w.created_at, w.stream_id) < (coalesce($13::timestamptz, 'infinity'), $14)
          AND (cardinality($5::text[]) = 0 OR w.state = ANY ($5::text[]))
          AND ($6 = '' OR w.pathway = $6)
          AND ($7 = '' OR w.urgency = $7)
          AND ($8 = '' OR w.direction = $8)
          AND (NOT $9::boolean OR w.waits)
          AND (NOT $10::boolean OR w.overdue)
          -- Other facets only the aggregate's own row has.
          AND ($11 = '{}' OR EXISTS (
              SELECT FROM streams o WHERE o.stream_id = w.stream_id AND o.facets @> $11::jsonb
          ))
        ORDER BY w.created_at DESC, w.stream_id DESC
        LIMIT $4
    ) l
    ORDER BY l.created_at DESC, l.stream_id DESC
    LIMIT $4
)
SELECT s.stream_id, s.kind, s.version, s.head_hash, s.snapshot, s.fold_version, s.changed, found.created_at
FROM found JOIN streams s USING (stream_id)
ORDER BY found.created_at DESC, found.stream_id DESC

-- list_by_name -- what one patient or one episode has: found by that, for it is little, then filtered
WITH named AS MATERIALIZED (
    SELECT o.stream_id
    FROM streams o
    WHERE $16 <> '' AND o.facets ->> 'patient' = $16 AND ($17 = '' OR o.facets ->> 'episode' = $17)
      AND o.kind = $1 AND o.facets @> $11::jsonb
    UNION ALL
    SELECT o.stream_id
    FROM streams o
    WHERE $16 = '' AND o.facets ->> 'episode' = $17 AND o.kind = $1 AND o.facets @> $11::jsonb
),
of_parties AS (
    SELECT DISTINCT w.created_at, w.stream_id, w.changed
    FROM named n JOIN listing w ON w.stream_id = n.stream_id
    WHERE w.party = ANY ($2::text[]) AND w.phase = ANY ($3::text[])
      AND ($18::boolean OR w.changed < $12)
      AND w.created_at >= coalesce($13::timestamptz, '-infinity')
      AND (w.created_at, w.stream_id) < (coalesce($14::timestamptz, 'infinity'), $15)
      AND (cardinality($5::text[]) = 0 OR w.state = ANY ($5::text[]))
      AND ($6 = '' OR w.pathway = $6)
      AND ($7 = '' OR w.urgency = $7)
      AND ($8 = '' OR w.direction = $8)
      AND (NOT $9::boolean OR w.waits)
      AND (NOT $10::boolean OR w.overdue)
),
found AS (
    SELECT o.created_at, o.stream_id, o.changed
    FROM of_parties o
    ORDER BY CASE WHEN $18::boolean THEN o.created_at END DESC, CASE WHEN $18::boolean THEN o.stream_id END DESC,
             o.changed DESC
    LIMIT $4
)
SELECT s.stream_id, s.kind, s.version, s.head_hash, s.snapshot, s.fold_version, s.changed, found.created_at
FROM found JOIN streams s USING (stream_id)
ORDER BY CASE WHEN $18::boolean THEN found.created_at END DESC,
         CASE WHEN $18::boolean THEN found.stream_id END DESC, found.changed DESC
