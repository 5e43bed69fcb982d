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
    SELECT
        tmdb_id,
        arrayFilter(x -> isNotNull(x), [
            -- The latest week ends on the day itself, as the coefficient of the day does.
            60 * (v0 - v7) / greatest(v7, 1) + 40 * (p0 - p7) / greatest(p7, 1.),
            60 * (v7 - v14) / greatest(v14, 1) + 40 * (p7 - p14) / greatest(p14, 1.),
            60 * (v14 - v21) / greatest(v21, 1) + 40 * (p14 - p21) / greatest(p21, 1.),
            60 * (v21 - v28) / greatest(v28, 1) + 40 * (p21 - p28) / greatest(p28, 1.),
            60 * (v28 - v35) / greatest(v35, 1) + 40 * (p28 - p35) / greatest(p35, 1.)
        ]) AS known,
        arrayMax(arrayMap(x -> assumeNotNull(x), known)) AS greatest_coefficient
    FROM
    (
        SELECT
            tmdb_id,
            anyIf(value, ago = 0) AS p0,
            coalesce(anyIf(value, ago = 7), anyIf(value, ago = 8)) AS p7,
            coalesce(anyIf(value, ago = 14), anyIf(value, ago = 15)) AS p14,
            coalesce(anyIf(value, ago = 21), anyIf(value, ago = 22)) AS p21,
            coalesce(anyIf(value, ago = 28), anyIf(value, ago = 29)) AS p28,
            coalesce(anyIf(value, ago = 35), anyIf(value, ago = 36)) AS p35,
            anyIf(cast_votes, ago = 0) AS v0,
            coalesce(anyIf(cast_votes, ago = 7), anyIf(cast_votes, ago = 8)) AS v7,
            coalesce(anyIf(cast_votes, ago = 14), anyIf(cast_votes, ago = 15)) AS v14,
            coalesce(anyIf(cast_votes, ago = 21), anyIf(cast_votes, ago = 22)) AS v21,
            coalesce(anyIf(cast_votes, ago = 28), anyIf(cast_votes, ago = 29)) AS v28,
            coalesce(anyIf(cast_votes, ago = 35), anyIf(cast_votes, ago = 36)) AS v35
        FROM
        (
            SELECT
                tmdb_id,
                {day:Date} - day AS ago,
                finalizeAggregation(d.popularity) AS value,
                finalizeAggregation(d.vote_count) AS cast_votes
            FROM popularity_days AS d FINAL
            WHERE day IN ({day:Date}, {day:Date} - 7, {day:Date} - 8, {day:Date} - 14, {day:Date} - 15,
                {day:Date} - 21, {day:Date} - 22, {day:Date} - 28, {day:Date} - 29,
                {day:Date} - 35, {day:Date} - 36)
        )
        GROUP BY tmdb_id
    )
    WHERE notEmpty(known)
) AS p
INNER JOIN (SELECT tmdb_id, arrayMap(g -> toString(g), genres) AS genres FROM films FINAL) AS f USING tmdb_id
GROUP BY group
ORDER BY group
-- One thread: for some ten thousand films, sharing the work out costs more than it saves.
SETTINGS max_threads = 1
