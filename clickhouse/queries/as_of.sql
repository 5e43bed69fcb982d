-- How far each partition has counted, in event time, its last day with a mention, and the day, counted from 1970, before
-- which it has closed all; and the days that mention_days has. Empty without counts. A partition's furthest instant lies
-- on its last day; one that nothing has reached for 14 days is idle and says nothing.
SELECT
    source_partition,
    toUnixTimestamp64Milli(max(reached_at)) AS reached_ms,
    maxIf(day, is_mentioned) AS latest_day,
    if(max(is_final) = 0, 0, toInt32(maxIf(day, is_final)) + 1) AS open_day,
    (SELECT groupUniqArray(day) FROM mention_days_kept) AS kept
FROM counted_days
WHERE day >= (SELECT max(day) FROM counted_days) - 14
GROUP BY source_partition
ORDER BY source_partition
SETTINGS max_threads = 1
