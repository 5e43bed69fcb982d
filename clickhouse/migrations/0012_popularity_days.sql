-- One row a film and day, so that a day's trends read the days they need and not every snapshot. Each column is the last
-- or the greatest of something: a snapshot that is delivered twice, or filled in while it arrives, changes nothing.
CREATE TABLE IF NOT EXISTS popularity_days
(
    day Date COMMENT 'UTC day of the snapshots',
    tmdb_id Int64 COMMENT 'TMDB movie id',
    popularity AggregateFunction(argMax, Nullable(Float64), UInt128) COMMENT 'Last TMDB popularity known of the day, no unit; read with finalizeAggregation',
    vote_count AggregateFunction(argMax, Nullable(Int64), UInt128) COMMENT 'Last count of votes known of the day; read with finalizeAggregation',
    vote_average AggregateFunction(argMax, Nullable(Float64), UInt128) COMMENT 'Last mean vote known of the day, 0 to 10; read with finalizeAggregation',
    peak SimpleAggregateFunction(max, Nullable(Float64)) COMMENT 'Highest TMDB popularity of the day, no unit',
    seen_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'Last snapshot of the day, UTC',
    ingested_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'When the last of its snapshots was inserted, UTC'
)
ENGINE = AggregatingMergeTree
PARTITION BY toYear(day)
ORDER BY (day, tmdb_id)
-- As long as the snapshots that it is made of.
TTL toDateTime(ingested_at) + INTERVAL 400 DAY
COMMENT 'Popularity and votes by film and UTC day, made from popularity. Read with FINAL. This product uses the TMDB API but is not endorsed or certified by TMDB.';

CREATE MATERIALIZED VIEW IF NOT EXISTS popularity_into_days TO popularity_days
(
    day Date COMMENT 'UTC day of the snapshots',
    tmdb_id Int64 COMMENT 'TMDB movie id',
    popularity AggregateFunction(argMax, Nullable(Float64), UInt128) COMMENT 'Last TMDB popularity known',
    vote_count AggregateFunction(argMax, Nullable(Int64), UInt128) COMMENT 'Last count of votes known',
    vote_average AggregateFunction(argMax, Nullable(Float64), UInt128) COMMENT 'Last mean vote known',
    peak Nullable(Float64) COMMENT 'Highest TMDB popularity',
    seen_at DateTime64(3, 'UTC') COMMENT 'Last snapshot, UTC',
    ingested_at DateTime64(3, 'UTC') COMMENT 'When the last of them was inserted, UTC'
)
AS WITH
    -- Later is what was seen later and, of the same instant, what has the higher revision: one number, since an order
    -- by two values takes five times as long.
    bitOr(bitShiftLeft(toUInt128(toUnixTimestamp64Milli(s.observed_at)), 64), toUInt128(s.revision)) AS order_of_seeing
SELECT
    toDate(s.observed_at) AS day,
    s.tmdb_id AS tmdb_id,
    argMaxState(s.popularity, order_of_seeing) AS popularity,
    argMaxState(s.vote_count, order_of_seeing) AS vote_count,
    argMaxState(s.vote_average, order_of_seeing) AS vote_average,
    max(s.popularity) AS peak,
    max(s.observed_at) AS seen_at,
    max(s.ingested_at) AS ingested_at
FROM popularity AS s
GROUP BY day, tmdb_id
COMMENT 'Keeps popularity_days up to date';

-- What was stored before; what arrives meanwhile is in it twice, and counts once.
INSERT INTO popularity_days
WITH
    bitOr(bitShiftLeft(toUInt128(toUnixTimestamp64Milli(s.observed_at)), 64), toUInt128(s.revision)) AS order_of_seeing
SELECT
    toDate(s.observed_at) AS day,
    s.tmdb_id AS tmdb_id,
    argMaxState(s.popularity, order_of_seeing) AS popularity,
    argMaxState(s.vote_count, order_of_seeing) AS vote_count,
    argMaxState(s.vote_average, order_of_seeing) AS vote_average,
    max(s.popularity) AS peak,
    max(s.observed_at) AS seen_at,
    max(s.ingested_at) AS ingested_at
FROM popularity AS s
GROUP BY day, tmdb_id
