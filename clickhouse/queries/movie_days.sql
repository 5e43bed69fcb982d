-- A film's days, newest first. The highest revision of a count is picked here: FINAL would merge all films' counts.
-- is_revised: the count changed after its day was closed.
SELECT
    day,
    argMax(c.mentions, c.revision) AS mentions,
    argMax(c.submissions, c.revision) AS submissions,
    argMax(c.comments, c.revision) AS comments,
    argMax(c.state, c.revision) AS state,
    argMax(c.closed_revision, c.revision) AS closed,
    closed > 0 AND max(c.revision) > closed AS is_revised
FROM mention_counts AS c
PREWHERE tmdb_id = {tmdb_id:Int64}
GROUP BY day
HAVING mentions > 0
ORDER BY day DESC
LIMIT {limit:UInt32}
