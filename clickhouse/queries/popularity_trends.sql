-- What TMDB's numbers say of each film on one day: change, trend, votes, viral score, rank; docs/metrics.md has the
-- formulas. A film's number of a day is the last one seen of it then. Days are calendar days: what was not seen is
-- null, never zero; only seven and fourteen days ago may be a day earlier where that very day is missing. `compared`
-- is how many days ago the day lies that ranks are compared with: 1 or, where fewer than half as many films were seen
-- then, 2; 0 for none. `by` names the order, and with it who is listed.
WITH
    (past, now) -> if(past > 0, 100 * (now - past) / past, NULL) AS percent,
    -- The sum comes first: least and greatest pass over null.
    (past_votes, now_votes, past_value, now_value) -> 60 * (now_votes - past_votes) / greatest(past_votes, 1)
        + 40 * (now_value - past_value) / greatest(past_value, 1.) AS raw_coefficient,
    raw -> if(raw IS NULL, NULL, greatest(0., least(100., raw))) AS held,
    film_days AS
    (
        SELECT
            tmdb_id,
            toUInt8({day:Date} - toDate(observed_at)) AS days_ago,
            argMax(popularity, observed_at) AS value,
            argMax(vote_count, observed_at) AS cast_votes,
            argMax(vote_average, observed_at) AS mean_vote,
            max(observed_at) AS last_seen
        FROM popularity
        WHERE toDate(observed_at) BETWEEN {day:Date} - 20 AND {day:Date}
        GROUP BY tmdb_id, days_ago
    ),
    (
        SELECT multiIf(countIf(days_ago = 1) >= 0.5 * countIf(days_ago = 0), 1,
                       countIf(days_ago = 2) >= 0.5 * countIf(days_ago = 0), 2, 0)
        FROM film_days
        WHERE value IS NOT NULL
    ) AS compared
SELECT
    * EXCEPT (key, value_yesterday),
    compared AS compared_days
