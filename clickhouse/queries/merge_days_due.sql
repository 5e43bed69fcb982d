-- How many months of popularity_days have so large a share of their rows, in percent, outside their largest part.
SELECT countIf(100 * (all_rows - most_rows) >= {apart_percent:UInt8} * all_rows AND parts > 1) AS due
FROM
(
    SELECT sum(rows) AS all_rows, max(rows) AS most_rows, count() AS parts
    FROM system.parts
    WHERE active AND database = currentDatabase() AND table = 'popularity_days'
    GROUP BY partition_id
)
