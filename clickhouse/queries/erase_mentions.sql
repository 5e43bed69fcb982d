-- Every mention that is stored of some posts, whichever part of the table it is in, retractions included.
SELECT DISTINCT tmdb_id, post_id, toUnixTimestamp64Milli(created_at) AS created_at
FROM mentions
WHERE platform = 'reddit' AND post_id IN {posts:Array(String)}
ORDER BY post_id, tmdb_id
