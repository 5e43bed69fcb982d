-- What the polls of each feed reached in [window_start_ms, window_end_ms): the first and last one that succeeded, the
-- last one of all, how many succeeded and how many failed. A feed keeps its name when its communities change. Polls of
-- single posts (info) look for changes, not for what is new.
SELECT
    splitByChar(':', listing)[1] AS feed,
    toUnixTimestamp64Milli(minIf(started_at, outcome IN ('ok', 'overflowed'))) AS first_success_ms,
    toUnixTimestamp64Milli(maxIf(started_at, outcome IN ('ok', 'overflowed'))) AS last_success_ms,
    toUnixTimestamp64Milli(max(started_at)) AS last_poll_ms,
    countIf(outcome IN ('ok', 'overflowed')) AS succeeded,
    countIf(outcome = 'failed') AS failed
FROM coverage
WHERE source = {source:String}
    AND listing != 'info'
    AND started_at >= fromUnixTimestamp64Milli({window_start_ms:Int64}, 'UTC')
    AND started_at < fromUnixTimestamp64Milli({window_end_ms:Int64}, 'UTC')
GROUP BY feed
ORDER BY feed
