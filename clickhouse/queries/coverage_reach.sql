-- As coverage_hours.sql tells it, how far the polls of each listing reached in each UTC hour, and nothing of how many
-- there were: a report that is delivered twice says the same, so that nothing need be merged.
SELECT
    listing,
    outcome::String AS kind,
    toStartOfHour(started_at) AS hour,
    0 AS polls,
    0 AS requests,
    0 AS items,
    min(started_at) AS first_at,
    max(started_at) AS last_at
FROM coverage
WHERE source = {source:String}
    AND listing != 'info'
    AND covered_from IS NULL
    AND started_at >= {window_start:DateTime64(3, 'UTC')}
    AND started_at < {window_end:DateTime64(3, 'UTC')}
GROUP BY listing, kind, hour
SETTINGS max_threads = 1
