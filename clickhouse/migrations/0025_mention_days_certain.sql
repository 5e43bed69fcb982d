-- What `--certain` asks of a whole day is one number of a film, so it need not be counted from all confidences each time.
-- The bound is `CERTAIN` of clickhouse/trends.py.
ALTER TABLE mention_days
    ADD COLUMN IF NOT EXISTS certain UInt32 DEFAULT toUInt32(arrayCount(sure -> sure >= 0.8, confidences))
    COMMENT 'How many of the posts have a confidence of 0.8 and more' AFTER confidences;

ALTER TABLE mention_days MATERIALIZE COLUMN certain;
