-- Certain mentions of all films on whole days: of those that are `kept` by the row of a film and day, of `rows` by the
-- mentions of no less than a confidence.
SELECT tmdb_id, day, toInt64(certain) AS mentions, toInt64(0) AS submissions, toInt64(0) AS comments
FROM mention_days FINAL
WHERE day IN {kept:Array(Date)}
UNION ALL
SELECT
    tmdb_id, toDate(created_at) AS day,
    toInt64(count()) AS mentions,
    toInt64(countIf(kind = 'submission')) AS submissions,
    toInt64(countIf(kind = 'comment')) AS comments
FROM mentions FINAL
PREWHERE toDate(created_at) IN {rows:Array(Date)}
WHERE confidence >= {least_confidence:Float64}
GROUP BY tmdb_id, day
