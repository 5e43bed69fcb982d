-- How far each partition has counted, in event time, its last day with a mention, and the day, counted from 1970, before
-- which it has closed all. Empty without counts. A partition's furthest instant lies on its last day; one that nothing
-- has reached for 14 days is idle and says nothing.
SELECT
    source_partition,
    toUnixTimestamp64Milli(max(watermark)) AS reached_ms,
    maxIf(day, mentions > 0) AS latest_day,
    if(countIf(state = 'final') = 0, 0, toInt32(maxIf(day, state = 'final')) + 1) AS open_day
FROM mention_counts
WHERE day >= (SELECT max(day) FROM mention_counts) - 14
GROUP BY source_partition
ORDER BY source_partition
