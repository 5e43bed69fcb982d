-- The tables with posts in them, and whether retractions are rows there.
SELECT table AS found_in, max(name = 'is_deleted') AS retracts
FROM system.columns
WHERE database = currentDatabase() AND table IN
(
    SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'
)
GROUP BY table
HAVING max(name = 'post_id')
ORDER BY table
