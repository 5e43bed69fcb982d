-- The mentions of one day and partition, instants in milliseconds, with the place of the record that each was made of.
SELECT
    tmdb_id,
    platform,
    post_id,
    toUnixTimestamp64Milli(m.created_at) AS created_at,
    community,
    kind,
    location,
    method,
    confidence,
    thread_id,
    score,
    num_comments,
    toUnixTimestamp64Milli(m.observed_at) AS observed_at,
    linker_version,
    origin,
    sentiment,
    author_sketch,
    source_offset,
    revision
FROM mentions AS m FINAL
WHERE toDate(m.created_at) = {day:Date} AND source_partition = {partition:Int32}
