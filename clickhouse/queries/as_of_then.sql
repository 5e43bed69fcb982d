-- As as_of.sql tells it, of what was stored by the end of the last whole minute before an instant. Watermarks only rise
-- and a day that was closed stays so, so no revision needs to be chosen.
WITH
    fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC') AS instant,
    (
        SELECT max(day) FROM mention_count_history
        WHERE stored_in < toStartOfMinute(instant) AND day BETWEEN toDate(instant) - 60 AND toDate(instant) + 1
    ) AS last_day
SELECT
    h.source_partition AS source_partition,
    toUnixTimestamp64Milli(max(h.watermark)) AS reached_ms,
    maxIf(h.day, h.mentions > 0) AS latest_day,
    if(countIf(h.state = 'final') = 0, 0, toInt32(maxIf(h.day, h.state = 'final')) + 1) AS open_day
FROM mention_count_history AS h
WHERE stored_in < toStartOfMinute(instant) AND day BETWEEN last_day - 14 AND last_day
GROUP BY source_partition
ORDER BY source_partition
