-- The mentions that the log has and the live table has not, or otherwise, with the revisions of the log; and the end of
-- those that the log does not have, with the revision of the row that they end: of equal revisions the last one counts.
INSERT INTO mentions
(
    tmdb_id, platform, post_id, created_at, community, kind, location, method, confidence, thread_id, score,
    num_comments, observed_at, linker_version, origin, sentiment, author_sketch, source_partition, source_offset,
    kafka_timestamp, revision, is_deleted
)
SELECT
    tmdb_id, platform, post_id, created_at, community, kind, location, method, confidence, thread_id, score,
    num_comments, observed_at, linker_version, origin, sentiment, author_sketch, source_partition, source_offset,
    kafka_timestamp, revision, is_deleted
FROM {shadow:Identifier}.mentions FINAL
WHERE (toDate(created_at), tmdb_id, platform, post_id) IN
    (SELECT day, tmdb_id, platform, post_id FROM {shadow:Identifier}.mention_differences WHERE difference != 'only_live')
UNION ALL
SELECT
    tmdb_id, platform, post_id, created_at, '', 'unknown', 'unknown', '', 0, NULL, 0,
    NULL, observed_at, '', '', NULL, NULL, source_partition, source_offset,
    kafka_timestamp, revision, 1
FROM mentions FINAL
WHERE (toDate(created_at), tmdb_id, platform, post_id) IN
    (SELECT day, tmdb_id, platform, post_id FROM {shadow:Identifier}.mention_differences WHERE difference = 'only_live')
