-- Title and TMDB popularity of the films given, where they are known; of the popularity the last one known at the
-- instant, else the first one after it.
SELECT
    wanted.tmdb_id AS tmdb_id,
    f.title AS title,
    f.release_date AS release_date,
    if(p.snapshots = 0, NULL, p.value) AS popularity,
    if(p.snapshots = 0, NULL, toUnixTimestamp64Milli(p.seen)) AS popularity_at_ms
FROM (SELECT arrayJoin({films:Array(Int64)}) AS tmdb_id) AS wanted
LEFT JOIN
(
    SELECT tmdb_id, title, release_date FROM films FINAL WHERE tmdb_id IN {films:Array(Int64)}
) AS f ON f.tmdb_id = wanted.tmdb_id
LEFT JOIN
(
    SELECT
        tmdb_id,
        count() AS snapshots,
        countIf(known) > 0 AS known_then,
        if(known_then, argMaxIf(shown, observed_at, known), argMin(shown, observed_at)) AS value,
        if(known_then, maxIf(observed_at, known), min(observed_at)) AS seen
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
) AS p ON p.tmdb_id = wanted.tmdb_id
SETTINGS max_threads = 1
