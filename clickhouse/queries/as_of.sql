-- How far each partition has counted, in event time, its last day with a count and with a mention, and the day, counted
-- from 1970, before which it has closed all; the days it has counted, from 1970 too; and the days that mention_days has.
-- Empty without counts. A partition's furthest instant lies on its last day.
SELECT
    source_partition,
    max(day) AS last_day,
    toUnixTimestamp64Milli(max(reached_at)) AS reached_ms,
    maxIf(day, is_mentioned) AS latest_day,
    if(max(is_final) = 0, 0, toInt32(maxIf(day, is_final)) + 1) AS open_day,
    groupUniqArray(toUInt16(day)) AS counted,
    (SELECT groupUniqArray(day) FROM mention_days_kept) AS kept
FROM counted_days
GROUP BY source_partition
SETTINGS max_threads = 1
