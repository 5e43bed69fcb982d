-- How many rows of words have been here for as long as text may be.
SELECT count() AS found FROM mention_terms WHERE kafka_timestamp < now64(3) - toIntervalSecond({life_seconds:UInt32})
