-- The tombstones that hide nothing any more.
ALTER TABLE mentions DELETE WHERE is_deleted = 1 AND (tmdb_id, platform, post_id) IN
(
    SELECT tmdb_id, platform, post_id
    FROM mentions
    WHERE (tmdb_id, platform, post_id) IN (SELECT tmdb_id, platform, post_id FROM mentions WHERE is_deleted = 1)
    GROUP BY tmdb_id, platform, post_id
    HAVING min(is_deleted) = 1 AND max(ingested_at) < now64(3) - toIntervalSecond({age_seconds:UInt32})
)
