-- Film-days of which mention_days or film_mention_days says something else than mentions, of the days that they are said to
-- have as they are.
WITH days AS
(
    SELECT day FROM mention_days_kept FINAL
    WHERE (day, fingerprint) IN
        (SELECT toDate(created_at), sum(cityHash64(tmdb_id, revision, is_deleted)) FROM mentions GROUP BY 1)
)
SELECT DISTINCT day, tmdb_id, m.stored AS stored, k.kept AS kept
FROM
(
    SELECT arrayJoin(['day', 'film']) AS kept_by, day, tmdb_id, stored, digest
    FROM
    (
        SELECT
            toDate(created_at) AS day, tmdb_id, count() AS stored, sum(cityHash64(platform, post_id, revision)) AS digest
        FROM mentions FINAL
        WHERE toDate(created_at) IN days
        GROUP BY day, tmdb_id
    )
) AS m
FULL JOIN
(
    SELECT 'day' AS kept_by, day, tmdb_id, length(at_ms) AS kept, digest
    FROM mention_days FINAL
    WHERE day IN days AND notEmpty(at_ms)
    UNION ALL
    SELECT 'film' AS kept_by, day, tmdb_id, length(at_ms) AS kept, digest
    FROM film_mention_days FINAL
    WHERE day IN days AND notEmpty(at_ms)
) AS k USING (kept_by, day, tmdb_id)
WHERE m.stored != k.kept OR m.digest != k.digest
ORDER BY day, tmdb_id
LIMIT {limit:UInt32}
