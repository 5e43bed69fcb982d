-- Popularity of every film on a day and a week before, votes a week before, and votes and mean vote as they were last
-- known on the day or the day before, and whether that was on the day; NaN where TMDB did not show it. And the last
-- snapshot of the day in milliseconds, 0 without one. The numbers lie packed in popularity_days, behind their instants.
WITH bitShiftLeft(toUInt256(toUnixTimestamp64Milli(toDateTime64({day:Date}, 3, 'UTC')) + 1), 128) AS began
SELECT
    tmdb_id,
    if(d.p0 = 0, nan, reinterpretAsFloat64(toUInt64(d.p0))) AS popularity,
    toUnixTimestamp64Milli(d.seen_at) AS seen_ms,
    if(d.p7 = 0, nan, reinterpretAsFloat64(toUInt64(d.p7))) AS popularity_before,
    if(d.v01 = 0, nan, toFloat64(toInt64(d.v01))) AS votes_known,
    d.v01 >= began AS is_voted,
    if(d.v7 = 0, nan, toFloat64(toInt64(d.v7))) AS votes_before,
    if(d.s01 = 0, nan, reinterpretAsFloat64(toUInt64(d.s01))) AS score_known,
    d.s01 >= began AS is_scored
FROM popularity_days AS d FINAL
WHERE day = {day:Date}
-- One thread: for some ten thousand films, sharing the work out costs more than it saves.
SETTINGS max_threads = 1
