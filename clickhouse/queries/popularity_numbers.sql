-- What the orders of popularity_orders.py compare, of every film of a day: popularity on the day (p0) and one, two, seven
-- and fourteen days before, votes on the day (v0) and seven and fourteen days before; NaN where it is unknown. The numbers
-- lie packed in popularity_days.
SELECT
    tmdb_id,
    if(max(d.p0) = 0, nan, reinterpretAsFloat64(toUInt64(max(d.p0)))) AS p0,
    if(max(d.p1) = 0, nan, reinterpretAsFloat64(toUInt64(max(d.p1)))) AS p1,
    if(max(d.p2) = 0, nan, reinterpretAsFloat64(toUInt64(max(d.p2)))) AS p2,
    if(max(d.p7) = 0, nan, reinterpretAsFloat64(toUInt64(max(d.p7)))) AS p7,
    if(max(d.p14) = 0, nan, reinterpretAsFloat64(toUInt64(max(d.p14)))) AS p14,
    if(max(d.v0) = 0, nan, toFloat64(toInt64(max(d.v0)))) AS v0,
    if(max(d.v7) = 0, nan, toFloat64(toInt64(max(d.v7)))) AS v7,
    if(max(d.v14) = 0, nan, toFloat64(toInt64(max(d.v14)))) AS v14
FROM popularity_days AS d
WHERE day = {day:Date}
GROUP BY tmdb_id
-- One thread: for some ten thousand films, sharing the work out costs more than it saves.
SETTINGS max_threads = 1
