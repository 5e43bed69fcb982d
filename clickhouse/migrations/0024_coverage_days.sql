-- What the polls of a source tell about weeks, in a few rows a day and with what they missed by itself: otherwise whoever
-- asks how much of a month is known reads every poll of it. Only least and greatest values, and rows that are the same
-- each time: a report that is delivered twice changes nothing.
CREATE TABLE IF NOT EXISTS coverage_days
(
    source LowCardinality(String) COMMENT 'reddit or tmdb',
    day Date COMMENT 'UTC day on which the polls began',
    listing LowCardinality(String) COMMENT 'What was polled',
    first_success SimpleAggregateFunction(min, Nullable(DateTime64(3, 'UTC'))) COMMENT 'When the first poll that succeeded began, UTC; null without one',
    last_success SimpleAggregateFunction(max, Nullable(DateTime64(3, 'UTC'))) COMMENT 'When the last poll that succeeded began, UTC; null without one',
    last_poll SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'When the last poll began, UTC'
)
ENGINE = AggregatingMergeTree
ORDER BY (source, day, listing)
COMMENT 'How far the polls of each listing reached by UTC day, made from coverage.';

CREATE MATERIALIZED VIEW IF NOT EXISTS coverage_into_days TO coverage_days
(
    source LowCardinality(String) COMMENT 'reddit or tmdb',
    day Date COMMENT 'UTC day on which the polls began',
    listing LowCardinality(String) COMMENT 'What was polled',
    first_success Nullable(DateTime64(3, 'UTC')) COMMENT 'When the first poll that succeeded began, UTC',
    last_success Nullable(DateTime64(3, 'UTC')) COMMENT 'When the last poll that succeeded began, UTC',
    last_poll DateTime64(3, 'UTC') COMMENT 'When the last poll began, UTC'
)
AS SELECT
    c.source AS source,
    toDate(c.started_at) AS day,
    c.listing AS listing,
    minOrNullIf(c.started_at, c.outcome IN ('ok', 'overflowed')) AS first_success,
    maxOrNullIf(c.started_at, c.outcome IN ('ok', 'overflowed')) AS last_success,
    max(c.started_at) AS last_poll
FROM coverage AS c
WHERE c.listing != 'info' AND c.covered_from IS NULL
GROUP BY c.source, day, c.listing
COMMENT 'Keeps coverage_days up to date';

INSERT INTO coverage_days
SELECT
    c.source AS source,
    toDate(c.started_at) AS day,
    c.listing AS listing,
    minOrNullIf(c.started_at, c.outcome IN ('ok', 'overflowed')) AS first_success,
    maxOrNullIf(c.started_at, c.outcome IN ('ok', 'overflowed')) AS last_success,
    max(c.started_at) AS last_poll
FROM coverage AS c
WHERE c.listing != 'info' AND c.covered_from IS NULL
GROUP BY c.source, day, c.listing;

CREATE TABLE IF NOT EXISTS coverage_stretches
(
    source LowCardinality(String) COMMENT 'reddit or tmdb',
    started_at DateTime64(3, 'UTC') COMMENT 'When the poll or backfill began that tells of it, UTC',
    finished_at DateTime64(3, 'UTC') COMMENT 'When it ended, UTC',
    listing LowCardinality(String) COMMENT 'What was polled',
    is_gap UInt8 COMMENT '1 for what a poll missed, 0 for what a backfill has read whole',
    begins_at DateTime64(3, 'UTC') COMMENT 'First instant of event time, UTC',
    ends_at DateTime64(3, 'UTC') COMMENT 'Instant after the last, UTC'
)
ENGINE = ReplacingMergeTree
ORDER BY (source, started_at, listing, is_gap, begins_at, ends_at, finished_at)
COMMENT 'Stretches of event time that polls missed or backfills have read whole, made from coverage. Read with DISTINCT.';

CREATE MATERIALIZED VIEW IF NOT EXISTS coverage_into_stretches TO coverage_stretches
(
    source LowCardinality(String) COMMENT 'reddit or tmdb',
    started_at DateTime64(3, 'UTC') COMMENT 'When the poll or backfill began that tells of it, UTC',
    finished_at DateTime64(3, 'UTC') COMMENT 'When it ended, UTC',
    listing LowCardinality(String) COMMENT 'What was polled',
    is_gap UInt8 COMMENT '1 for what a poll missed, 0 for what a backfill has read whole',
    begins_at DateTime64(3, 'UTC') COMMENT 'First instant of event time, UTC',
    ends_at DateTime64(3, 'UTC') COMMENT 'Instant after the last, UTC'
)
AS SELECT
    c.source AS source,
    c.started_at AS started_at,
    c.finished_at AS finished_at,
    c.listing AS listing,
    c.covered_from IS NULL AS is_gap,
    assumeNotNull(coalesce(c.covered_from, c.gap_from)) AS begins_at,
    assumeNotNull(coalesce(c.covered_to, c.gap_to)) AS ends_at
FROM coverage AS c
WHERE c.listing != 'info'
    AND coalesce(c.covered_from, c.gap_from) IS NOT NULL AND coalesce(c.covered_to, c.gap_to) IS NOT NULL
COMMENT 'Keeps coverage_stretches up to date';

INSERT INTO coverage_stretches
SELECT
    c.source AS source,
    c.started_at AS started_at,
    c.finished_at AS finished_at,
    c.listing AS listing,
    c.covered_from IS NULL AS is_gap,
    assumeNotNull(coalesce(c.covered_from, c.gap_from)) AS begins_at,
    assumeNotNull(coalesce(c.covered_to, c.gap_to)) AS ends_at
FROM coverage AS c
WHERE c.listing != 'info'
    AND coalesce(c.covered_from, c.gap_from) IS NOT NULL AND coalesce(c.covered_to, c.gap_to) IS NOT NULL
