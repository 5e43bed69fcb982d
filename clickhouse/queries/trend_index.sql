-- Talk and popularity of the films that TMDB showed on one day, side by side: what the trend index, the quadrants of talk
-- against rating, and the list of where the two go apart are made of; docs/metrics.md has the formulas. What is listed by
-- comes from trend_parts.py: `:key`, and `:part`, of each of which `limit` films are. film_days is counts_of_days.sql or
-- counts_of_day_so_far.sql, of the day and of the `month_days` before it that are known; `is_known`: whether the day is, so
-- that no mention is a true zero on it. film_authors is authors_of_day.sql or authors_of_kept_day.sql. A place is 1 more
-- than the number of films that are lower; null sorts behind all that is known. Each step is a query of its own: the
-- engine writes out a name that is used on the step it is made in.
SELECT *, count() OVER () AS qualified
FROM
(
    SELECT *, :key AS key
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
            count(popularity_growth) OVER () AS popularity_growth_ranked,
            count(votes_growth) OVER () AS votes_growth_ranked,
            count(burst) OVER () AS burst_ranked,
            count(authors) OVER () AS authors_ranked,
            count(mentions) OVER () AS mentions_ranked,
            count(popularity) OVER () AS popularity_ranked,
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
                            if(max(d.p0) = 0, NULL, reinterpretAsFloat64(toUInt64(max(d.p0)))) AS p0,
                            if(max(d.p7) = 0, NULL, reinterpretAsFloat64(toUInt64(max(d.p7)))) AS p7,
                            if(max(d.v0) = 0, NULL, toInt64(max(d.v0))) AS v0,
                            if(max(d.v7) = 0, NULL, toInt64(max(d.v7))) AS v7,
                            if(max(d.s0) = 0, NULL, reinterpretAsFloat64(toUInt64(max(d.s0)))) AS s0
                        FROM popularity_days AS d
                        WHERE day = {day:Date}
                        GROUP BY tmdb_id
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
    WHERE isNotNull(popularity)
)
WHERE isNotNull(key)
ORDER BY key DESC, weighted_rating DESC NULLS LAST, tmdb_id
LIMIT {limit:UInt32} BY :part
-- One thread: for some ten thousand films, sharing the work out costs more than it saves.
SETTINGS do_not_merge_across_partitions_select_final = 1, join_use_nulls = 1, max_threads = 1
