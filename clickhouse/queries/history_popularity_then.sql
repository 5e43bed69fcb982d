-- As history_popularity.sql tells it, of what was seen by an instant.
SELECT
    tmdb_id,
    toDate(observed_at) AS day,
    argMax(p.popularity, (observed_at, revision)) AS popularity,
    argMax(p.vote_count, (observed_at, revision)) AS votes
FROM popularity AS p
WHERE tmdb_id IN {films:Array(Int64)}
    AND toDate(observed_at) BETWEEN {first_day:Date} AND {last_day:Date}
    AND observed_at <= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC')
GROUP BY tmdb_id, day
