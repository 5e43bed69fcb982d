-- What the polls of each feed did in each UTC hour of [window_start_ms, window_end_ms), by the time they began, where kind
-- is 'polls': how many there were, failed, or overflowed; requests and new items; the first and last that succeeded and
-- the last of all; and the listings that were polled. A feed keeps its name when its communities change. Polls of single
-- posts (info) look for changes, not for what is new; a backfill's report is no poll. FINAL: a redelivered report is one
-- poll. A report never leaves its month, so months need no merging with each other.
-- And stretches of event time of a listing that meet [start_ms, end_ms), of kind 'gap' where polls left one, 'whole' where
-- backfills have read it all. Both are told after the event time they speak of, so earlier reports need not be read; nor
-- later ones than until_ms, unless it is 0.
SELECT
    'polls' AS kind,
    splitByChar(':', listing)[1] AS feed,
    groupUniqArray(listing) AS listings,
    toUnixTimestamp(toStartOfHour(started_at)) * 1000 AS hour_ms,
    count() AS polls,
    countIf(outcome = 'failed') AS failed,
    countIf(outcome = 'overflowed') AS overflowed,
    sum(requests) AS requests,
    sum(items) AS items,
    countIf(outcome IN ('ok', 'overflowed')) AS successes,
    toUnixTimestamp64Milli(minIf(started_at, outcome IN ('ok', 'overflowed'))) AS first_ms,
    toUnixTimestamp64Milli(maxIf(started_at, outcome IN ('ok', 'overflowed'))) AS end_ms,
    toUnixTimestamp64Milli(max(started_at)) AS last_poll_ms
FROM coverage FINAL
WHERE source = {source:String}
    AND listing != 'info'
    AND covered_from IS NULL
    AND started_at >= fromUnixTimestamp64Milli({window_start_ms:Int64}, 'UTC')
    AND started_at < fromUnixTimestamp64Milli({window_end_ms:Int64}, 'UTC')
GROUP BY feed, hour_ms
UNION ALL
SELECT
    if(is_gap, 'gap', 'whole'), '', [listing], 0, 0, 0, 0, 0, 0, 0,
    toUnixTimestamp64Milli(begins_at), toUnixTimestamp64Milli(ends_at), 0
FROM coverage_stretches
WHERE source = {source:String}
    AND started_at >= fromUnixTimestamp64Milli({start_ms:Int64}, 'UTC')
    AND begins_at < fromUnixTimestamp64Milli({end_ms:Int64}, 'UTC')
    AND ends_at > fromUnixTimestamp64Milli({start_ms:Int64}, 'UTC')
    AND ({until_ms:Int64} = 0 OR finished_at <= fromUnixTimestamp64Milli({until_ms:Int64}, 'UTC'))
SETTINGS do_not_merge_across_partitions_select_final = 1
