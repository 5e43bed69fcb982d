-- The last popularity and votes known of each day of a range, of the films given; of what was seen by an instant, unless
-- it is 0.
SELECT
    tmdb_id,
    toDate(observed_at) AS day,
    argMax(p.popularity, (observed_at, revision)) AS popularity,
    argMax(p.vote_count, (observed_at, revision)) AS votes
FROM popularity AS p
WHERE tmdb_id IN {films:Array(Int64)}
    AND toDate(observed_at) BETWEEN {first_day:Date} AND {last_day:Date}
    AND ({at_ms:Int64} = 0 OR observed_at <= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC'))
GROUP BY tmdb_id, day
