-- Counts the posts of each film, day and term anew from the words that are still there, and stores what has changed:
-- terms of two posts and more, in the row with the empty term the sum over all terms, and 0 where nothing is left. A day
-- from whose words some have expired is settled: it stays as it was last counted. Film 0 stands for all films together.
INSERT INTO term_counts (tmdb_id, day, term, posts, oldest_at)
WITH
    now64(3) - toIntervalSecond({life_seconds:UInt32}) AS expired,
    near AS
    (
        SELECT arrayJoin([0, tmdb_id]) AS tmdb_id, toDate(created_at) AS day, terms, kafka_timestamp
        FROM mention_terms FINAL
        WHERE kafka_timestamp >= expired
    ),
    before AS
    (
        SELECT tmdb_id, day, term, posts, oldest_at
        FROM term_counts FINAL
        WHERE day IN (SELECT day FROM term_counts WHERE oldest_at >= expired)
            OR day IN (SELECT toDate(created_at) FROM mention_terms)
    ),
    days AS
    (
        SELECT tmdb_id, day, min(seen_at) AS oldest, countIf(was_counted AND seen_at < expired) AS settled
        FROM
        (
            SELECT tmdb_id, day, kafka_timestamp AS seen_at, 0 AS was_counted FROM near
            UNION ALL
            SELECT tmdb_id, day, oldest_at AS seen_at, 1 AS was_counted FROM before
        )
        GROUP BY tmdb_id, day
    )
SELECT counted.tmdb_id, counted.day, counted.term, counted.posts_now, days.oldest
FROM
(
    SELECT tmdb_id, day, term, sum(now) AS posts_now, sum(then) AS posts_then
    FROM
    (
        SELECT tmdb_id, day, arrayJoin(terms) AS term, count() AS now, 0 AS then
        FROM near
        GROUP BY tmdb_id, day, term
        HAVING now >= 2 AND term != ''
        UNION ALL
        SELECT tmdb_id, day, '' AS term, sum(length(terms)) AS now, 0 AS then
        FROM near
        GROUP BY tmdb_id, day
        UNION ALL
        SELECT tmdb_id, day, term, 0 AS now, posts AS then
        FROM before
    )
    GROUP BY tmdb_id, day, term
) AS counted
INNER JOIN days ON days.tmdb_id = counted.tmdb_id AND days.day = counted.day
WHERE days.settled = 0 AND counted.posts_now != counted.posts_then
