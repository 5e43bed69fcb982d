-- What films' earlier days say of them on one day: means, weeks, momentum, trend of votes, peak; docs/metrics.md has the
-- formulas. A film's number of a day is the last one seen of it then, and what was not seen is null.
WITH (past, now) -> if(past > 0, 100 * (now - past) / past, NULL) AS percent
SELECT
    tmdb_id, seen_at, s0 AS score,
    p0 - p1 AS dod,
    percent(p1, p0) AS dod_percent,
    if(length(week) >= 4, arrayAvg(week), NULL) AS mean_7d,
    p0 - mean_7d AS deviation_7d,
    if(length(week) >= 4, sqrt(arraySum(x -> pow(x - arrayAvg(week), 2), week) / (length(week) - 1)), NULL)
        AS volatility_7d,
    if(empty(iso_week), NULL, arrayAvg(iso_week)) AS week_mean,
    if(empty(iso_week_before), NULL, arrayAvg(iso_week_before)) AS week_mean_before,
    percent(week_mean_before, week_mean) AS week_percent,
    if(empty(iso_week), NULL, arrayMax(iso_week)) AS week_peak,
    if(empty(iso_week), NULL, arrayMin(iso_week)) AS week_low,
    multiIf(dod_percent > 10, 'Surging', dod_percent > 5, 'Rising', dod_percent > -5, 'Stable',
            dod_percent > -10, 'Declining', dod_percent IS NOT NULL, 'Falling',
            p0 IS NULL, NULL, first_day > {day:Date} - 2, 'New', 'Insufficient') AS momentum,
    v0 - v1 AS votes_dod,
    if(empty(gains), NULL, arrayAvg(gains)) AS votes_dod_before,
    multiIf(votes_dod > votes_dod_before, 'Rising', votes_dod < votes_dod_before, 'Falling',
            votes_dod = votes_dod_before, 'Steady', NULL) AS engagement_trend,
    first_day, peak, peak_day
FROM
(
    SELECT
        *,
        values[0] AS p0, values[1] AS p1, voted[0] AS v0, voted[1] AS v1,
        arrayMap(k -> assumeNotNull(values[k]), arrayFilter(k -> values[k] IS NOT NULL, range(7))) AS week,
        arrayMap(k -> assumeNotNull(values[k]), arrayFilter(k -> values[k] IS NOT NULL, range(weekday))) AS iso_week,
        arrayMap(k -> assumeNotNull(values[k]),
            arrayFilter(k -> values[k] IS NOT NULL, range(weekday, weekday + 7))) AS iso_week_before,
        arrayMap(k -> assumeNotNull(voted[k] - voted[k + 1]),
            arrayFilter(k -> (voted[k] - voted[k + 1]) IS NOT NULL, range(7, 14))) AS gains
    FROM
    (
        SELECT
            tmdb_id,
            max(seen) AS seen_at,
            mapFromArrays(groupArrayIf(ago, ago <= 20), groupArrayIf(tuple(value), ago <= 20).1) AS values,
            mapFromArrays(groupArrayIf(ago, ago <= 20), groupArrayIf(tuple(cast_votes), ago <= 20).1) AS voted,
            anyIf(mean_vote, ago = 0) AS s0,
            toDayOfWeek({day:Date}) AS weekday,
            minOrNullIf(seen_day, isNotNull(value)) AS first_day,
            max(highest) AS peak,
            argMinIf(toNullable(seen_day), (-assumeNotNull(highest), seen_day), isNotNull(highest)) AS peak_day
        FROM
        (
            -- Few films: their snapshots lie together here, where a day's film lies apart in popularity_days.
            SELECT
                tmdb_id,
                toDate(observed_at) AS seen_day,
                toUInt16({day:Date} - seen_day) AS ago,
                argMax(s.popularity, (observed_at, revision)) AS value,
                argMax(s.vote_count, (observed_at, revision)) AS cast_votes,
                argMax(s.vote_average, (observed_at, revision)) AS mean_vote,
                max(s.popularity) AS highest,
                max(s.observed_at) AS seen
            FROM popularity AS s
            WHERE tmdb_id IN {films:Array(Int64)} AND toDate(observed_at) <= {day:Date}
            GROUP BY tmdb_id, seen_day
        )
        GROUP BY tmdb_id
    )
)
-- One thread: for some ten thousand films, sharing the work out costs more than it saves.
SETTINGS max_threads = 1
