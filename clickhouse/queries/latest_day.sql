-- The last UTC day with a mention; no row without one.
SELECT max(day) AS day
FROM mention_counts FINAL
WHERE mentions > 0
HAVING count() > 0
