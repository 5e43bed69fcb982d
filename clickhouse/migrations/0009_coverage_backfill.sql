-- What a backfill has read whole closes the gaps that polls left in the same event time.
ALTER TABLE coverage
    ADD COLUMN IF NOT EXISTS covered_from Nullable(DateTime64(3, 'UTC')) COMMENT 'Begin of the event time that a backfill has read whole, UTC; null on a poll' AFTER rate_limit_reset_seconds,
    ADD COLUMN IF NOT EXISTS covered_to Nullable(DateTime64(3, 'UTC')) COMMENT 'End of the event time that a backfill has read whole, UTC; null on a poll' AFTER covered_from
