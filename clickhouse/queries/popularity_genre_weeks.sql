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
        -- The lowest of all where a number is unknown.
        arrayMax(arrayMap((v, w, p, q) -> ifNull(60 * (v - w) / greatest(w, 1) + 40 * (p - q) / greatest(q, 1.), -inf),
                arrayPopBack(vs), arrayPopFront(vs), arrayPopBack(ps), arrayPopFront(ps))) AS greatest_coefficient
    FROM
    (
        -- The numbers of 0, 7, 14, 21, 28 and 35 days ago: the latter three are 0, 7 and 14 days before another day.
        SELECT
            tmdb_id,
            [anyIf(p0, is_day), anyIf(p7, is_day), anyIf(p14, is_day),
             anyIf(p0_near, NOT is_day), anyIf(p7, NOT is_day), anyIf(p14, NOT is_day)] AS ps,
            [anyIf(v0, is_day), anyIf(v7, is_day), anyIf(v14, is_day),
             anyIf(v0_near, NOT is_day), anyIf(v7, NOT is_day), anyIf(v14, NOT is_day)] AS vs
        FROM
        (
            SELECT
                tmdb_id, day = {day:Date} AS is_day,
                if(max(d.p0) = 0, NULL, reinterpretAsFloat64(toUInt64(max(d.p0)))) AS p0,
                if(max(d.p7) = 0, NULL, reinterpretAsFloat64(toUInt64(max(d.p7)))) AS p7,
                if(max(d.p14) = 0, NULL, reinterpretAsFloat64(toUInt64(max(d.p14)))) AS p14,
                if(max(d.v0) = 0, NULL, toInt64(max(d.v0))) AS v0,
                if(max(d.v7) = 0, NULL, toInt64(max(d.v7))) AS v7,
                if(max(d.v14) = 0, NULL, toInt64(max(d.v14))) AS v14,
                if(max(d.p0) > 0 OR max(d.p1) = 0, p0, reinterpretAsFloat64(toUInt64(max(d.p1)))) AS p0_near,
                if(max(d.v0) > 0 OR max(d.v1) = 0, v0, toInt64(max(d.v1))) AS v0_near
            FROM popularity_days AS d
            WHERE day IN ({day:Date}, {day:Date} - 21)
            GROUP BY tmdb_id, day
        )
        GROUP BY tmdb_id
    )
) AS p
INNER JOIN (SELECT tmdb_id, arrayMap(g -> toString(g), genres) AS genres FROM films FINAL) AS f USING tmdb_id
WHERE p.greatest_coefficient > -inf
GROUP BY group
ORDER BY group
-- One thread: for some ten thousand films, sharing the work out costs more than it saves.
SETTINGS max_threads = 1
