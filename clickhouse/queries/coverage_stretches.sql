-- Stretches of event time that meet [start_ms, end_ms): gaps that polls left, and what backfills have read whole. Both
-- are told after the event time they speak of, so earlier reports need not be read; nor later ones than until_ms, unless
-- it is 0.
SELECT DISTINCT
    listing,
    is_gap,
    toUnixTimestamp64Milli(begins_at) AS first_ms,
    toUnixTimestamp64Milli(ends_at) AS end_ms
FROM coverage_stretches
WHERE source = {source:String}
    AND started_at >= fromUnixTimestamp64Milli({start_ms:Int64}, 'UTC')
    AND begins_at < fromUnixTimestamp64Milli({end_ms:Int64}, 'UTC')
    AND ends_at > fromUnixTimestamp64Milli({start_ms:Int64}, 'UTC')
    AND ({until_ms:Int64} = 0 OR finished_at <= fromUnixTimestamp64Milli({until_ms:Int64}, 'UTC'))
ORDER BY listing, first_ms, end_ms
SETTINGS max_threads = 1
