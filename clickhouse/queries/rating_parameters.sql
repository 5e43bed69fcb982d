-- The weight and the mean of the weighted rating, m and c, from all films with votes, as kpi_films.sql has them.
SELECT
    quantileExactInclusive(0.9)(if(votes > 0, votes, NULL)) AS m,
    avg(if(votes > 0, score, NULL)) AS c
FROM
(
    SELECT
        if(known > 0, toInt64(known), f.vote_count) AS votes,
        if(known > 0, if(rated > 0, reinterpretAsFloat64(toUInt64(rated)), NULL), f.vote_average) AS score
    FROM (SELECT tmdb_id, vote_count, vote_average FROM films FINAL) AS f
    LEFT JOIN
    (
        SELECT tmdb_id, if(max(s.v0) > 0, max(s.v0), max(s.v1)) AS known, if(max(s.s0) > 0, max(s.s0), max(s.s1)) AS rated
        FROM popularity_days AS s
        WHERE s.day = {day:Date}
        GROUP BY s.tmdb_id
    ) AS d ON d.tmdb_id = f.tmdb_id
)
SETTINGS max_threads = 1
