-- Where a film is mentioned, and how the linker decided: one row a community, and one a method and location; of
-- posts written by an instant, unless it is 0.
SELECT
    community,
    method,
    location,
    grouping(method) AS is_community,
    count() AS mentions,
    round(avg(confidence), 3) AS mean_confidence
FROM mentions FINAL
WHERE tmdb_id = {tmdb_id:Int64}
    AND ({at_ms:Int64} = 0 OR created_at <= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC'))
GROUP BY GROUPING SETS ((community), (method, location))
ORDER BY mentions DESC, community, method, location
