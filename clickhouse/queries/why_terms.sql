-- The terms that a film's posts of a day have more often than those of the days before: log-odds with an informative
-- Dirichlet prior and their z-score (Monroe, Colaresi, Quinn, Fightin' Words, 2008). y posts of a day have a term, n is
-- the sum over all terms (the row with the empty term). The prior is what all films' posts say: `prior` terms, shared out
-- as theirs are; the 1 beside them is for terms that nobody has used.
WITH
    counts AS
    (
        SELECT tmdb_id, day, term, posts
        FROM term_counts FINAL
        WHERE day BETWEEN {day:Date} - {days:UInt16} AND {day:Date} AND posts > 0
    ),
    own AS
    (
        SELECT term, sumIf(posts, day = {day:Date}) AS now, sumIf(posts, day < {day:Date}) AS before
        FROM counts
        WHERE tmdb_id = {tmdb_id:Int64}
        GROUP BY term
        HAVING now > 0 OR term = ''
    ),
    (SELECT (sum(now), sum(before)) FROM own WHERE term = '') AS sums,
    (SELECT sum(posts) FROM counts WHERE term = '') AS everywhere,
    {prior:Float64} AS a0,
    a0 * usual.posts / (everywhere + 1) AS a,
    ln((own.now + a) / (sums.1 + a0 - own.now - a)) - ln((own.before + a) / (sums.2 + a0 - own.before - a)) AS delta
SELECT
    own.term AS term,
    own.now AS posts,
    own.before AS posts_before,
    delta AS log_odds,
    delta / sqrt(1 / (own.now + a) + 1 / (own.before + a)) AS z
FROM own
INNER JOIN (SELECT term, sum(posts) AS posts FROM counts WHERE term IN (SELECT term FROM own) GROUP BY term) AS usual
    ON usual.term = own.term
WHERE own.term != '' AND z >= {least:Float64}
ORDER BY z DESC, term
LIMIT {limit:UInt32}
