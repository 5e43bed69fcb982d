-- What history_sums_then.sql leaves out of the days given: mentions by the counts that have changed since, as they were
-- known then. Without settings, so that it can come first.
WITH toStartOfMinute(fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC')) AS minute
SELECT day, sum(c.mentions) AS mentions, 0 AS is_changed
FROM
(
    SELECT h.day AS day, argMax(h.mentions, h.revision) AS mentions
    FROM mention_count_history AS h
    WHERE h.stored_in < minute AND h.day IN {days:Array(Date)} AND (h.day, h.tmdb_id) IN
        (SELECT day, tmdb_id FROM mention_counts FINAL WHERE day IN {days:Array(Date)} AND ingested_at >= minute)
    GROUP BY h.day, h.tmdb_id
) AS c
GROUP BY day
