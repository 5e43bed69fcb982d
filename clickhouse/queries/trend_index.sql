-- Talk and popularity of the films that TMDB showed on one day, side by side: the trend index with its parts, the
-- quadrants of talk against rating, and where the two go apart; docs/metrics.md has the formulas. `by` names what is
-- listed. `known` has an element for the day and each of the 28 days before it, the day first: on a known day no mention
-- is a true zero, on another the number is null. Of a day that is not over, the days before count up to the same time:
-- those that are `kept` by the rows of films and days, the others by the mentions, `rows`. `whole` days are told by the
-- counts, and the authors of the day by its rows where it is in `kept_day`, else by the mentions (`rows_day`).
WITH
    -- Of a sample.
    (days, total, squares) -> (toInt64(days) * squares - total * total) / (days * (toInt64(days) - 1)) AS variance,
    film_days AS
    (
        SELECT tmdb_id, {day:Date} - day AS days_ago, mentions
        FROM mention_counts FINAL
        WHERE day IN {whole:Array(Date)}
        UNION ALL
        SELECT tmdb_id, {day:Date} - day AS days_ago, toInt64(arrayCount(at -> at < {cut_ms:Int64}, at_ms)) AS mentions
        FROM mention_days FINAL
        WHERE day IN {kept:Array(Date)}
        UNION ALL
        SELECT tmdb_id, {day:Date} - toDate(created_at) AS days_ago, toInt64(count()) AS mentions
        FROM mentions FINAL
        PREWHERE toDate(created_at) IN {rows:Array(Date)}
        WHERE toUnixTimestamp64Milli(created_at) % 86400000 < {cut_ms:Int64}
        GROUP BY tmdb_id, days_ago
    )
SELECT * EXCEPT (key), count() OVER () AS qualified
FROM
(
    SELECT
        *,
        100 * ({of_mentions:Float64} * burst_rank + {of_popularity:Float64} * popularity_growth_rank
            + {of_votes:Float64} * votes_growth_rank + {of_authors:Float64} * authors_rank) AS trend_index,
        if(isNull(compared_mentions), NULL, multiIf(
            mentions > median_mentions, if(weighted_rating > median_rating, 'Hit', 'Hype'),
            weighted_rating > median_rating, 'Gem', 'Quiet')) AS quadrant,
        100 * (mentions_rank - popularity_rank) AS divergence,
        multiIf(
            {by:String} = 'index', trend_index,
            {by:String} = 'quadrants', if(isNull(quadrant), NULL, toFloat64(mentions)),
            {by:String} = 'talked', if(mentions_rank >= 0.75 AND popularity_rank < 0.5, divergence, NULL),
            {by:String} = 'untalked', if(popularity_rank >= 0.75 AND mentions_rank < 0.5, -divergence, NULL),
            NULL) AS key
    FROM
    (
        SELECT
            tmdb_id, mentions, burst, authors, popularity, popularity_growth, votes_growth, votes, score,
            weighted_rating, popularity_growth_rank, votes_growth_rank,
            -- The share of the others that are lower. Null sorts behind all that is known.
            if(isNull(burst), NULL, (rank() OVER (ORDER BY burst NULLS LAST) - 1)
                / greatest(count(burst) OVER () - 1, 1)) AS burst_rank,
            if(isNull(authors), NULL, (rank() OVER (ORDER BY authors NULLS LAST) - 1)
                / greatest(count(authors) OVER () - 1, 1)) AS authors_rank,
            if(isNull(mentions), NULL, (rank() OVER (ORDER BY mentions NULLS LAST) - 1)
                / greatest(count(mentions) OVER () - 1, 1)) AS mentions_rank,
            if(isNull(popularity), NULL, (rank() OVER (ORDER BY popularity NULLS LAST) - 1)
                / greatest(count(popularity) OVER () - 1, 1)) AS popularity_rank,
            if(mentions > 0 AND isNotNull(weighted_rating), mentions, NULL) AS compared_mentions,
            quantileExactInclusive(0.5)(compared_mentions) OVER () AS median_mentions,
            quantileExactInclusive(0.5)(if(isNull(compared_mentions), NULL, weighted_rating)) OVER () AS median_rating
        FROM
        (
            SELECT
                p.tmdb_id AS tmdb_id, p.popularity AS popularity, p.votes AS votes, p.score AS score,
                p.popularity_growth AS popularity_growth, p.votes_growth AS votes_growth,
                p.popularity_growth_rank AS popularity_growth_rank, p.votes_growth_rank AS votes_growth_rank,
                if(p.votes > 0, p.votes / (p.votes + {m:Float64}) * p.score + {m:Float64} / (p.votes + {m:Float64})
                    * {c:Float64}, NULL) AS weighted_rating,
                ifNull(t.counted, 0) AS counted,
                if({known:Array(UInt8)}[1] = 1, counted, NULL) AS mentions,
                ifNull(t.month_sum, 0) AS month_sum,
                ifNull(t.month_squares, 0) AS month_squares,
                month_sum / {month_days:UInt8} AS usual,
                if({month_days:UInt8} >= {least_days:UInt8},
                    (mentions - usual) / sqrt(variance({month_days:UInt8}, month_sum, month_squares) + usual + 1), NULL)
                    AS burst,
                multiIf(isNull(mentions), NULL, counted = 0, 0., isNotNull(a.estimate), a.estimate, NULL) AS authors
            FROM popularity_on(day = {day:Date}) AS p
            LEFT JOIN
            (
                SELECT
                    tmdb_id,
                    sumIf(mentions, days_ago = 0) AS counted,
                    sumIf(mentions, is_known AND days_ago > 0) AS month_sum,
                    sumIf(mentions * mentions, is_known AND days_ago > 0) AS month_squares
                FROM (SELECT *, {known:Array(UInt8)}[days_ago + 1] = 1 AS is_known FROM film_days WHERE mentions > 0)
                GROUP BY tmdb_id
            ) AS t ON t.tmdb_id = p.tmdb_id
            LEFT JOIN
            (
                SELECT tmdb_id, authors AS estimate FROM mention_days FINAL WHERE day IN {kept_day:Array(Date)}
                UNION ALL
                -- HyperLogLog over 1,024 registers, and linear counting of few; cinepulse/authors.py has the source.
                SELECT
                    tmdb_id,
                    if(0.7213 / (1 + 1.079 / 1024) * 1048576 / (1024 - count() + sum(exp2(-highest))) <= 2560
                        AND count() < 1024, 1024 * log(1024 / (1024 - count())),
                        0.7213 / (1 + 1.079 / 1024) * 1048576 / (1024 - count() + sum(exp2(-highest)))) AS estimate
                FROM
                (
                    SELECT tmdb_id, max(bitAnd(assumeNotNull(author_sketch), 63)) AS highest
                    FROM mentions FINAL
                    PREWHERE toDate(created_at) IN {rows_day:Array(Date)}
                    WHERE author_sketch IS NOT NULL
                    GROUP BY tmdb_id, bitShiftRight(assumeNotNull(author_sketch), 6)
                )
                GROUP BY tmdb_id
            ) AS a ON a.tmdb_id = p.tmdb_id
            WHERE isNotNull(p.popularity)
        )
    )
)
WHERE isNotNull(key)
ORDER BY key DESC, weighted_rating DESC NULLS LAST, tmdb_id
LIMIT {limit:UInt32} BY if({by:String} = 'quadrants', quadrant, NULL)
-- One thread: for some ten thousand films, sharing the work out costs more than it saves.
SETTINGS do_not_merge_across_partitions_select_final = 1, join_use_nulls = 1, max_threads = 1
