-- Popularity, votes and score of every film on a day and its last snapshot of the day in milliseconds, popularity and
-- votes a week before, and votes and score as they were last known on the day or the day before; NaN where TMDB did not
-- show it. The numbers lie packed in popularity_days, behind the instant of their snapshot.
WITH bitShiftLeft(toUInt256(toUnixTimestamp64Milli(toDateTime64({day:Date}, 3, 'UTC')) + 1), 128) AS began
SELECT
    tmdb_id,
    if(d.p0 = 0, nan, reinterpretAsFloat64(toUInt64(d.p0))) AS popularity,
    if(d.seen_at > fromUnixTimestamp64Milli(0, 'UTC'), toFloat64(toUnixTimestamp64Milli(d.seen_at)), nan) AS seen_ms,
    if(d.p7 = 0, nan, reinterpretAsFloat64(toUInt64(d.p7))) AS popularity_before,
    if(d.v01 = 0, nan, toFloat64(toInt64(d.v01))) AS votes_known,
    if(d.v01 < began, nan, votes_known) AS votes,
    if(d.v7 = 0, nan, toFloat64(toInt64(d.v7))) AS votes_before,
    if(d.s01 = 0, nan, reinterpretAsFloat64(toUInt64(d.s01))) AS score_known,
    if(d.s01 < began, nan, score_known) AS score
FROM popularity_days AS d FINAL
WHERE day = {day:Date}
-- One thread: for some ten thousand films, sharing the work out costs more than it saves.
SETTINGS max_threads = 1
