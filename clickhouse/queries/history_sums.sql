-- Mentions of all films on each day, by the counts of films and days, `film_days`.
SELECT day, sum(c.mentions) AS mentions
FROM film_days AS c
GROUP BY day
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
