-- Every confirmed range of the newest topic of each name.
SELECT topic, partition, epoch, first_offset, last_offset
FROM sink_batches FINAL
WHERE (topic, epoch) IN (SELECT topic, max(epoch) FROM sink_batches GROUP BY topic)
ORDER BY topic, partition, first_offset
