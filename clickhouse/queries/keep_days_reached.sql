-- The last day with a mention counted.
SELECT max(day) AS latest_day FROM mention_counts
