-- What TMDB's numbers say of each film on one day, for whoever asks: popularity_on(day = '2026-11-20'). Days are calendar
-- days: what was not seen is null, never zero; only seven and fourteen days ago may be a day earlier where that very
-- day is missing. docs/metrics.md has the formulas.
CREATE VIEW IF NOT EXISTS popularity_on AS
-- Classes come last: the places below them sort all that is there by then.
SELECT
    * EXCEPT (popularity_compared),
    multiIf(vote_velocity >= 100, 'Viral', vote_velocity >= 50, 'High', vote_velocity >= 20, 'Moderate',
            vote_velocity >= 5, 'Low', vote_velocity IS NOT NULL, 'Minimal', NULL) AS engagement,
    multiIf(viral_coefficient >= 80, 'Extremely Viral', viral_coefficient >= 60, 'Highly Viral',
            viral_coefficient >= 40, 'Moderately Viral', viral_coefficient >= 20, 'Slightly Viral',
            viral_coefficient IS NOT NULL, 'Not Viral', NULL) AS viral_category,
    multiIf(viral_score >= 80 AND vote_velocity >= 50, 'Extremely Viral',
            viral_score >= 60 AND vote_velocity >= 50, 'Highly Viral',
            viral_score >= 40, 'Moderately Viral', viral_score >= 20, 'Slightly Viral',
            viral_score IS NOT NULL, 'Not Viral', NULL) AS viral_score_category,
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
        *,
        if(popularity IS NULL, NULL, row_number() OVER (ORDER BY popularity DESC NULLS LAST, tmdb_id)) AS rank,
        if(popularity_compared IS NULL, NULL, row_number() OVER (ORDER BY popularity_compared DESC NULLS LAST, tmdb_id))
            AS rank_before,
        -- The share of the others that are lower. Null sorts behind all that is known.
        if(votes_growth IS NULL, NULL, (rank() OVER (ORDER BY votes_growth NULLS LAST) - 1)
            / greatest(count(votes_growth) OVER () - 1, 1)) AS votes_growth_rank,
        if(popularity_growth IS NULL, NULL, (rank() OVER (ORDER BY popularity_growth NULLS LAST) - 1)
            / greatest(count(popularity_growth) OVER () - 1, 1)) AS popularity_growth_rank,
        60 * votes_growth_rank + 40 * popularity_growth_rank AS viral_score
    FROM
    (
        WITH
            -- The sum comes first: least and greatest pass over null.
            (past_votes, now_votes, past_value, now_value) -> 60 * (now_votes - past_votes) / greatest(past_votes, 1)
                + 40 * (now_value - past_value) / greatest(past_value, 1.) AS raw_coefficient,
            raw -> if(raw IS NULL, NULL, greatest(0., least(100., raw))) AS held
        SELECT
            tmdb_id, p0 AS popularity, p1 AS popularity_yesterday, v0 AS votes, s0 AS score,
            p0 - p7 AS wow,
            if(p7 > 0, 100 * (p0 - p7) / p7, NULL) AS wow_percent,
            (v0 - v7) / 7 AS vote_velocity,
            (v0 - v7) / 7 - (v7 - v14) / 7 AS vote_acceleration,
            held(raw_coefficient(v7, v0, p7, p0)) AS viral_coefficient,
            held(raw_coefficient(v14, v7, p14, p7)) AS viral_coefficient_before,
            (v0 - v7) / (v7 + 50) AS votes_growth,
            log((p0 + 1) / (p7 + 1)) AS popularity_growth,
            compared_days,
            [NULL, p1, p2][compared_days + 1] AS popularity_compared
        FROM
        (
            SELECT
                tmdb_id,
                anyIf(value, ago = 0) AS p0, anyIf(value, ago = 1) AS p1, anyIf(value, ago = 2) AS p2,
                coalesce(anyIf(value, ago = 7), anyIf(value, ago = 8)) AS p7,
                coalesce(anyIf(value, ago = 14), anyIf(value, ago = 15)) AS p14,
                anyIf(cast_votes, ago = 0) AS v0, anyIf(mean_vote, ago = 0) AS s0,
                coalesce(anyIf(cast_votes, ago = 7), anyIf(cast_votes, ago = 8)) AS v7,
                coalesce(anyIf(cast_votes, ago = 14), anyIf(cast_votes, ago = 15)) AS v14,
                -- The day that ranks are compared with: one on which half as many films were seen at least.
                count(p0) OVER () AS seen,
                toUInt8(multiIf(2 * count(p1) OVER () >= seen, 1, 2 * count(p2) OVER () >= seen, 2, 0))
                    AS compared_days
            FROM
            (
                SELECT
                    tmdb_id,
                    {day:Date} - day AS ago,
                    finalizeAggregation(d.popularity) AS value,
                    finalizeAggregation(d.vote_count) AS cast_votes,
                    finalizeAggregation(d.vote_average) AS mean_vote
                FROM popularity_days AS d FINAL
                WHERE day IN ({day:Date}, {day:Date} - 1, {day:Date} - 2, {day:Date} - 7, {day:Date} - 8,
                    {day:Date} - 14, {day:Date} - 15)
            )
            GROUP BY tmdb_id
        )
        WHERE p0 IS NOT NULL OR v0 IS NOT NULL OR popularity_compared IS NOT NULL
    )
)
COMMENT 'Changes, votes, viral score and rank of each film on one UTC day: popularity_on(day = ...). tmdb_id; metrics as docs/metrics.md has them; popularity_yesterday; votes_growth and popularity_growth, and votes_growth_rank and popularity_growth_rank, the shares of the other films that are lower, of which viral_score is made; compared_days: how many days ago the day lies that ranks are compared with, 0 for none. This product uses the TMDB API but is not endorsed or certified by TMDB.'
