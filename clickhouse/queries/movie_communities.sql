-- Where a film is mentioned, by number of mentions.
SELECT community, count() AS mentions
FROM mentions FINAL
WHERE tmdb_id = {tmdb_id:Int64}
GROUP BY community
ORDER BY mentions DESC, community
LIMIT {limit:UInt32}
