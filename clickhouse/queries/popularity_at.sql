-- TMDB's popularity of the films given: the last one known at the instant, else the first one after it.
SELECT
    tmdb_id,
    countIf(known) > 0 AS known_then,
    if(known_then, argMaxIf(shown, observed_at, known), argMin(shown, observed_at)) AS value,
    toUnixTimestamp64Milli(if(known_then, maxIf(observed_at, known), min(observed_at))) AS observed_at_ms
FROM
(
    SELECT
        tmdb_id,
        assumeNotNull(popularity) AS shown,
        observed_at,
        observed_at <= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC') AS known
    FROM popularity
    WHERE tmdb_id IN {films:Array(Int64)} AND popularity IS NOT NULL
)
GROUP BY tmdb_id
