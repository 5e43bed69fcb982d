-- Films of one day in the order of one of TMDB's metrics, with what must be known of all films to tell it. What is listed
-- by comes from popularity_orders.py: `:measure` is of a film alone, `:key` of its places among all. Of the parts of a
-- film's own metrics no more is computed than the order needs, since the engine's reading of a long query takes longer
-- than the query.
SELECT tmdb_id, rank, rank_before, votes_growth_rank, popularity_growth_rank, compared_days, qualified
FROM
(
    SELECT *, :key AS key, count(key) OVER () AS qualified
    FROM
    (
        SELECT
            tmdb_id, measure, compared_days,
            if(isNull(p0), NULL, place) AS rank,
            if(isNull(popularity_compared), NULL, place_before) AS rank_before,
            -- The share of the others that are lower. Null sorts behind all that is known.
            if(isNull(votes_growth), NULL, (votes_growth_place - 1) / greatest(votes_growths - 1, 1))
                AS votes_growth_rank,
            if(isNull(popularity_growth), NULL, (popularity_growth_place - 1) / greatest(popularity_growths - 1, 1))
                AS popularity_growth_rank
        FROM
        (
            SELECT
                *,
                row_number() OVER (ORDER BY p0 DESC NULLS LAST, tmdb_id) AS place,
                row_number() OVER (ORDER BY popularity_compared DESC NULLS LAST, tmdb_id) AS place_before,
                rank() OVER (ORDER BY votes_growth NULLS LAST) AS votes_growth_place,
                rank() OVER (ORDER BY popularity_growth NULLS LAST) AS popularity_growth_place,
                count(votes_growth) OVER () AS votes_growths,
                count(popularity_growth) OVER () AS popularity_growths
            FROM
            (
                SELECT
                    tmdb_id, p0,
                    :measure AS measure,
                    (v0 - v7) / (v7 + 50) AS votes_growth,
                    log((p0 + 1) / (p7 + 1)) AS popularity_growth,
                    -- The day that ranks are compared with: one on which half as many films were seen at least.
                    toUInt8(multiIf(2 * seen_1 >= seen, 1, 2 * seen_2 >= seen, 2, 0)) AS compared_days,
                    multiIf(2 * seen_1 >= seen, p1, 2 * seen_2 >= seen, p2, NULL) AS popularity_compared
                FROM
                (
                    SELECT
                        *,
                        count(p0) OVER () AS seen, count(p1) OVER () AS seen_1, count(p2) OVER () AS seen_2
                    FROM
                    (
                        SELECT
                            tmdb_id,
                            if(max(d.p0) = 0, NULL, reinterpretAsFloat64(toUInt64(max(d.p0)))) AS p0,
                            if(max(d.p1) = 0, NULL, reinterpretAsFloat64(toUInt64(max(d.p1)))) AS p1,
                            if(max(d.p2) = 0, NULL, reinterpretAsFloat64(toUInt64(max(d.p2)))) AS p2,
                            if(max(d.p7) = 0, NULL, reinterpretAsFloat64(toUInt64(max(d.p7)))) AS p7,
                            if(max(d.p14) = 0, NULL, reinterpretAsFloat64(toUInt64(max(d.p14)))) AS p14,
                            if(max(d.v0) = 0, NULL, toInt64(max(d.v0))) AS v0,
                            if(max(d.v7) = 0, NULL, toInt64(max(d.v7))) AS v7,
                            if(max(d.v14) = 0, NULL, toInt64(max(d.v14))) AS v14
                        FROM popularity_days AS d
                        WHERE day = {day:Date}
                        GROUP BY tmdb_id
                    )
                )
                WHERE isNotNull(p0) OR isNotNull(v0) OR isNotNull(popularity_compared)
            )
        )
    )
)
WHERE isNotNull(key)
ORDER BY key DESC, tmdb_id
LIMIT {limit:UInt32}
-- One thread: for some ten thousand films, sharing the work out costs more than it saves.
SETTINGS max_threads = 1
