-- summarize_clocks -- the figures of a period, from the readings of the facilities that are asked for
SELECT t.pathway, t.key,
       count(*) FILTER (WHERE r.excluded = '' AND r.elapsed_ms IS NOT NULL) AS counted,
       avg(r.elapsed_ms) FILTER (WHERE r.excluded = '') / 1000.0 AS mean_s,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY r.elapsed_ms) FILTER (WHERE r.excluded = '') / 1000.0
           AS median_s,
       count(*) FILTER (WHERE r.excluded = '' AND r.elapsed_ms <= t.target_s * 1000) AS met,
       count(*) FILTER (WHERE r.excluded = '' AND r.elapsed_ms <= t.stretch_s * 1000) AS stretched,
       count(*) FILTER (WHERE r.excluded = '' AND r.elapsed_ms IS NULL) AS running
FROM clock_readings r
JOIN unnest($4::text[], $5::text[], $6::bigint[], $7::bigint[]) AS t (pathway, key, target_s, stretch_s)
  ON r.pathway = t.pathway AND r.key = t.key
WHERE r.started_at >= $1 AND r.started_at < $2 AND ($3::text[] IS NULL OR r.facility = ANY ($3::text[]))
GROUP BY t.pathway, t.key

-- excluded_clocks -- how many were left out of the figures, for each reason
SELECT r.pathway, r.key, r.excluded AS code, count(*) AS excluded
FROM clock_readings r
WHERE r.started_at >= $1 AND r.started_at < $2 AND ($3::text[] IS NULL OR r.facility = ANY ($3::text[]))
  AND r.excluded <> ''
GROUP BY r.pathway, r.key, r.excluded
ORDER BY r.pathway, r.key, r.excluded

-- summarize_shares -- a share's reading has no duration: 0 is done, 1 is not done, null is not known
SELECT t.pathway, t.key,
       count(r.elapsed_ms) AS counted,
       count(*) FILTER (WHERE r.elapsed_ms = 0) AS met,
       count(*) FILTER (WHERE r.elapsed_ms IS NULL) AS unknown
FROM clock_readings r
JOIN unnest($4::text[], $5::text[]) AS t (pathway, key) ON r.pathway = t.pathway AND r.key = t.key
WHERE r.started_at >= $1 AND r.started_at < $2 AND ($3::text[] IS NULL OR r.facility = ANY ($3::text[]))
GROUP BY t.pathway, t.key
