-- The counts of one day and partition, the day counted from 1970, with the place of the record that each was made of.
SELECT
    tmdb_id,
    toInt32(c.day) AS day,
    mentions,
    submissions,
    comments,
    state,
    closed_revision,
    source_offset,
    revision
FROM mention_counts AS c FINAL
WHERE c.day = {day:Date} AND source_partition = {partition:Int32}
