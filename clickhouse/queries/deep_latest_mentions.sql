-- Where the newest record stored of each of some mentions came from, tombstones included; `others`: ids of posts.
SELECT
    tmdb_id,
    platform,
    post_id,
    argMax(m.source_partition, m.revision) AS source_partition,
    argMax(m.source_offset, m.revision) AS source_offset,
    max(m.revision) AS revision
FROM mentions AS m
WHERE tmdb_id IN {films:Array(Int64)} AND post_id IN {others:Array(String)}
GROUP BY tmdb_id, platform, post_id
