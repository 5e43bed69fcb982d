-- The mentions that a tombstone hides, where the tombstone is the last word and old enough.
ALTER TABLE mentions DELETE WHERE is_deleted = 0 AND (tmdb_id, platform, post_id) IN
(
    SELECT tmdb_id, platform, post_id
    FROM mentions
    WHERE (tmdb_id, platform, post_id) IN (SELECT tmdb_id, platform, post_id FROM mentions WHERE is_deleted = 1)
    GROUP BY tmdb_id, platform, post_id
    HAVING argMax(is_deleted, revision) = 1 AND max(ingested_at) < now64(3) - toIntervalSecond({age_seconds:UInt32})
)
