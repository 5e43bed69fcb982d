-- How far the snapshots go: the last of all and, of a day, the last one and how many films were seen on it and on the
-- day before. The day is the latest with a snapshot where none is asked for.
WITH (SELECT maxOrNull(observed_at) FROM popularity) AS latest
SELECT
    toUnixTimestamp64Milli(latest) AS latest_ms,
    ifNull({day:Nullable(Date)}, toDate(latest)) AS day,
    toUnixTimestamp64Milli(maxOrNullIf(observed_at, toDate(observed_at) = day)) AS as_of_ms,
    uniqExactIf(tmdb_id, toDate(observed_at) = day) AS films,
    uniqExactIf(tmdb_id, toDate(observed_at) = day - 1) AS films_before
FROM popularity
WHERE toDate(observed_at) BETWEEN ifNull({day:Nullable(Date)}, toDate(latest)) - 1
    AND ifNull({day:Nullable(Date)}, toDate(latest))
