-- Mentions that are stored more than once, which only differing creation times make possible.
SELECT tmdb_id, platform, post_id, groupArray(toString(created_at)) AS written
FROM mentions FINAL
GROUP BY tmdb_id, platform, post_id
HAVING count() > 1
ORDER BY tmdb_id, platform, post_id
LIMIT {limit:UInt32}
