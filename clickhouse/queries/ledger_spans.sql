-- Every confirmed range, of every topic that had the name.
SELECT topic, topic_id, epoch, partition, first_offset, last_offset
FROM sink_batches FINAL
ORDER BY topic, epoch, partition, first_offset
