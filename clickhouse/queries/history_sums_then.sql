-- Mentions of all films on each day, by the counts that are the same since the end of the last whole minute before an
-- instant; is_changed: whether the day has others, which are left out.
WITH toStartOfMinute(fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC')) AS minute
SELECT day, sumIf(c.mentions, ingested_at < minute) AS mentions, countIf(ingested_at >= minute) > 0 AS is_changed
FROM mention_counts AS c FINAL
WHERE day BETWEEN {first_day:Date} AND {last_day:Date}
GROUP BY day
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
