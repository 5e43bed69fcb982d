-- Where a film is mentioned since a day, and how the linker decided: one row a community, and one a method and location;
-- of posts written by an instant, unless it is 0. Film and day are of the sorting key, the same in every version of a
-- mention, so they may be looked at before versions are merged: a third of the time. A mention never leaves its month.
SELECT
    community,
    method,
    location,
    grouping(method) AS is_community,
    count() AS mentions,
    round(avg(confidence), 3) AS mean_confidence
FROM mentions FINAL
PREWHERE tmdb_id = {tmdb_id:Int64} AND toDate(created_at) >= {since:Date}
WHERE {at_ms:Int64} = 0 OR created_at <= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC')
GROUP BY GROUPING SETS ((community), (method, location))
ORDER BY mentions DESC, community, method, location
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
