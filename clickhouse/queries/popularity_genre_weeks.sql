-- Share of each genre's films that were viral, by the coefficient, in one of the weeks that end within 30 days: those
-- that end on the day and 7, 14, 21 and 28 days before. A week's ends may be a day earlier where that day is missing.
-- Films without a week that is known are not counted.
SELECT
    arrayJoin(f.genres) AS group,
    count() AS films_30d,
    countIf(greatest_coefficient >= 60) AS viral_30d,
    100 * viral_30d / films_30d AS viral_percent_30d
FROM
(
    WITH
        arrayMap(k -> (values[k], values[k + 1]), [0, 7, 14, 21, 28, 35]) AS pairs,
        arrayMap(x -> coalesce(x.1, x.2), pairs) AS p,
        arrayMap(x -> coalesce(x.1, x.2), arrayMap(k -> (voted[k], voted[k + 1]), [0, 7, 14, 21, 28, 35])) AS v
    SELECT
        tmdb_id,
        mapFromArrays(groupArray(ago) AS days, groupArray(tuple(value)).1) AS values,
        mapFromArrays(days, groupArray(tuple(cast_votes)).1) AS voted,
        -- The latest week ends on the day itself, as the coefficient of the day does.
        arrayMap(k -> 60 * (if(k = 1, voted[0], v[k]) - v[k + 1]) / greatest(v[k + 1], 1)
            + 40 * (if(k = 1, values[0], p[k]) - p[k + 1]) / greatest(p[k + 1], 1.), range(1, 6)) AS coefficients,
        arrayFilter(x -> isNotNull(x), coefficients) AS known,
        arrayMax(arrayMap(x -> assumeNotNull(x), known)) AS greatest_coefficient
    FROM
    (
        SELECT
            tmdb_id,
            toUInt8({day:Date} - day) AS ago,
            finalizeAggregation(d.popularity) AS value,
            finalizeAggregation(d.vote_count) AS cast_votes
        FROM popularity_days AS d FINAL
        WHERE day BETWEEN {day:Date} - 36 AND {day:Date} AND modulo({day:Date} - day, 7) IN (0, 1)
    )
    GROUP BY tmdb_id
    HAVING notEmpty(known)
) AS p
INNER JOIN (SELECT tmdb_id, arrayMap(g -> toString(g), genres) AS genres FROM films FINAL) AS f USING tmdb_id
GROUP BY group
ORDER BY group
