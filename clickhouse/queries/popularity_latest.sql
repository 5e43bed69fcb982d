-- The last day with a snapshot; no row without any.
SELECT max(day) AS day
FROM popularity_histories
HAVING count() > 0
