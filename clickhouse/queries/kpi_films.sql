-- Films by one key figure; `kpi` names it, and with it who is listed: films without a `key` are not, and come last.
-- Votes and mean vote are those last seen on the day or the day before, else the catalogue's. A budget or revenue of
-- zero is TMDB's way to say unknown. m and c, the weight and the mean of the weighted rating, follow from all films with
-- votes unless they are given.
SELECT
    *,
    countIf(isNotNull(key)) OVER () AS qualified
FROM
(
    SELECT
        tmdb_id, title, release_date, popularity, votes, score, runtime_minutes, budget_usd, revenue_usd,
        revenue_usd - budget_usd AS profit_usd,
        profit_usd / budget_usd AS roi,
        if(days > 0, days, NULL) AS days_left,
        ifNull({m:Nullable(Float64)}, quantileExactInclusive(0.9)(if(votes > 0, votes, NULL)) OVER ()) AS m,
        ifNull({c:Nullable(Float64)}, avg(score) OVER ()) AS c,
        quantileExactInclusive(0.5)(if(votes > 0, votes, NULL)) OVER () AS median_votes,
        count(score) OVER () AS rated,
        if(isNull(score), NULL, votes / (votes + m) * score + m / (votes + m) * c) AS weighted_rating,
        multiIf(
            {kpi:String} = 'weighted-rating', weighted_rating,
            {kpi:String} = 'hidden-gems',
                if(weighted_rating >= 7 AND votes >= 50 AND votes <= median_votes, -toFloat64(votes), NULL),
            {kpi:String} = 'quick-watch',
                if(runtime_minutes > 0 AND runtime_minutes <= 90 AND score >= 7, weighted_rating, NULL),
            {kpi:String} = 'global-reach', if(revenue_usd >= 500e6, toFloat64(revenue_usd), NULL),
            {kpi:String} = 'oncoming', -toFloat64(days_left),
            {kpi:String} = 'roi', roi,
            NULL) AS key
    FROM
    (
        SELECT
            f.tmdb_id AS tmdb_id, f.title AS title, f.release_date AS release_date,
            ifNull(d.value, f.popularity) AS popularity,
            if(isNotNull(d.cast_votes), d.cast_votes, f.vote_count) AS votes,
            if(votes > 0, if(isNotNull(d.cast_votes), d.mean_vote, f.vote_average), NULL) AS score,
            nullIf(f.runtime_minutes, 0) AS runtime_minutes,
            if(f.budget_usd > 0, f.budget_usd, NULL) AS budget_usd,
            if(f.revenue_usd > 0, f.revenue_usd, NULL) AS revenue_usd,
            toDate32OrNull(f.release_date) AS read_date,
            if(toString(read_date) = f.release_date, dateDiff('day', {day:Date}, read_date), NULL) AS days
        FROM films AS f FINAL
        LEFT JOIN
        (
            SELECT
                tmdb_id,
                -- The day before counts where the day has none, as it does in the other two.
                if(d.p0 > 0, d.p0, d.p1) AS p,
                if(p = 0, NULL, reinterpretAsFloat64(toUInt64(p))) AS value,
                if(d.v01 = 0, NULL, toInt64(d.v01)) AS cast_votes,
                if(d.s01 = 0, NULL, reinterpretAsFloat64(toUInt64(d.s01))) AS mean_vote
            FROM popularity_days AS d FINAL
            WHERE day = {day:Date}
        ) AS d ON d.tmdb_id = f.tmdb_id
    )
)
ORDER BY key DESC NULLS LAST, if({kpi:String} = 'oncoming', popularity, weighted_rating) DESC NULLS LAST, tmdb_id
LIMIT {limit:UInt32}
