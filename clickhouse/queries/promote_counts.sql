-- The counts of the film-days that differ. A row says at least the revision of the one that it replaces, since of equal
-- revisions the last one counts; the next mention that is counted has a higher one. A film-day that the replay does not
-- know has the mentions that the log no longer knows, none as a rule.
INSERT INTO mention_counts
(
    tmdb_id, day, mentions, submissions, comments, state, watermark, oldest_observed_at, newest_observed_at,
    source_partition, source_offset, kafka_timestamp, revision
)
SELECT
    d.tmdb_id, d.day, d.replayed,
    if(r.revision = 0, 0, r.submissions), if(r.revision = 0, 0, r.comments),
    if(l.revision = 0, r.state, l.state), greatest(r.watermark, l.watermark),
    if(r.revision = 0, l.oldest_observed_at, r.oldest_observed_at),
    if(r.revision = 0, l.newest_observed_at, r.newest_observed_at),
    if(r.revision = 0, l.source_partition, r.source_partition),
    if(r.revision = 0, l.source_offset, r.source_offset),
    if(r.revision = 0, l.kafka_timestamp, r.kafka_timestamp),
    greatest(r.revision, l.revision)
FROM {shadow:Identifier}.count_differences AS d
LEFT JOIN (SELECT * FROM {shadow:Identifier}.mention_counts FINAL) AS r ON r.tmdb_id = d.tmdb_id AND r.day = d.day
LEFT JOIN
(
    SELECT * FROM mention_counts FINAL
    WHERE (day, tmdb_id) IN (SELECT day, tmdb_id FROM {shadow:Identifier}.count_differences)
) AS l ON l.tmdb_id = d.tmdb_id AND l.day = d.day
