-- A closed day's later changes stay visible: whoever reads a final count sees whether it is the one that was closed.
ALTER TABLE mention_counts ADD COLUMN IF NOT EXISTS closed_revision UInt64
    COMMENT 'Revision that closed the day, 0 while it is open; a final count of a higher revision was revised after closing'
    AFTER newest_observed_at;
