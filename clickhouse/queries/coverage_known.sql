-- How far the polls of each listing reached on the days of [window_start_ms, window_end_ms), where kind is 'polls': the
-- first and last that succeeded, null without one, and the last of all. And as coverage_hours.sql tells them the
-- stretches that meet [start_ms, end_ms), of kind 'gap' or 'whole', no later told than until_ms, unless it is 0.
SELECT
    'polls' AS kind,
    [listing] AS listings,
    toUnixTimestamp64Milli(min(first_success)) AS first_ms,
    toUnixTimestamp64Milli(max(last_success)) AS end_ms,
    toUnixTimestamp(toDateTime(day, 'UTC')) * 1000 AS day_ms,
    toUnixTimestamp64Milli(max(last_poll)) AS last_poll_ms
FROM coverage_days
WHERE source = {source:String}
    AND day >= toDate(fromUnixTimestamp64Milli({window_start_ms:Int64}, 'UTC'))
    AND day <= toDate(fromUnixTimestamp64Milli({window_end_ms:Int64} - 1, 'UTC'))
GROUP BY listing, day
ORDER BY day, listings
UNION ALL
SELECT
    if(is_gap, 'gap', 'whole') AS kind,
    [listing] AS listings,
    toUnixTimestamp64Milli(begins_at) AS first_ms,
    toUnixTimestamp64Milli(ends_at) AS end_ms,
    0 AS day_ms,
    0 AS last_poll_ms
FROM coverage_stretches
WHERE source = {source:String}
    AND started_at >= fromUnixTimestamp64Milli({start_ms:Int64}, 'UTC')
    AND begins_at < fromUnixTimestamp64Milli({end_ms:Int64}, 'UTC')
    AND ends_at > fromUnixTimestamp64Milli({start_ms:Int64}, 'UTC')
    AND ({until_ms:Int64} = 0 OR finished_at <= fromUnixTimestamp64Milli({until_ms:Int64}, 'UTC'))
SETTINGS max_threads = 1
