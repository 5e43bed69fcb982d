-- As history_popularity.sql tells it, of what was seen by an instant: of its day by the snapshots, and of the days before,
-- all of whose snapshots were, as it is now.
WITH fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC') AS then
SELECT
    tmdb_id,
    day,
    if(max(h.popularity) = 0, NULL, reinterpretAsFloat64(toUInt64(max(h.popularity)))) AS popularity,
    if(max(h.vote_count) = 0, NULL, toInt64(max(h.vote_count))) AS votes
FROM popularity_histories AS h
WHERE tmdb_id IN {films:Array(Int64)} AND day BETWEEN {first_day:Date} AND {last_day:Date} AND day < toDate(then)
GROUP BY tmdb_id, day
UNION ALL
SELECT
    tmdb_id,
    toDate(observed_at) AS day,
    argMax(p.popularity, (observed_at, revision)) AS popularity,
    argMax(p.vote_count, (observed_at, revision)) AS votes
FROM popularity AS p
WHERE tmdb_id IN {films:Array(Int64)}
    AND toDate(then) BETWEEN {first_day:Date} AND {last_day:Date}
    AND observed_at BETWEEN toStartOfDay(then) AND then
GROUP BY tmdb_id, day
SETTINGS max_threads = 1
