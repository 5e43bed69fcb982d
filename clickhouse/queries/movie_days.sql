-- A film's days, newest first; those whose mentions are all gone have none. is_revised: the count changed after its day was
-- closed; is_changed: it was stored after the end of the last whole minute before an instant, unless that is 0.
SELECT
    day, mentions, submissions, comments, state,
    closed_revision > 0 AND revision > closed_revision AS is_revised,
    {at_ms:Int64} > 0 AND ingested_at >= toStartOfMinute(fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC')) AS is_changed,
    0 AS is_then
FROM film_counts FINAL
WHERE tmdb_id = {tmdb_id:Int64}
ORDER BY day DESC
SETTINGS max_threads = 1
