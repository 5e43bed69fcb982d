-- As films_shown.sql tells it at the end of a day, of films that TMDB had shown by then; of the others the title alone.
SELECT
    f.tmdb_id AS tmdb_id, f.title AS title, f.release_date AS release_date,
    if(p.last = 0, NULL, reinterpretAsFloat64(toUInt64(p.last))) AS popularity,
    if(p.last = 0, NULL, toInt64(bitShiftRight(p.last, 128)) - 1) AS popularity_at_ms
FROM (SELECT tmdb_id, title, release_date FROM films FINAL WHERE tmdb_id IN {films:Array(Int64)}) AS f
LEFT JOIN
(
    SELECT tmdb_id, max(h.popularity) AS last
    FROM popularity_histories AS h
    WHERE tmdb_id IN {films:Array(Int64)} AND day <= {day:Date}
    GROUP BY tmdb_id
) AS p ON p.tmdb_id = f.tmdb_id
SETTINGS max_threads = 1
