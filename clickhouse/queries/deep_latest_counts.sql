-- Where the newest record stored of each of some counts came from; `others`: days, counted from 1970.
SELECT
    tmdb_id,
    toInt32(c.day) AS day,
    argMax(c.source_partition, c.revision) AS source_partition,
    argMax(c.source_offset, c.revision) AS source_offset,
    max(c.revision) AS revision
FROM mention_counts AS c
WHERE tmdb_id IN {films:Array(Int64)} AND toString(toInt32(c.day)) IN {others:Array(String)}
GROUP BY tmdb_id, c.day
