-- As as_of.sql tells it, at the end of the last whole minute before an instant.
WITH
    fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC') AS instant,
    then AS
    (
        SELECT
            day, tmdb_id,
            argMax(h.source_partition, h.revision) AS partition,
            max(h.watermark) AS reached,
            argMax(h.mentions, h.revision) AS counted,
            argMax(h.state, h.revision) AS said
        FROM mention_count_history AS h
        WHERE stored_in < toStartOfMinute(instant) AND day BETWEEN toDate(instant) - 60 AND toDate(instant) + 1
        GROUP BY day, tmdb_id
    )
SELECT
    partition AS source_partition,
    toUnixTimestamp64Milli(max(reached)) AS reached_ms,
    maxIf(day, counted > 0) AS latest_day,
    if(countIf(said = 'final') = 0, 0, toInt32(maxIf(day, said = 'final')) + 1) AS open_day
FROM then
WHERE day >= (SELECT max(day) FROM then) - 14
GROUP BY partition
ORDER BY partition
