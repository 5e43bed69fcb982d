-- What mention_days has to say of the days given: the films of which it says something else.
INSERT INTO mention_days (day, tmdb_id, at_ms, communities, confidences, engagement_weight, authors, digest, kept_at)
WITH
    -- HyperLogLog over 1,024 registers, and linear counting of few; cinepulse/authors.py has the source.
    ranks -> 0.7213 / (1 + 1.079 / 1024) * 1048576 / (1024 - length(ranks) + arraySum(rank -> exp2(-rank), ranks))
        AS by_ranks,
    ranks -> if(by_ranks(ranks) <= 2560 AND length(ranks) < 1024, 1024 * log(1024 / (1024 - length(ranks))),
        by_ranks(ranks)) AS distinct_authors
SELECT
    day, tmdb_id, m.at_ms, m.communities, m.confidences, m.weight,
    if(empty(m.ranks), NULL, distinct_authors(m.ranks)), m.digest, fromUnixTimestamp64Milli({read_ms:Int64}, 'UTC')
FROM
(
    SELECT
        toDate(created_at) AS day,
        tmdb_id,
        groupArray(toUInt32(toUnixTimestamp64Milli(created_at) % 86400000)) AS at_ms,
        groupArray(community) AS communities,
        groupArray(confidence) AS confidences,
        sum(log(1 + greatest(score, 0) + greatest(ifNull(num_comments, 0), 0))) AS weight,
        maxMapIf([bitShiftRight(assumeNotNull(author_sketch), 6)], [bitAnd(assumeNotNull(author_sketch), 63)],
            author_sketch IS NOT NULL).2 AS ranks,
        sum(cityHash64(platform, post_id, revision)) AS digest
    FROM mentions FINAL
    PREWHERE toDate(created_at) IN {days:Array(Date)}
    GROUP BY day, tmdb_id
) AS m
FULL JOIN (SELECT day, tmdb_id, digest FROM mention_days FINAL WHERE day IN {days:Array(Date)}) AS k USING (day, tmdb_id)
WHERE m.digest != k.digest
SETTINGS do_not_merge_across_partitions_select_final = 1
