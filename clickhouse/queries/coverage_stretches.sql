-- Stretches of event time that meet [start_ms, end_ms): gaps that polls left, and what backfills have read whole. Both
-- are told after the event time they speak of, so earlier reports need not be read; nor later ones than until_ms, unless
-- it is 0.
SELECT DISTINCT
    listing,
    covered_from IS NULL AS is_gap,
    toUnixTimestamp64Milli(assumeNotNull(coalesce(covered_from, gap_from))) AS first_ms,
    toUnixTimestamp64Milli(assumeNotNull(coalesce(covered_to, gap_to))) AS end_ms
FROM coverage
WHERE source = {source:String}
    AND listing != 'info'
    AND started_at >= fromUnixTimestamp64Milli({start_ms:Int64}, 'UTC')
    AND coalesce(covered_from, gap_from) < fromUnixTimestamp64Milli({end_ms:Int64}, 'UTC')
    AND coalesce(covered_to, gap_to) > fromUnixTimestamp64Milli({start_ms:Int64}, 'UTC')
    AND ({until_ms:Int64} = 0 OR finished_at <= fromUnixTimestamp64Milli({until_ms:Int64}, 'UTC'))
ORDER BY listing, first_ms, end_ms
