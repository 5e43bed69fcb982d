-- Mentions of films on days, where they have any: film_days is counts_of_days.sql or counts_of_parts.sql.
SELECT tmdb_id, day, mentions, submissions, comments
FROM film_days
WHERE mentions > 0
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
