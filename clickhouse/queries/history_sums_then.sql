-- As history_sums.sql tells it, by the counts as they were known at the end of the last whole minute before an instant:
-- those that have not changed since, and of the others what the history says.
WITH toStartOfMinute(fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC')) AS minute
SELECT day, sum(n) AS mentions
FROM
(
    SELECT day, c.mentions AS n
    FROM mention_counts AS c FINAL
    WHERE day BETWEEN {first_day:Date} AND {last_day:Date} AND ingested_at < minute
    UNION ALL
    SELECT h.day, argMax(h.mentions, h.revision)
    FROM mention_count_history AS h
    WHERE h.stored_in < minute AND (h.day, h.tmdb_id) IN
        (
            SELECT day, tmdb_id FROM mention_counts FINAL
            WHERE day BETWEEN {first_day:Date} AND {last_day:Date} AND ingested_at >= minute
        )
    GROUP BY h.tmdb_id, h.day
)
GROUP BY day
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
