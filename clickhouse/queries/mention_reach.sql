-- How far the mentions of a day reach, of the films given: communities, engagement, and what of HyperLogLog's registers
-- the authors fill.
SELECT
    tmdb_id,
    uniqExact(community) AS communities,
    sum(log(1 + greatest(score, 0) + greatest(ifNull(num_comments, 0), 0))) AS engagement_weight,
    maxMapIf([bitShiftRight(assumeNotNull(author_sketch), 6)], [bitAnd(assumeNotNull(author_sketch), 63)],
        author_sketch IS NOT NULL).2 AS ranks
FROM mentions FINAL
PREWHERE toDate(created_at) = {day:Date} AND tmdb_id IN {films:Array(Int64)}
GROUP BY tmdb_id
SETTINGS max_threads = 1
