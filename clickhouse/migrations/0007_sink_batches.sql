-- The ledger: what the sink has confirmed. An entry grows while consecutive batches are confirmed, so that its size is
-- that of the sink's restarts and not of its flushes.
CREATE TABLE IF NOT EXISTS sink_batches
(
    topic LowCardinality(String) COMMENT 'Kafka topic',
    topic_id LowCardinality(String) COMMENT 'Id that Kafka gave the topic when it was made; another id is another topic of the same name',
    epoch UInt16 COMMENT 'How many topics of this name came before',
    partition Int32 COMMENT 'Kafka partition',
    first_offset UInt64 COMMENT 'First offset of the range',
    last_offset UInt64 COMMENT 'Last offset of the range; every record from the first to it is stored, dead-lettered or compacted away',
    rows UInt64 COMMENT 'Rows inserted for the range',
    dead_letters UInt64 COMMENT 'Records of the range that went to dead letters',
    batches UInt64 COMMENT 'Batches the range is made of',
    confirmed_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the last batch of the range was confirmed, UTC'
)
ENGINE = ReplacingMergeTree(last_offset)
ORDER BY (topic, epoch, partition, first_offset)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Offset ranges whose records are stored. Written after the insert and before the commit. Read with FINAL.'
