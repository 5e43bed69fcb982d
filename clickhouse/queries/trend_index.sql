-- Talk and popularity of the films that TMDB showed on one day, side by side: the trend index with its parts, the
-- quadrants of talk against rating, and where the two go apart; docs/metrics.md has the formulas. `by` names what is
-- listed. film_days is counts_of_days.sql or counts_of_parts.sql, of the day and of the `month_days` before it that are
-- known; `is_known`: whether the day is, so that no mention is a true zero on it. film_authors is authors_of_day.sql or
-- authors_of_kept_day.sql. Each step is a query of its own: the engine writes out a name that is used on the step it is
-- made in.
SELECT * EXCEPT (key), count() OVER () AS qualified
FROM
(
    SELECT
        *,
        multiIf(
            {by:String} = 'index', trend_index,
            {by:String} = 'quadrants', if(isNull(quadrant), NULL, toFloat64(mentions)),
            {by:String} = 'talked', if(mentions_rank >= 0.75 AND popularity_rank < 0.5, divergence, NULL),
            {by:String} = 'untalked', if(popularity_rank >= 0.75 AND mentions_rank < 0.5, -divergence, NULL),
            NULL) AS key
    FROM
    (
        SELECT
            *,
            100 * ({of_mentions:Float64} * burst_rank + {of_popularity:Float64} * popularity_growth_rank
                + {of_votes:Float64} * votes_growth_rank + {of_authors:Float64} * authors_rank) AS trend_index,
            if(isNull(compared_mentions), NULL, multiIf(
                mentions > median_mentions, if(weighted_rating > median_rating, 'Hit', 'Hype'),
                weighted_rating > median_rating, 'Gem', 'Quiet')) AS quadrant,
            100 * (mentions_rank - popularity_rank) AS divergence
        FROM
        (
            SELECT
                tmdb_id, mentions, burst, authors, popularity, popularity_growth, votes_growth, votes, score,
                weighted_rating, compared_mentions, median_mentions, median_rating,
                -- The share of the others that are lower. Null sorts behind all that is known.
                if(isNull(popularity_growth), NULL, (popularity_growth_place - 1) / greatest(popularity_growths - 1, 1))
                    AS popularity_growth_rank,
                if(isNull(votes_growth), NULL, (votes_growth_place - 1) / greatest(votes_growths - 1, 1))
                    AS votes_growth_rank,
                if(isNull(burst), NULL, (burst_place - 1) / greatest(bursts - 1, 1)) AS burst_rank,
                if(isNull(authors), NULL, (authors_place - 1) / greatest(authors_known - 1, 1)) AS authors_rank,
                if(isNull(mentions), NULL, (mentions_place - 1) / greatest(mentions_known - 1, 1)) AS mentions_rank,
                (popularity_place - 1) / greatest(popularities - 1, 1) AS popularity_rank
            FROM
            (
                SELECT
                    *,
                    rank() OVER (ORDER BY popularity_growth NULLS LAST) AS popularity_growth_place,
                    rank() OVER (ORDER BY votes_growth NULLS LAST) AS votes_growth_place,
                    rank() OVER (ORDER BY burst NULLS LAST) AS burst_place,
                    rank() OVER (ORDER BY authors NULLS LAST) AS authors_place,
                    rank() OVER (ORDER BY mentions NULLS LAST) AS mentions_place,
                    rank() OVER (ORDER BY popularity NULLS LAST) AS popularity_place,
                    count(popularity_growth) OVER () AS popularity_growths,
                    count(votes_growth) OVER () AS votes_growths,
                    count(burst) OVER () AS bursts,
                    count(authors) OVER () AS authors_known,
                    count(mentions) OVER () AS mentions_known,
                    count(popularity) OVER () AS popularities,
                    quantileExactInclusive(0.5)(compared_mentions) OVER () AS median_mentions,
                    quantileExactInclusive(0.5)(compared_rating) OVER () AS median_rating
                FROM
                (
                    SELECT
                        *,
                        if(mentions > 0 AND isNotNull(weighted_rating), mentions, NULL) AS compared_mentions,
                        if(mentions > 0, weighted_rating, NULL) AS compared_rating
                    FROM
                    (
                        SELECT
                            p.tmdb_id AS tmdb_id, p.popularity AS popularity, p.votes AS votes, p.score AS score,
                            p.popularity_growth AS popularity_growth, p.votes_growth AS votes_growth,
                            if(p.votes > 0, p.votes / (p.votes + {m:Float64}) * p.score
                                + {m:Float64} / (p.votes + {m:Float64}) * {c:Float64}, NULL) AS weighted_rating,
                            -- A film that was not seen on the day is in no rank but of what its votes grew by.
                            if({is_known:UInt8} AND isNotNull(p.popularity), ifNull(t.counted, 0), NULL) AS mentions,
                            if({month_days:UInt8} >= {least_days:UInt8},
                                (mentions - ifNull(t.total, 0) / {month_days:UInt8})
                                / sqrt(ifNull(({month_days:UInt8} * t.squares - t.total * t.total)
                                        / ({month_days:UInt8} * ({month_days:UInt8} - 1)), 0)
                                    + ifNull(t.total, 0) / {month_days:UInt8} + 1), NULL) AS burst,
                            multiIf(mentions = 0, 0., mentions > 0, a.authors, NULL) AS authors
                        FROM
                        (
                            SELECT
                                tmdb_id, p0 AS popularity, v0 AS votes, s0 AS score,
                                log((p0 + 1) / (p7 + 1)) AS popularity_growth,
                                (v0 - v7) / (v7 + 50) AS votes_growth
                            FROM
                            (
                                SELECT
                                    tmdb_id,
                                    if(d.p0 = 0, NULL, reinterpretAsFloat64(toUInt64(d.p0))) AS p0,
                                    if(d.p7 = 0, NULL, reinterpretAsFloat64(toUInt64(d.p7))) AS p7,
                                    if(d.v0 = 0, NULL, toInt64(d.v0)) AS v0,
                                    if(d.v7 = 0, NULL, toInt64(d.v7)) AS v7,
                                    if(d.s0 = 0, NULL, reinterpretAsFloat64(toUInt64(d.s0))) AS s0
                                FROM popularity_days AS d FINAL
                                WHERE day = {day:Date} AND greatest(d.p0, d.v0) > 0
                            )
                        ) AS p
                        LEFT JOIN
                        (
                            SELECT
                                tmdb_id,
                                sumIf(f.mentions, f.day = {day:Date}) AS counted,
                                sum(f.mentions) - counted AS total,
                                sum(f.mentions * f.mentions) - counted * counted AS squares
                            FROM film_days AS f
                            GROUP BY tmdb_id
                        ) AS t ON t.tmdb_id = p.tmdb_id
                        LEFT JOIN film_authors AS a ON a.tmdb_id = p.tmdb_id
                    )
                )
            )
        )
        WHERE isNotNull(popularity)
    )
)
WHERE isNotNull(key)
ORDER BY key DESC, weighted_rating DESC NULLS LAST, tmdb_id
LIMIT {limit:UInt32} BY if({by:String} = 'quadrants', quadrant, NULL)
-- One thread: for some ten thousand films, sharing the work out costs more than it saves.
SETTINGS do_not_merge_across_partitions_select_final = 1, join_use_nulls = 1, max_threads = 1
