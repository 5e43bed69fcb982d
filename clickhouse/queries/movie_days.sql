-- A film's days, newest first. is_revised: the count changed after its day was closed.
SELECT
    day, mentions, submissions, comments, state,
    closed_revision > 0 AND revision > closed_revision AS is_revised
FROM film_counts FINAL
WHERE tmdb_id = {tmdb_id:Int64} AND mentions > 0
ORDER BY day DESC
LIMIT {limit:UInt32}
SETTINGS max_threads = 1
