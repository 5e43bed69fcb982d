-- The terms that a film's posts of a day have more often than those of the days before: log-odds with an informative
-- Dirichlet prior and their z-score (Monroe, Colaresi, Quinn, Fightin' Words, 2008). y posts of a day have a term, n is
-- the sum over all terms (the row with the empty term). The prior is what is said of all films (those of film 0): `prior`
-- terms, shared out as theirs are, none of them never. All that is looked for is of the sorting key, so it may be before
-- versions are merged: in two thirds of the time.
WITH
    {prior:Float64} AS a0,
    a0 * (usual + 1) / (usual_sum + 2) AS a,
    ln((now + a) / (now_sum + a0 - now - a)) - ln((before + a) / (before_sum + a0 - before - a)) AS delta
SELECT
    term,
    now AS posts,
    before AS posts_before,
    delta AS log_odds,
    delta / sqrt(1 / (now + a) + 1 / (before + a)) AS z
FROM
(
    SELECT
        term, now, before, usual,
        maxIf(now, term = '') OVER () AS now_sum,
        maxIf(before, term = '') OVER () AS before_sum,
        maxIf(usual, term = '') OVER () AS usual_sum
    FROM
    (
        SELECT
            term,
            sumIf(posts, tmdb_id = {tmdb_id:Int64} AND day = {day:Date}) AS now,
            sumIf(posts, tmdb_id = {tmdb_id:Int64} AND day < {day:Date}) AS before,
            sumIf(posts, tmdb_id = 0) AS usual
        FROM term_counts FINAL
        PREWHERE day BETWEEN {day:Date} - {days:UInt16} AND {day:Date}
            AND (tmdb_id = {tmdb_id:Int64} OR (tmdb_id = 0 AND term IN
                (SELECT term FROM term_counts WHERE day = {day:Date} AND tmdb_id = {tmdb_id:Int64})))
        GROUP BY term
        HAVING now > 0 OR term = ''
    )
)
WHERE term != '' AND z >= {least:Float64}
ORDER BY z DESC, term
LIMIT {limit:UInt32}
