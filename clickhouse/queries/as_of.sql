-- How far each partition has counted, in event time. Empty without counts.
SELECT source_partition, toUnixTimestamp64Milli(max(watermark)) AS reached_ms
FROM mention_counts
GROUP BY source_partition
ORDER BY source_partition
