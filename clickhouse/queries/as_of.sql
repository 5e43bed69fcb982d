-- How far each partition has counted, in event time. Empty without counts. A partition's furthest instant lies on its
-- latest day; one that nothing has reached for 35 days is idle and holds nothing up.
SELECT source_partition, toUnixTimestamp64Milli(max(watermark)) AS reached_ms
FROM mention_counts
WHERE day >= (SELECT max(day) FROM mention_counts) - 35
GROUP BY source_partition
ORDER BY source_partition
