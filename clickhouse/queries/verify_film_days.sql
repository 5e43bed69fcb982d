-- As verify_days.sql tells it, of film_mention_days.
WITH days AS
(
    SELECT day FROM mention_days_kept FINAL
    WHERE (day, fingerprint) IN
        (SELECT toDate(created_at), sum(cityHash64(tmdb_id, revision, is_deleted)) FROM mentions GROUP BY 1)
)
SELECT day, tmdb_id, m.stored AS stored, k.kept AS kept
FROM
(
    SELECT
        toDate(created_at) AS day, tmdb_id, count() AS stored, sum(cityHash64(platform, post_id, revision)) AS digest
    FROM mentions FINAL
    WHERE toDate(created_at) IN days
    GROUP BY day, tmdb_id
) AS m
FULL JOIN
(
    SELECT day, tmdb_id, length(at_ms) AS kept, digest FROM film_mention_days FINAL WHERE day IN days AND notEmpty(at_ms)
) AS k USING (day, tmdb_id)
WHERE m.stored != k.kept OR m.digest != k.digest
ORDER BY day, tmdb_id
LIMIT {limit:UInt32}
