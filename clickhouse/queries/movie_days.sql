-- A film's days, newest first; those whose mentions are all gone have none. is_revised: the count changed after its day was
-- closed.
SELECT
    day, mentions, submissions, comments, state,
    closed_revision > 0 AND revision > closed_revision AS is_revised
FROM film_counts FINAL
WHERE tmdb_id = {tmdb_id:Int64}
ORDER BY day DESC
SETTINGS max_threads = 1
