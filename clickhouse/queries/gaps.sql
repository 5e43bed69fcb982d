-- Gaps in event time that meet [start_ms, end_ms), by feed.
SELECT DISTINCT
    splitByChar(':', listing)[1] AS feed,
    toUnixTimestamp64Milli(assumeNotNull(gap_from)) AS from_ms,
    toUnixTimestamp64Milli(assumeNotNull(gap_to)) AS to_ms
FROM coverage
WHERE source = {source:String}
    AND gap_from < fromUnixTimestamp64Milli({end_ms:Int64}, 'UTC')
    AND gap_to > fromUnixTimestamp64Milli({start_ms:Int64}, 'UTC')
ORDER BY feed, from_ms
