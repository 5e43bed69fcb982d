-- How far each partition has counted, in event time, and its last day with a mention. Empty without counts. A
-- partition's furthest instant lies on its last day; one that nothing has reached for 14 days is idle and holds
-- nothing up.
SELECT
    source_partition,
    toUnixTimestamp64Milli(max(watermark)) AS reached_ms,
    maxIf(day, mentions > 0) AS latest_day
FROM mention_counts
WHERE day >= (SELECT max(day) FROM mention_counts) - 14
GROUP BY source_partition
ORDER BY source_partition
