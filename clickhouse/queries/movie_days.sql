-- A film's days, newest first. The highest revision of a count is picked here: FINAL would merge all films' counts. The
-- first day is found by going back from the newest, since a film may have years of them: 50 days more than are asked
-- for, of which so many may have lost all their mentions. is_revised: the count changed after its day was closed.
SELECT
    day,
    argMax(c.mentions, c.revision) AS mentions,
    argMax(c.submissions, c.revision) AS submissions,
    argMax(c.comments, c.revision) AS comments,
    argMax(c.state, c.revision) AS state,
    argMax(c.closed_revision, c.revision) AS closed,
    closed > 0 AND max(c.revision) > closed AS is_revised
FROM mention_counts AS c
WHERE tmdb_id = {tmdb_id:Int64}
    AND day >=
    (
        SELECT min(day)
        FROM
        (
            SELECT DISTINCT d.day AS day
            FROM mention_counts AS d
            WHERE tmdb_id = {tmdb_id:Int64} AND d.mentions > 0
            ORDER BY day DESC
            LIMIT {limit:UInt32} + 50
        )
    )
GROUP BY day
HAVING mentions > 0
ORDER BY day DESC
LIMIT {limit:UInt32}
