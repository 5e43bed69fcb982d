-- Words that have been here for as long as text may be.
ALTER TABLE mention_terms DELETE WHERE kafka_timestamp < now64(3) - toIntervalSecond({life_seconds:UInt32})
