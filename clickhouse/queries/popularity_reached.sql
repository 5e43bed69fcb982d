-- How far the snapshots go: the last day with any and, of a day, the last one and how many films were seen on it and on
-- the day before. The day is the latest with a snapshot where none is asked for.
WITH
    (SELECT max(day) FROM popularity_histories HAVING count() > 0) AS latest_day,
    ifNull({day:Nullable(Date)}, latest_day) AS asked
SELECT
    asked AS day,
    latest_day,
    toUnixTimestamp64Milli(maxOrNullIf(d.seen_at, d.day = asked)) AS as_of_ms,
    countIf(d.day = asked) AS films,
    countIf(d.day = asked - 1) AS films_before
FROM popularity_days AS d FINAL
WHERE d.day IN (asked, asked - 1) AND d.seen_at > fromUnixTimestamp64Milli(0, 'UTC')
SETTINGS max_threads = 1
