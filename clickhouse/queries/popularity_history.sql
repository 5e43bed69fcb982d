-- What was seen of films up to a day: of the last 21 days the last popularity and votes known, each with how many days
-- ago that was, the day's mean vote, the first day, the highest popularity with the first day that had it, and when they
-- were seen last. What was not seen is left out.
SELECT
    tmdb_id,
    max(seen) AS seen_at,
    groupArrayIf((ago, reinterpretAsFloat64(toUInt64(value))), ago <= 20 AND value > 0) AS popularity,
    groupArrayIf((ago, toInt64(cast_votes)), ago <= 20 AND cast_votes > 0) AS votes,
    groupArrayIf(reinterpretAsFloat64(toUInt64(mean_vote)), ago = 0 AND mean_vote > 0) AS score,
    minOrNullIf(seen_day, value > 0) AS first_day,
    minIf((-assumeNotNull(highest), seen_day), isNotNull(highest)) AS peak
FROM
(
    SELECT
        h.tmdb_id AS tmdb_id,
        h.day AS seen_day,
        toUInt16({day:Date} - h.day) AS ago,
        max(h.popularity) AS value,
        max(h.vote_count) AS cast_votes,
        max(h.vote_average) AS mean_vote,
        max(h.peak) AS highest,
        max(h.seen_at) AS seen
    FROM popularity_histories AS h
    WHERE h.tmdb_id IN {films:Array(Int64)} AND h.day <= {day:Date}
    GROUP BY h.tmdb_id, h.day
)
GROUP BY tmdb_id
-- One thread: for some ten thousand films, sharing the work out costs more than it saves.
SETTINGS max_threads = 1
