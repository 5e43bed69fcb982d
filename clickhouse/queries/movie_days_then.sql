-- As movie_days.sql tells it, by the counts as they were known at the end of the last whole minute before an instant.
WITH toStartOfMinute(fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC')) AS cut
SELECT
    day,
    argMax(h.mentions, h.revision) AS mentions,
    argMax(h.submissions, h.revision) AS submissions,
    argMax(h.comments, h.revision) AS comments,
    argMax(h.state, h.revision) AS state,
    argMax(h.closed_revision, h.revision) AS closed,
    closed > 0 AND max(h.revision) > closed AS is_revised
FROM mention_count_history AS h
WHERE tmdb_id = {tmdb_id:Int64} AND stored_in < cut
    AND day >=
    (
        SELECT min(day)
        FROM
        (
            SELECT DISTINCT d.day AS day
            FROM mention_count_history AS d
            WHERE tmdb_id = {tmdb_id:Int64} AND stored_in < cut AND d.mentions > 0
            ORDER BY day DESC
            LIMIT {limit:UInt32} + 50
        )
    )
GROUP BY day
HAVING mentions > 0
ORDER BY day DESC
LIMIT {limit:UInt32}
