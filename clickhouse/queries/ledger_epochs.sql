-- The ids of the topics that the ledger knows, by epoch.
SELECT DISTINCT topic, topic_id, epoch
FROM sink_batches
ORDER BY topic, epoch
