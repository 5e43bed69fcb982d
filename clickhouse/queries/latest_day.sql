-- The last UTC day with a mention, among the latest 35; no row without one.
SELECT max(c.day) AS day
FROM mention_counts AS c FINAL
WHERE c.day >= (SELECT max(day) FROM mention_counts) - 35 AND c.mentions > 0
HAVING count() > 0
