-- What the polls of each listing did in each UTC hour of [window_start, window_end), by the time they began and by how
-- they ended, `kind`: how many there were, their requests and new items, when the first and the last began. Polls of
-- single posts (info) look for changes, not for what is new; a backfill's report is no poll. FINAL: a redelivered report
-- is one poll. A report never leaves its month, so months need no merging with each other.
-- And stretches of event time of a listing that meet [start, end), of kind 'gap' where polls left one, 'whole' where
-- backfills have read it all, first and last instant. Both are told after the event time they speak of, so earlier
-- reports need not be read; nor later ones than `until`.
SELECT
    listing,
    outcome::String AS kind,
    toStartOfHour(started_at) AS hour,
    count() AS polls,
    sum(requests) AS requests,
    sum(items) AS items,
    min(started_at) AS first_at,
    max(started_at) AS last_at
FROM coverage FINAL
WHERE source = {source:String}
    AND listing != 'info'
    AND covered_from IS NULL
    AND started_at >= {window_start:DateTime64(3, 'UTC')}
    AND started_at < {window_end:DateTime64(3, 'UTC')}
GROUP BY listing, kind, hour
UNION ALL
SELECT listing, if(is_gap, 'gap', 'whole') AS kind, toDateTime(0, 'UTC') AS hour, 0, 0, 0, begins_at, ends_at
FROM coverage_stretches
WHERE source = {source:String}
    AND started_at >= {start:DateTime64(3, 'UTC')}
    AND begins_at < {end:DateTime64(3, 'UTC')}
    AND ends_at > {start:DateTime64(3, 'UTC')}
    AND finished_at <= {until:DateTime64(3, 'UTC')}
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
