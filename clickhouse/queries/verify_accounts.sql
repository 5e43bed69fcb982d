-- Every confirmed range with what became of its records, and how many of its dead letters the table dead_letters has.
-- `judged`: young enough that they are still there.
SELECT
    b.topic AS topic,
    b.topic_id AS topic_id,
    b.partition AS partition,
    b.first_offset AS first_offset,
    b.last_offset AS last_offset,
    b.rows AS rows,
    b.dead_letters AS dead_letters,
    b.confirmed_at > now() - INTERVAL 29 DAY AS judged,
    arrayCount(o -> o BETWEEN b.first_offset AND b.last_offset, l.offsets) AS letters
FROM (SELECT * FROM sink_batches FINAL) AS b
LEFT JOIN
(
    SELECT source, assumeNotNull(partition) AS number, groupUniqArray(assumeNotNull(offset)) AS offsets
    FROM dead_letters
    WHERE stage = 'sink' AND partition IS NOT NULL AND offset IS NOT NULL
    GROUP BY source, number
) AS l ON l.source = b.topic AND l.number = b.partition
ORDER BY topic, partition, first_offset
