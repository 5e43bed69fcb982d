-- What the polls of each feed did in each UTC hour of [window_start_ms, window_end_ms), by the time they began: how many
-- there were, failed, or overflowed; requests and new items; the first and last that succeeded and the last of all; and
-- the listings that were polled. A feed keeps its name when its communities change. Polls of single posts (info) look
-- for changes, not for what is new; a backfill's report is no poll. FINAL: a redelivered report is one poll. A report
-- never leaves its month, so months need no merging with each other.
SELECT
    splitByChar(':', listing)[1] AS feed,
    toUnixTimestamp(toStartOfHour(started_at)) * 1000 AS hour_ms,
    count() AS polls,
    countIf(outcome = 'failed') AS failed,
    countIf(outcome = 'overflowed') AS overflowed,
    sum(requests) AS requests,
    sum(items) AS items,
    countIf(outcome IN ('ok', 'overflowed')) AS successes,
    toUnixTimestamp64Milli(minIf(started_at, outcome IN ('ok', 'overflowed'))) AS first_success_ms,
    toUnixTimestamp64Milli(maxIf(started_at, outcome IN ('ok', 'overflowed'))) AS last_success_ms,
    toUnixTimestamp64Milli(max(started_at)) AS last_poll_ms,
    groupUniqArray(listing) AS listings
FROM coverage FINAL
WHERE source = {source:String}
    AND listing != 'info'
    AND covered_from IS NULL
    AND started_at >= fromUnixTimestamp64Milli({window_start_ms:Int64}, 'UTC')
    AND started_at < fromUnixTimestamp64Milli({window_end_ms:Int64}, 'UTC')
GROUP BY feed, hour_ms
ORDER BY hour_ms, feed
SETTINGS do_not_merge_across_partitions_select_final = 1
