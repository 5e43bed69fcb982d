-- The last popularity and votes known of each day of a range, of the films given.
SELECT
    tmdb_id,
    day,
    if(max(h.popularity) = 0, NULL, reinterpretAsFloat64(toUInt64(max(h.popularity)))) AS popularity,
    if(max(h.vote_count) = 0, NULL, toInt64(max(h.vote_count))) AS votes
FROM popularity_histories AS h
WHERE tmdb_id IN {films:Array(Int64)} AND day BETWEEN {first_day:Date} AND {last_day:Date}
GROUP BY tmdb_id, day
SETTINGS max_threads = 1
