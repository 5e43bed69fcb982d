-- The days of the range on which either side has anything, and about how many rows.
SELECT day, count() AS rows
FROM
(
    SELECT toDate(created_at) AS day FROM {shadow:Identifier}.mentions
    UNION ALL
    SELECT toDate(created_at) AS day FROM mentions
    UNION ALL
    SELECT c.day AS day FROM mention_counts AS c
)
WHERE day >= {first_day:Date} AND day < {end_day:Date}
GROUP BY day
ORDER BY day
