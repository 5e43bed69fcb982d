-- As counts_of_certain.sql tells it, of the films given.
SELECT tmdb_id, day, toInt64(certain) AS mentions, toInt64(0) AS submissions, toInt64(0) AS comments
FROM film_mention_days FINAL
WHERE tmdb_id IN {films:Array(Int64)} AND day IN {kept:Array(Date)}
UNION ALL
SELECT
    tmdb_id, toDate(created_at) AS day,
    toInt64(count()) AS mentions,
    toInt64(countIf(kind = 'submission')) AS submissions,
    toInt64(countIf(kind = 'comment')) AS comments
FROM mentions FINAL
PREWHERE toDate(created_at) IN {rows:Array(Date)} AND tmdb_id IN {films:Array(Int64)}
WHERE confidence >= {least_confidence:Float64}
GROUP BY tmdb_id, day
