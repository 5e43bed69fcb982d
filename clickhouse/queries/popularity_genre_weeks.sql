-- Share of each genre's films that were viral, by the coefficient, in one of the weeks that end within 30 days: those
-- that end on the day and 7, 14, 21 and 28 days before. A week's ends may be a day earlier where that day is missing,
-- but for the day itself. Films without a week that is known are not counted.
SELECT
    arrayJoin(f.genres) AS group,
    count() AS films_30d,
    countIf(p.greatest_coefficient >= 60) AS viral_30d,
    100 * viral_30d / films_30d AS viral_percent_30d
FROM
(
    SELECT
        tmdb_id,
        arrayMap(n -> if(n = 0, NULL, reinterpretAsFloat64(toUInt64(n))), packed_ps) AS ps,
        arrayMap(n -> if(n = 0, NULL, toInt64(n)), packed_vs) AS vs,
        -- The lowest of all where a number is unknown.
        arrayMax(arrayMap((v, w, p, q) -> ifNull(60 * (v - w) / greatest(w, 1) + 40 * (p - q) / greatest(q, 1.), -inf),
                arrayPopBack(vs), arrayPopFront(vs), arrayPopBack(ps), arrayPopFront(ps))) AS greatest_coefficient
    FROM
    (
        -- The numbers of 0, 7, 14, 21, 28 and 35 days ago: the latter three are 0, 7 and 14 days before another day.
        SELECT
            tmdb_id,
            [maxIf(d.p0, is_day), maxIf(d.p7, is_day), maxIf(d.p14, is_day),
             if(maxIf(d.p0, NOT is_day) > 0, maxIf(d.p0, NOT is_day), maxIf(d.p1, NOT is_day)),
             maxIf(d.p7, NOT is_day), maxIf(d.p14, NOT is_day)] AS packed_ps,
            [maxIf(d.v0, is_day), maxIf(d.v7, is_day), maxIf(d.v14, is_day),
             if(maxIf(d.v0, NOT is_day) > 0, maxIf(d.v0, NOT is_day), maxIf(d.v1, NOT is_day)),
             maxIf(d.v7, NOT is_day), maxIf(d.v14, NOT is_day)] AS packed_vs
        FROM (SELECT *, day = {day:Date} AS is_day FROM popularity_days WHERE day IN ({day:Date}, {day:Date} - 21)) AS d
        GROUP BY tmdb_id
    )
) AS p
INNER JOIN (SELECT tmdb_id, arrayMap(g -> toString(g), genres) AS genres FROM films FINAL) AS f USING tmdb_id
WHERE p.greatest_coefficient > -inf
GROUP BY group
ORDER BY group
-- One thread: for some ten thousand films, sharing the work out costs more than it saves.
SETTINGS max_threads = 1
