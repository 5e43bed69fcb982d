-- What a day is compared by, of every film: popularity on the day (p0) and one, two, seven and fourteen days before, votes
-- on the day (v0) and one, seven and fourteen days before, and mean vote on the day (s0); NaN where it is unknown. The
-- numbers lie packed in popularity_days. What is not asked for is not read.
SELECT
    tmdb_id,
    if(d.p0 = 0, nan, reinterpretAsFloat64(toUInt64(d.p0))) AS p0,
    if(d.p1 = 0, nan, reinterpretAsFloat64(toUInt64(d.p1))) AS p1,
    if(d.p2 = 0, nan, reinterpretAsFloat64(toUInt64(d.p2))) AS p2,
    if(d.p7 = 0, nan, reinterpretAsFloat64(toUInt64(d.p7))) AS p7,
    if(d.p14 = 0, nan, reinterpretAsFloat64(toUInt64(d.p14))) AS p14,
    if(d.v0 = 0, nan, toFloat64(toInt64(d.v0))) AS v0,
    if(d.v1 = 0, nan, toFloat64(toInt64(d.v1))) AS v1,
    if(d.v7 = 0, nan, toFloat64(toInt64(d.v7))) AS v7,
    if(d.v14 = 0, nan, toFloat64(toInt64(d.v14))) AS v14,
    if(d.s0 = 0, nan, reinterpretAsFloat64(toUInt64(d.s0))) AS s0
FROM popularity_days AS d FINAL
WHERE day = {day:Date}
