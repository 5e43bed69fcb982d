-- Popularity, votes and score of every film on a day, popularity and votes a week before, and votes and score of the day
-- before; NaN where TMDB did not show it. The numbers lie packed in popularity_days.
SELECT
    tmdb_id,
    if(d.p0 = 0, nan, reinterpretAsFloat64(toUInt64(d.p0))) AS popularity,
    if(d.p7 = 0, nan, reinterpretAsFloat64(toUInt64(d.p7))) AS popularity_before,
    if(d.v0 = 0, nan, toFloat64(toInt64(d.v0))) AS votes,
    if(d.v7 = 0, nan, toFloat64(toInt64(d.v7))) AS votes_before,
    if(d.s0 = 0, nan, reinterpretAsFloat64(toUInt64(d.s0))) AS score,
    if(d.v1 = 0, nan, toFloat64(toInt64(d.v1))) AS votes_yesterday,
    if(d.s1 = 0, nan, reinterpretAsFloat64(toUInt64(d.s1))) AS score_yesterday
FROM popularity_days AS d FINAL
WHERE day = {day:Date}
-- One thread: for some ten thousand films, sharing the work out costs more than it saves.
SETTINGS max_threads = 1
