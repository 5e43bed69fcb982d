-- Which films are talked about more or less than usual right now: the mentions of each within a window that ends at
-- until_ms, against those of the time before it, both by event time; docs/metrics.md has the formulas. `volume` is how
-- the typical film's mentions compare, the median of now / before weighted by before: a film that bursts changes it
-- little, where the sum of all would make every other film seem to fade. Of the days `kept` by the rows of films and
-- days, of the days `rows` by the mentions.
SELECT tmdb_id, now, before, volume, expected, ratio, score, state
FROM
(
    SELECT
        *,
        if(expected > 0, now / expected, NULL) AS ratio,
        if(expected > 0, (now - expected)
            / sqrt(expected + expected * expected / (before + 0.5) + pow({swing:Float64} * expected, 2) + 1), NULL)
            AS score,
        multiIf(score IS NULL, NULL,
                score >= {burst_score:Float64} AND now >= {support:UInt32} AND ratio >= {burst_ratio:Float64}, 'Bursting',
                score >= {rise_score:Float64} AND now >= {support:UInt32} AND ratio >= {rise_ratio:Float64}, 'Rising',
                score <= -{rise_score:Float64} AND expected >= {support:UInt32} AND ratio * {rise_ratio:Float64} <= 1,
                'Fading', 'Steady') AS state
    FROM
    (
        SELECT
            tmdb_id, now, before,
            multiIf(isFinite(typical), typical, all_before > 0, all_now / all_before, 0.) AS volume,
            volume * (before + 0.5) AS expected
        FROM
        (
            SELECT
                tmdb_id,
                sum(recent) AS now,
                sum(earlier) AS before,
                quantileExactWeightedIf(0.5)(now / before, before, before >= {support:UInt32}) OVER () AS typical,
                sum(now) OVER () AS all_now,
                sum(before) OVER () AS all_before
            FROM
            (
                SELECT
                    tmdb_id,
                    countIf(created_at > fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')) AS recent,
                    countIf(created_at <= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')) AS earlier
                FROM mentions FINAL
                PREWHERE toDate(created_at) IN {rows:Array(Date)}
                WHERE created_at > fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
                    AND created_at <= fromUnixTimestamp64Milli({until_ms:Int64}, 'UTC')
                GROUP BY tmdb_id
                UNION ALL
                SELECT
                    tmdb_id,
                    arrayCount(at -> at > {since_ms:Int64} - begin AND at <= {until_ms:Int64} - begin, at_ms) AS recent,
                    arrayCount(at -> at > {from_ms:Int64} - begin AND at <= {since_ms:Int64} - begin, at_ms) AS earlier
                FROM
                (
                    SELECT tmdb_id, at_ms, toInt64(toUnixTimestamp(toDateTime(day, 'UTC'))) * 1000 AS begin
                    FROM mention_days FINAL
                    WHERE day IN {kept:Array(Date)}
                )
            )
            GROUP BY tmdb_id
            HAVING now + before > 0
        )
    )
)
WHERE if({by:String} = 'fading', score < 0, score > 0)
ORDER BY if({by:String} = 'fading', score, -score), tmdb_id
LIMIT {limit:UInt32}
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
