-- The films seen on a day, in groups: by cohort (their age on the day), by genre, or the viral ones against the rest. A
-- film counts fully in each of its genres. A group named null is of films of which it is not known where they belong.
SELECT
    arrayJoin(multiIf(
        {by:String} = 'genre', arrayMap(g -> toNullable(toString(g)), genres),
        {by:String} = 'cohort', [multiIf(age_days < 0, 'Upcoming', age_days <= 30, 'New', age_days <= 90, 'Recent',
            age_days <= 180, 'Established', age_days > 180, 'Catalog', NULL)],
        [multiIf(coefficient >= 40, 'viral', isNotNull(coefficient), 'rest', NULL)])) AS group,
    count() AS films,
    count(viral_score) AS scored,
    countIf(viral_score >= 60 AND vote_velocity >= 50) AS viral,
    if(scored = 0, NULL, 100 * viral / scored) AS viral_percent,
    avgOrNull(p0) AS mean_popularity,
    avgOrNull(wow_percent) AS mean_wow_percent,
    avgOrNull(vote_velocity) AS mean_vote_velocity,
    avgOrNull(viral_score) AS mean_viral_score,
    avgOrNull(v0) AS mean_votes,
    avgOrNull(s0) AS mean_score,
    avgOrNullIf(age_days, age_days >= 0) AS mean_age_days
FROM
(
    SELECT
        p.p0 AS p0, p.v0 AS v0, p.s0 AS s0, p.wow_percent AS wow_percent, p.vote_velocity AS vote_velocity,
        p.coefficient AS coefficient, p.viral_score AS viral_score, f.genres AS genres, f.age_days AS age_days
    FROM
    (
        SELECT
            tmdb_id, p0, v0, s0, coefficient, wow_percent, vote_velocity,
            -- The share of the others that are lower. Null sorts behind all that is known.
            if(isNull(votes_growth) OR isNull(popularity_growth), NULL,
                60 * ((votes_growth_place - 1) / greatest(votes_growths - 1, 1))
                + 40 * ((popularity_growth_place - 1) / greatest(popularity_growths - 1, 1))) AS viral_score
        FROM
        (
            SELECT
                *,
                rank() OVER (ORDER BY votes_growth NULLS LAST) AS votes_growth_place,
                rank() OVER (ORDER BY popularity_growth NULLS LAST) AS popularity_growth_place,
                count(votes_growth) OVER () AS votes_growths,
                count(popularity_growth) OVER () AS popularity_growths
            FROM
            (
                SELECT
                    tmdb_id, p0, v0, s0,
                    if(p7 > 0, 100 * (p0 - p7) / p7, NULL) AS wow_percent,
                    (v0 - v7) / 7 AS vote_velocity,
                    60 * (v0 - v7) / greatest(v7, 1) + 40 * (p0 - p7) / greatest(p7, 1.) AS coefficient,
                    (v0 - v7) / (v7 + 50) AS votes_growth,
                    log((p0 + 1) / (p7 + 1)) AS popularity_growth
                FROM
                (
                    SELECT
                        tmdb_id,
                        if(max(d.p0) = 0, NULL, reinterpretAsFloat64(toUInt64(max(d.p0)))) AS p0,
                        if(max(d.p7) = 0, NULL, reinterpretAsFloat64(toUInt64(max(d.p7)))) AS p7,
                        if(max(d.v0) = 0, NULL, toInt64(max(d.v0))) AS v0,
                        if(max(d.v7) = 0, NULL, toInt64(max(d.v7))) AS v7,
                        if(max(d.s0) = 0, NULL, reinterpretAsFloat64(toUInt64(max(d.s0)))) AS s0
                    FROM popularity_days AS d
                    WHERE day = {day:Date}
                    GROUP BY tmdb_id
                )
            )
        )
        WHERE isNotNull(p0)
    ) AS p
    LEFT JOIN
    (
        SELECT
            tmdb_id, genres,
            -- A text that is no day of the calendar is unknown: a thirtieth of February would be read as the second of
            -- March.
            if(toString(read_date) = release_date, dateDiff('day', read_date, {day:Date}), NULL) AS age_days
        FROM (SELECT tmdb_id, genres, release_date, toDate32OrNull(release_date) AS read_date FROM films FINAL)
    ) AS f USING tmdb_id
)
GROUP BY group
ORDER BY group NULLS LAST
-- One thread: for some ten thousand films, sharing the work out costs more than it saves.
SETTINGS max_threads = 1
