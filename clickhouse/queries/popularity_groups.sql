-- The films seen on a day, in groups: by cohort (their age on the day), by genre, or the viral ones against the rest. A
-- film counts fully in each of its genres. A group named null is of films of which it is not known where they belong.
SELECT
    arrayJoin(multiIf(
        {by:String} = 'genre', arrayMap(g -> toNullable(g), genres),
        {by:String} = 'cohort', [cohort],
        [multiIf(viral_coefficient >= 40, 'viral', isNotNull(viral_coefficient), 'rest', NULL)])) AS group,
    count() AS films,
    count(viral_score) AS scored,
    countIf(viral_score_category IN ('Extremely Viral', 'Highly Viral')) AS viral,
    if(scored = 0, NULL, 100 * viral / scored) AS viral_percent,
    avgOrNull(popularity) AS mean_popularity,
    avgOrNull(wow_percent) AS mean_wow_percent,
    avgOrNull(vote_velocity) AS mean_vote_velocity,
    avgOrNull(viral_score) AS mean_viral_score,
    avgOrNull(votes) AS mean_votes,
    avgOrNull(score) AS mean_score,
    avgOrNull(if(age_days >= 0, age_days, NULL)) AS mean_age_days
FROM
(
    SELECT
        p.*,
        arrayMap(g -> toString(g), f.genres) AS genres,
        -- A text that is no day of the calendar is unknown: a thirtieth of February would be read as the second of March.
        toDate32OrNull(f.release_date) AS read_date,
        if(toString(read_date) = f.release_date, dateDiff('day', read_date, {day:Date}), NULL) AS age_days,
        multiIf(age_days < 0, 'Upcoming', age_days <= 30, 'New', age_days <= 90, 'Recent',
                age_days <= 180, 'Established', age_days > 180, 'Catalog', NULL) AS cohort
    FROM popularity_on(day = {day:Date}) AS p
    LEFT JOIN (SELECT tmdb_id, release_date, genres FROM films FINAL) AS f USING tmdb_id
    WHERE isNotNull(p.popularity)
)
GROUP BY group
ORDER BY group NULLS LAST
-- One thread: for some ten thousand films, sharing the work out costs more than it saves.
SETTINGS max_threads = 1
