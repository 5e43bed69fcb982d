-- Tables of the sink that are missing, or on which a repeated insert would be stored twice.
SELECT wanted AS name, t.name = '' AS missing
FROM (SELECT arrayJoin({tables:Array(String)}) AS wanted) AS w
LEFT JOIN
(
    SELECT name, engine, engine_full FROM system.tables WHERE database = currentDatabase()
) AS t ON t.name = w.wanted
WHERE t.name = ''
    OR (t.engine NOT LIKE 'Replicated%' AND t.engine NOT LIKE 'Shared%'
        AND toUInt64OrZero(extract(t.engine_full, 'non_replicated_deduplication_window = (\\d+)')) = 0)
ORDER BY name
