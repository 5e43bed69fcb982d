-- About how many distinct authors mention a film on a day: HyperLogLog over 1,024 registers, and linear counting of few;
-- cinepulse/authors.py has the source. Films without an observation are left out.
SELECT
    tmdb_id,
    if(by_ranks <= 2560 AND filled < 1024, 1024 * log(1024 / (1024 - filled)), by_ranks) AS authors
FROM
(
    SELECT
        tmdb_id,
        count() AS filled,
        0.7213 / (1 + 1.079 / 1024) * 1048576 / (1024 - count() + sum(exp2(-highest))) AS by_ranks
    FROM
    (
        SELECT tmdb_id, max(bitAnd(assumeNotNull(author_sketch), 63)) AS highest
        FROM mentions FINAL
        PREWHERE toDate(created_at) = {day:Date}
        WHERE author_sketch IS NOT NULL
        GROUP BY tmdb_id, bitShiftRight(assumeNotNull(author_sketch), 6)
    )
    GROUP BY tmdb_id
)
