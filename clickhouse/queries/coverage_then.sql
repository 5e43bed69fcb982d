-- As coverage_known.sql tells it, how far the polls of each listing reached in [window_start, window_end), a part of a day:
-- a report that is delivered twice says the same, so that nothing need be merged. Without settings, so that it can come
-- first.
SELECT
    'polls' AS kind,
    listing,
    toDate(started_at) AS day,
    minOrNullIf(started_at, outcome IN ('ok', 'overflowed')) AS first_at,
    maxOrNullIf(started_at, outcome IN ('ok', 'overflowed')) AS last_at,
    max(started_at) AS last_poll_at
FROM coverage
WHERE source = {source:String}
    AND listing != 'info'
    AND covered_from IS NULL
    AND started_at >= {window_start:DateTime64(3, 'UTC')}
    AND started_at < {window_end:DateTime64(3, 'UTC')}
GROUP BY listing, day
