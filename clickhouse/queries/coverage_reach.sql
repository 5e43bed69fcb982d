-- As coverage_hours.sql tells it, how far the polls of each listing reached in each UTC hour, and nothing of how many
-- there were: a report that is delivered twice says the same, so that nothing need be merged.
SELECT
    splitByChar(':', listing)[1] AS feed,
    toUnixTimestamp(hour) * 1000 AS hour_ms,
    0 AS polls, 0 AS failed, 0 AS overflowed, 0 AS requests, 0 AS items,
    successes,
    toUnixTimestamp64Milli(first_success) AS first_ms,
    toUnixTimestamp64Milli(last_success) AS end_ms,
    toUnixTimestamp64Milli(last_poll) AS last_poll_ms,
    [listing] AS listings
FROM
(
    SELECT
        listing,
        toStartOfHour(started_at) AS hour,
        countIf(outcome IN ('ok', 'overflowed')) AS successes,
        minIf(started_at, outcome IN ('ok', 'overflowed')) AS first_success,
        maxIf(started_at, outcome IN ('ok', 'overflowed')) AS last_success,
        max(started_at) AS last_poll
    FROM coverage
    WHERE source = {source:String}
        AND listing != 'info'
        AND covered_from IS NULL
        AND started_at >= fromUnixTimestamp64Milli({window_start_ms:Int64}, 'UTC')
        AND started_at < fromUnixTimestamp64Milli({window_end_ms:Int64}, 'UTC')
    GROUP BY listing, hour
)
ORDER BY hour_ms, feed, listing