FROM
(
    SELECT
        *,
        multiIf(viral_score >= 80 AND vote_velocity >= 50, 'Extremely Viral',
                viral_score >= 60 AND vote_velocity >= 50, 'Highly Viral',
                viral_score >= 40, 'Moderately Viral', viral_score >= 20, 'Slightly Viral',
                viral_score IS NOT NULL, 'Not Viral', NULL) AS viral_score_category,
        toBool(ifNull(rank <= {top:UInt32}, 0) AND compared > 0 AND ifNull(rank_before > {top:UInt32}, 1)) AS joined,
        toBool(ifNull(rank_before <= {top:UInt32}, 0) AND ifNull(rank > {top:UInt32}, 1)) AS departed,
        if(joined OR departed, NULL, toInt64(rank_before) - toInt64(rank)) AS rank_change,
        multiIf(
            {by:String} = 'popularity', popularity,
            {by:String} = 'rank', -toFloat64(rank),
            {by:String} = 'gainers', if(wow_percent > 0 AND value_yesterday >= {floor:Float64}, wow_percent, NULL),
            {by:String} = 'decliners', if(wow_percent < 0, -wow_percent, NULL),
            {by:String} = 'velocity', vote_velocity,
            {by:String} = 'acceleration', vote_acceleration,
            {by:String} = 'viral', viral_score,
            {by:String} = 'coefficient', if(viral_coefficient >= 20, viral_coefficient, NULL),
            {by:String} = 'emerging', if(emerging, vote_acceleration, NULL),
            {by:String} = 'breakout', if(breakout IS NULL, NULL, viral_coefficient),
            {by:String} = 'joiners', if(joined, -toFloat64(rank), NULL),
            {by:String} = 'leavers', if(departed, -toFloat64(rank_before), NULL),
            NULL) AS key
    FROM
    (
        SELECT
            * EXCEPT (value_before, votes_growth, value_growth),
            if(popularity IS NULL, NULL, row_number() OVER (PARTITION BY popularity IS NULL
                ORDER BY popularity DESC, tmdb_id)) AS rank,
            if(value_before IS NULL, NULL, row_number() OVER (PARTITION BY value_before IS NULL
                ORDER BY value_before DESC, tmdb_id)) AS rank_before,
            if(votes_growth IS NULL OR value_growth IS NULL, NULL,
                60 * percent_rank() OVER (PARTITION BY votes_growth IS NULL ORDER BY votes_growth)
                + 40 * percent_rank() OVER (PARTITION BY value_growth IS NULL ORDER BY value_growth)) AS viral_score,
            multiIf(dod_percent > 10, 'Surging', dod_percent > 5, 'Rising', dod_percent > -5, 'Stable',
                    dod_percent > -10, 'Declining', dod_percent IS NOT NULL, 'Falling',
                    popularity IS NULL, NULL, first_day > {day:Date} - 2, 'New', 'Insufficient') AS momentum,
            multiIf(vote_velocity >= 100, 'Viral', vote_velocity >= 50, 'High', vote_velocity >= 20, 'Moderate',
                    vote_velocity >= 5, 'Low', vote_velocity IS NOT NULL, 'Minimal', NULL) AS engagement,
            multiIf(votes_dod > votes_dod_before, 'Rising', votes_dod < votes_dod_before, 'Falling',
                    votes_dod = votes_dod_before, 'Steady', NULL) AS engagement_trend,
            multiIf(viral_coefficient >= 80, 'Extremely Viral', viral_coefficient >= 60, 'Highly Viral',
                    viral_coefficient >= 40, 'Moderately Viral', viral_coefficient >= 20, 'Slightly Viral',
                    viral_coefficient IS NOT NULL, 'Not Viral', NULL) AS viral_category,
            multiIf(vote_velocity > 50 AND wow > 10, 'Viral', wow > 5, 'Rising', wow < -5, 'Declining',
                    wow IS NOT NULL, 'Stable', NULL) AS trend,
            if(vote_acceleration IS NULL OR viral_coefficient IS NULL, NULL,
                toBool(vote_acceleration > 0 AND vote_velocity >= 10
                AND (viral_coefficient > 30 OR vote_acceleration > 5))) AS emerging,
            multiIf(ifNull(viral_coefficient < 40 OR viral_coefficient <= viral_coefficient_before, 1), NULL,
                    viral_coefficient_before < 20, 'Major',
                    viral_coefficient_before < 40 AND viral_coefficient >= 60, 'Strong',
                    viral_coefficient - viral_coefficient_before >= 20, 'Rapid', 'Steady') AS breakout
        FROM
        (
            SELECT
                tmdb_id, seen_at, p0 AS popularity, v0 AS votes, s0 AS score,
                p0 - p1 AS dod,
                percent(p1, p0) AS dod_percent,
                if(length(week) >= 4, arrayAvg(week), NULL) AS mean_7d,
                p0 - mean_7d AS deviation_7d,
                if(length(week) >= 4, sqrt(arraySum(x -> pow(x - arrayAvg(week), 2), week) / (length(week) - 1)), NULL)
                    AS volatility_7d,
                p0 - p7 AS wow,
                percent(p7, p0) AS wow_percent,
                if(empty(iso_week), NULL, arrayAvg(iso_week)) AS week_mean,
                if(empty(iso_week_before), NULL, arrayAvg(iso_week_before)) AS week_mean_before,
                percent(week_mean_before, week_mean) AS week_percent,
                if(empty(iso_week), NULL, arrayMax(iso_week)) AS week_peak,
                if(empty(iso_week), NULL, arrayMin(iso_week)) AS week_low,
                (v0 - v7) / 7 AS vote_velocity,
                (v0 - v7) / 7 - (v7 - v14) / 7 AS vote_acceleration,
                v0 - v1 AS votes_dod,
                if(empty(gains), NULL, arrayAvg(gains)) AS votes_dod_before,
                held(raw_coefficient(v7, v0, p7, p0)) AS viral_coefficient,
                held(raw_coefficient(v14, v7, p14, p7)) AS viral_coefficient_before,
                (v0 - v7) / (v7 + 50) AS votes_growth,
                log((p0 + 1) / (p7 + 1)) AS value_growth,
                first_day, peak, peak_day, p1 AS value_yesterday,
                [NULL, p1, p2][compared + 1] AS value_before
            FROM
            (
                SELECT
                    tmdb_id,
                    max(last_seen) AS seen_at,
                    mapFromArrays(groupArray(days_ago) AS ago, groupArray(tuple(value)).1) AS values,
                    mapFromArrays(ago, groupArray(tuple(cast_votes)).1) AS voted,
                    values[0] AS p0, values[1] AS p1, values[2] AS p2,
                    coalesce(values[7], values[8]) AS p7, coalesce(values[14], values[15]) AS p14,
                    voted[0] AS v0, voted[1] AS v1,
                    coalesce(voted[7], voted[8]) AS v7, coalesce(voted[14], voted[15]) AS v14,
                    anyIf(mean_vote, days_ago = 0) AS s0,
                    toDayOfWeek({day:Date}) AS weekday,
                    arrayMap(k -> assumeNotNull(values[k]), arrayFilter(k -> values[k] IS NOT NULL, range(7))) AS week,
                    arrayMap(k -> assumeNotNull(values[k]),
                        arrayFilter(k -> values[k] IS NOT NULL, range(weekday))) AS iso_week,
                    arrayMap(k -> assumeNotNull(values[k]),
                        arrayFilter(k -> values[k] IS NOT NULL, range(weekday, weekday + 7))) AS iso_week_before,
                    arrayMap(k -> assumeNotNull(voted[k] - voted[k + 1]),
                        arrayFilter(k -> (voted[k] - voted[k + 1]) IS NOT NULL, range(7, 14))) AS gains
                FROM film_days
                GROUP BY tmdb_id
                HAVING p0 IS NOT NULL OR v0 IS NOT NULL OR [NULL, p1, p2][compared + 1] IS NOT NULL
            ) AS known
            LEFT JOIN
            (
                SELECT
                    tmdb_id,
                    toDate(min(observed_at)) AS first_day,
                    max(popularity) AS peak,
                    toDate(argMax(observed_at, (popularity, -toUnixTimestamp64Milli(observed_at)))) AS peak_day
                FROM popularity
                WHERE toDate(observed_at) <= {day:Date} AND popularity IS NOT NULL
                GROUP BY tmdb_id
            ) AS history USING tmdb_id
        )
    )
)
WHERE key IS NOT NULL
ORDER BY key DESC, tmdb_id
LIMIT {limit:UInt32}
