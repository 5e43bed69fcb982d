-- As movie_days.sql tells it, by the counts as they were known at the end of the last whole minute before an instant:
-- those that have not changed since, and of the others what the history says.
WITH toStartOfMinute(fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC')) AS minute
SELECT day, mentions, submissions, comments, state, closed_revision > 0 AND revision > closed_revision AS is_revised
FROM
(
    SELECT day, mentions, submissions, comments, state, closed_revision, revision
    FROM film_counts FINAL
    WHERE tmdb_id = {tmdb_id:Int64} AND ingested_at < minute
    UNION ALL
    SELECT
        h.day,
        argMax(h.mentions, h.revision), argMax(h.submissions, h.revision), argMax(h.comments, h.revision),
        argMax(h.state, h.revision), argMax(h.closed_revision, h.revision), max(h.revision)
    FROM mention_count_history AS h
    WHERE h.tmdb_id = {tmdb_id:Int64} AND h.stored_in < minute
        AND h.day IN (SELECT day FROM film_counts FINAL WHERE tmdb_id = {tmdb_id:Int64} AND ingested_at >= minute)
    GROUP BY h.day
)
ORDER BY day DESC
SETTINGS max_threads = 1
