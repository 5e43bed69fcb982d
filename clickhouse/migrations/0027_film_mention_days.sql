-- What mention_days is for days, this is for films: a film's days lie together, with how its mentions are spread and how
-- they speak of it added up, so that what is asked of a film costs what its days cost, not what its mentions do. The sink
-- keeps it as it keeps mention_days (clickhouse/mention_days.py). No LowCardinality: of a few rows its dictionaries take
-- longer to read than the texts.
CREATE TABLE IF NOT EXISTS film_mention_days
(
    tmdb_id Int64 COMMENT 'TMDB movie id',
    day Date COMMENT 'UTC day of the posts, half-open [00:00, 24:00)',
    at_ms Array(UInt32) COMMENT 'When each post was written, milliseconds since the day began',
    communities Map(String, UInt32) COMMENT 'Mentions by community',
    methods Map(String, UInt32) COMMENT 'Mentions by location and method of the linker, with a space between',
    confidences Map(String, Float64) COMMENT 'Sum of the confidences of these mentions, by the same names',
    certain UInt32 COMMENT 'How many of the posts have a confidence of 0.8 and more',
    sentiment_n UInt32 COMMENT 'Mentions that have a sentiment',
    sentiment_sum Float64 COMMENT 'Sum of their compounds, each -1 to 1',
    sentiment_squares Float64 COMMENT 'Sum of the squares of their compounds',
    positive UInt32 COMMENT 'Mentions with a compound of 0.05 and more',
    negative UInt32 COMMENT 'Mentions with a compound of -0.05 and less',
    digest UInt64 COMMENT 'Of which mentions it was made; 0 where none is left',
    kept_at DateTime64(3, 'UTC') COMMENT 'When the mentions were read, UTC; the highest wins'
)
ENGINE = ReplacingMergeTree(kept_at)
PARTITION BY toYear(day)
ORDER BY (tmdb_id, day)
-- Of a film that is much talked about a row may be large, and a few days of it are read at once.
SETTINGS index_granularity = 256, index_granularity_bytes = 1048576, non_replicated_deduplication_window = 10000
COMMENT 'Live mentions by film and UTC day, the days of a film together, made from mentions once the day is over. Read with FINAL.';

-- A day that is kept is in both tables, so no day is until the sink has made it anew; until then mentions are read.
TRUNCATE TABLE IF EXISTS mention_days_kept
