-- A film's days, newest first.
SELECT day, mentions, submissions, comments, source_partition
FROM mention_counts FINAL
WHERE tmdb_id = {tmdb_id:Int64} AND mentions > 0
ORDER BY day DESC
LIMIT {limit:UInt32}
