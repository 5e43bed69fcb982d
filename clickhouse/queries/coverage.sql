-- What the polls of each feed reached in [window_start_ms, window_end_ms): how many there were, the first and last one
-- that succeeded and the last one of all, how many failed; and the gaps in event time that meet [start_ms, end_ms),
-- whenever they were found. A feed keeps its name when its communities change. Polls of single posts (info) look for
-- changes, not for what is new. A gap lies before the poll that finds it, so earlier polls need not be read.
WITH
    started_at < fromUnixTimestamp64Milli({window_end_ms:Int64}, 'UTC') AS within,
    within AND outcome IN ('ok', 'overflowed') AS succeeded,
    ifNull(gap_from < fromUnixTimestamp64Milli({end_ms:Int64}, 'UTC')
        AND gap_to > fromUnixTimestamp64Milli({start_ms:Int64}, 'UTC'), false) AS met
SELECT
    splitByChar(':', listing)[1] AS feed,
    countIf(within) AS polls,
    countIf(succeeded) AS successes,
    countIf(within AND outcome = 'failed') AS failures,
    toUnixTimestamp64Milli(minIf(started_at, succeeded)) AS first_success_ms,
    toUnixTimestamp64Milli(maxIf(started_at, succeeded)) AS last_success_ms,
    toUnixTimestamp64Milli(maxIf(started_at, within)) AS last_poll_ms,
    groupUniqArrayIf((toUnixTimestamp64Milli(assumeNotNull(gap_from)), toUnixTimestamp64Milli(assumeNotNull(gap_to))), met)
        AS gaps
FROM coverage
WHERE source = {source:String}
    AND listing != 'info'
    AND started_at >= fromUnixTimestamp64Milli({window_start_ms:Int64}, 'UTC')
    AND (within OR met)
GROUP BY feed
ORDER BY feed
