-- How far the polls of each listing reached on the days from window_first to window_last, both within, where kind is
-- 'polls': the first and last that succeeded, null without one, and the last of all; several rows of a day are parts of
-- it. And as coverage_hours.sql tells them the stretches that meet [start, end), of kind 'gap' or 'whole'.
SELECT 'polls' AS kind, listing, day, first_success AS first_at, last_success AS last_at, last_poll AS last_poll_at
FROM coverage_days
WHERE source = {source:String} AND day BETWEEN {window_first:Date} AND {window_last:Date}
UNION ALL
SELECT if(is_gap, 'gap', 'whole') AS kind, listing, toDate(0) AS day, begins_at, ends_at, finished_at
FROM coverage_stretches
WHERE source = {source:String}
    AND started_at >= {start:DateTime64(3, 'UTC')}
    AND begins_at < {end:DateTime64(3, 'UTC')}
    AND ends_at > {start:DateTime64(3, 'UTC')}
    AND finished_at <= {until:DateTime64(3, 'UTC')}
SETTINGS max_threads = 1
