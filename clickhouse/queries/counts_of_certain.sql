-- Certain mentions of films on whole days: of those that are `kept` by the row of a film and day, of `rows` by the mentions
-- of no less than a confidence; of all films where none are given.
SELECT tmdb_id, day, toInt64(certain) AS mentions, toInt64(0) AS submissions, toInt64(0) AS comments
FROM mention_days FINAL
WHERE day IN {kept:Array(Date)} AND (empty({films:Array(Int64)}) OR tmdb_id IN {films:Array(Int64)})
UNION ALL
SELECT
    tmdb_id, toDate(created_at) AS day,
    toInt64(count()) AS mentions,
    toInt64(countIf(kind = 'submission')) AS submissions,
    toInt64(countIf(kind = 'comment')) AS comments
FROM mentions FINAL
PREWHERE toDate(created_at) IN {rows:Array(Date)}
    AND (empty({films:Array(Int64)}) OR tmdb_id IN {films:Array(Int64)})
WHERE confidence >= {least_confidence:Float64}
GROUP BY tmdb_id, day
