-- Mentions of all films on each day of a range.
SELECT day, sum(c.mentions) AS mentions
FROM mention_counts AS c FINAL
WHERE day BETWEEN {first_day:Date} AND {last_day:Date}
GROUP BY day
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
