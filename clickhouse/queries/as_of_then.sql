-- As as_of.sql tells it, of what was stored by the end of the last whole minute before an instant. Watermarks only rise
-- and a day that was closed stays so, so no revision needs to be chosen; of what was stored in the last days.
WITH toStartOfMinute(fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC')) AS minute
SELECT
    source_partition,
    max(m.last_day) AS last_day,
    toUnixTimestamp64Milli(max(reached_at)) AS reached_ms,
    max(m.latest_day) AS latest_day,
    if(max(final_day) = toDate(0), 0, toInt32(max(final_day)) + 1) AS open_day,
    (SELECT groupUniqArray(day) FROM mention_days_kept) AS kept
FROM counted_minutes AS m
WHERE stored_in < minute AND stored_in >= minute - toIntervalDay({days:UInt16})
GROUP BY source_partition
ORDER BY source_partition
SETTINGS max_threads = 1
