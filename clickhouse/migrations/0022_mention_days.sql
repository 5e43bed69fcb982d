-- A day's live mentions of a film in one row, so that what is asked of weeks of them costs what films cost, not what
-- mentions do: the first twelve hours of 28 days in a tenth of the time. The sink keeps it (clickhouse/mention_days.py),
-- day by day from the mentions, those that are stored already as well; what reads it takes the days that are kept and
-- the mentions themselves of all others.
CREATE TABLE IF NOT EXISTS mention_days
(
    day Date COMMENT 'UTC day of the posts, half-open [00:00, 24:00)',
    tmdb_id Int64 COMMENT 'TMDB movie id',
    at_ms Array(UInt32) COMMENT 'When each post was written, milliseconds since the day began',
    communities Array(LowCardinality(String)) COMMENT 'Community of each post, in the same order',
    confidences Array(Float64) COMMENT 'Probability that each link is right, 0 to 1, in the same order',
    engagement_weight Float64 COMMENT 'Sum of ln(1 + score + comments) over the posts, as last observed',
    authors Nullable(Float64) COMMENT 'About how many distinct authors; null without an observation',
    digest UInt64 COMMENT 'Of which mentions it was made; 0 where none is left',
    kept_at DateTime64(3, 'UTC') COMMENT 'When the mentions were read, UTC; the highest wins'
)
ENGINE = ReplacingMergeTree(kept_at)
PARTITION BY toYear(day)
ORDER BY (day, tmdb_id)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Live mentions by film and UTC day, a row each, made from mentions once the day is over. Read with FINAL.';

CREATE TABLE IF NOT EXISTS mention_days_kept
(
    day Date COMMENT 'UTC day that mention_days has',
    fingerprint UInt64 COMMENT 'Of the rows in mentions that it was made of; where theirs is another, it is made anew',
    kept_at DateTime64(3, 'UTC') COMMENT 'When the mentions were read, UTC; the highest wins'
)
ENGINE = ReplacingMergeTree(kept_at)
ORDER BY day
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Days that mention_days has. Read with FINAL.'
