-- How many mentions are stored and how many of them are different ones, how many records they were made of, and how many
-- repeated inserts the server has refused by their token since it started. Identities are compared by 64 bits: among ten
-- million, one pair is alike by chance once in 300,000 checks.
SELECT
    count() AS stored,
    uniqExact(sipHash64(tmdb_id, platform, post_id)) AS different,
    (SELECT sum(rows) FROM sink_batches FINAL WHERE topic = {topic:String}) AS delivered,
    (SELECT sum(value) FROM system.events WHERE event = 'DuplicatedInsertedBlocks') AS refused
FROM mentions FINAL
