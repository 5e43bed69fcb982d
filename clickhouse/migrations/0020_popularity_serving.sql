-- A day's trends read one row a film here, whatever they compare the day with, and a film's history lies together. All
-- of it is made of greatest values alone: a snapshot that is delivered twice, late, or filled in while it arrives,
-- changes nothing. A number is stored behind the instant and the revision of its snapshot, so that the greatest is the
-- last: value in bits 0 to 63 (of a Float64 its own bits, of a count the integer), revision in bits 64 to 127,
-- milliseconds since 1970 plus one in bits 128 to 191; 0 is unknown.
CREATE TABLE IF NOT EXISTS popularity_histories
(
    tmdb_id Int64 COMMENT 'TMDB movie id',
    day Date COMMENT 'UTC day of the snapshots',
    popularity SimpleAggregateFunction(max, UInt256) COMMENT 'Last TMDB popularity known of the day behind its instant and revision: reinterpretAsFloat64(toUInt64(popularity)), 0 is unknown',
    vote_count SimpleAggregateFunction(max, UInt256) COMMENT 'Last count of votes known of the day, likewise: toInt64(vote_count)',
    vote_average SimpleAggregateFunction(max, UInt256) COMMENT 'Last mean vote known of the day, 0 to 10, likewise: reinterpretAsFloat64(toUInt64(vote_average))',
    peak SimpleAggregateFunction(max, Nullable(Float64)) COMMENT 'Highest TMDB popularity of the day, no unit',
    seen_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'Last snapshot of the day, UTC',
    ingested_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'When the last of its snapshots was inserted, UTC'
)
ENGINE = AggregatingMergeTree
PARTITION BY toYear(day)
ORDER BY (tmdb_id, day)
-- As long as the snapshots that it is made of.
TTL toDateTime(ingested_at) + INTERVAL 400 DAY
-- A few films are read at once, each a few hundred rows.
SETTINGS index_granularity = 256
COMMENT 'Popularity and votes by film and UTC day, the days of a film together, made from popularity. Read with FINAL, or the greatest of each. This product uses the TMDB API but is not endorsed or certified by TMDB.';

CREATE MATERIALIZED VIEW IF NOT EXISTS popularity_into_histories TO popularity_histories
(
    tmdb_id Int64 COMMENT 'TMDB movie id',
    day Date COMMENT 'UTC day of the snapshots',
    popularity UInt256 COMMENT 'Last TMDB popularity known',
    vote_count UInt256 COMMENT 'Last count of votes known',
    vote_average UInt256 COMMENT 'Last mean vote known',
    peak Nullable(Float64) COMMENT 'Highest TMDB popularity',
    seen_at DateTime64(3, 'UTC') COMMENT 'Last snapshot, UTC',
    ingested_at DateTime64(3, 'UTC') COMMENT 'When the last of them was inserted, UTC'
)
AS WITH
    bitOr(bitShiftLeft(toUInt256(toUnixTimestamp64Milli(s.observed_at) + 1), 128),
        bitShiftLeft(toUInt256(s.revision), 64)) AS seen
SELECT
    s.tmdb_id AS tmdb_id,
    toDate(s.observed_at) AS day,
    max(ifNull(bitOr(seen, toUInt256(reinterpretAsUInt64(s.popularity))), 0)) AS popularity,
    max(ifNull(bitOr(seen, toUInt256(reinterpretAsUInt64(s.vote_count))), 0)) AS vote_count,
    max(ifNull(bitOr(seen, toUInt256(reinterpretAsUInt64(s.vote_average))), 0)) AS vote_average,
    max(s.popularity) AS peak,
    max(s.observed_at) AS seen_at,
    max(s.ingested_at) AS ingested_at
FROM popularity AS s
GROUP BY tmdb_id, day
COMMENT 'Keeps popularity_histories up to date, and so popularity_days';

-- What was stored before; what arrives meanwhile is in it twice, and counts once.
INSERT INTO popularity_histories (tmdb_id, day, popularity, vote_count, vote_average, peak, seen_at, ingested_at)
WITH
    bitOr(bitShiftLeft(toUInt256(toUnixTimestamp64Milli(s.observed_at) + 1), 128),
        bitShiftLeft(toUInt256(s.revision), 64)) AS seen
SELECT
    s.tmdb_id AS tmdb_id,
    toDate(s.observed_at) AS day,
    max(ifNull(bitOr(seen, toUInt256(reinterpretAsUInt64(s.popularity))), 0)) AS popularity,
    max(ifNull(bitOr(seen, toUInt256(reinterpretAsUInt64(s.vote_count))), 0)) AS vote_count,
    max(ifNull(bitOr(seen, toUInt256(reinterpretAsUInt64(s.vote_average))), 0)) AS vote_average,
    max(s.popularity) AS peak,
    max(s.observed_at) AS seen_at,
    max(s.ingested_at) AS ingested_at
FROM popularity AS s
GROUP BY tmdb_id, day;

DROP VIEW IF EXISTS popularity_on;

DROP VIEW IF EXISTS popularity_into_days;

DROP TABLE IF EXISTS popularity_days;

CREATE TABLE IF NOT EXISTS popularity_days
(
    day Date COMMENT 'UTC day that the numbers are compared on; up to 15 days after the last snapshot',
    tmdb_id Int64 COMMENT 'TMDB movie id',
    p0 SimpleAggregateFunction(max, UInt256) COMMENT 'Last TMDB popularity known of the day, as popularity_histories has it',
    p1 SimpleAggregateFunction(max, UInt256) COMMENT 'The same of the day before',
    p2 SimpleAggregateFunction(max, UInt256) COMMENT 'The same of two days before',
    p7 SimpleAggregateFunction(max, UInt256) COMMENT 'The same of seven days before with bit 200 set, else of eight days before',
    p14 SimpleAggregateFunction(max, UInt256) COMMENT 'The same of fourteen days before with bit 200 set, else of fifteen days before',
    v0 SimpleAggregateFunction(max, UInt256) COMMENT 'Last count of votes known of the day',
    v1 SimpleAggregateFunction(max, UInt256) COMMENT 'The same of the day before',
    v7 SimpleAggregateFunction(max, UInt256) COMMENT 'The same of seven days before with bit 200 set, else of eight days before',
    v14 SimpleAggregateFunction(max, UInt256) COMMENT 'The same of fourteen days before with bit 200 set, else of fifteen days before',
    s0 SimpleAggregateFunction(max, UInt256) COMMENT 'Last mean vote known of the day, 0 to 10',
    s1 SimpleAggregateFunction(max, UInt256) COMMENT 'The same of the day before',
    seen_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'Last snapshot of the day, UTC; 1970 where there is none',
    ingested_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'When the last of the snapshots was inserted, UTC'
)
ENGINE = AggregatingMergeTree
PARTITION BY toYear(day)
ORDER BY (day, tmdb_id)
TTL toDateTime(ingested_at) + INTERVAL 400 DAY
COMMENT 'What the trends of a UTC day compare, by day and film, made from popularity_histories. Read with FINAL. This product uses the TMDB API but is not endorsed or certified by TMDB.';

CREATE MATERIALIZED VIEW IF NOT EXISTS popularity_into_days TO popularity_days
(
    day Date COMMENT 'UTC day that the numbers are compared on',
    tmdb_id Int64 COMMENT 'TMDB movie id',
    p0 UInt256 COMMENT 'Last TMDB popularity known of the day',
    p1 UInt256 COMMENT 'The same of the day before',
    p2 UInt256 COMMENT 'The same of two days before',
    p7 UInt256 COMMENT 'The same of seven days before, else eight',
    p14 UInt256 COMMENT 'The same of fourteen days before, else fifteen',
    v0 UInt256 COMMENT 'Last count of votes known of the day',
    v1 UInt256 COMMENT 'The same of the day before',
    v7 UInt256 COMMENT 'The same of seven days before, else eight',
    v14 UInt256 COMMENT 'The same of fourteen days before, else fifteen',
    s0 UInt256 COMMENT 'Last mean vote known of the day',
    s1 UInt256 COMMENT 'The same of the day before',
    seen_at DateTime64(3, 'UTC') COMMENT 'Last snapshot of the day, UTC',
    ingested_at DateTime64(3, 'UTC') COMMENT 'When the last of the snapshots was inserted, UTC'
)
AS WITH
    number -> bitOr(number, bitShiftLeft(toUInt256(number != 0), 200)) AS preferred
SELECT
    h.day + ago AS day,
    h.tmdb_id AS tmdb_id,
    if(ago = 0, h.popularity, 0) AS p0,
    if(ago = 1, h.popularity, 0) AS p1,
    if(ago = 2, h.popularity, 0) AS p2,
    multiIf(ago = 7, preferred(h.popularity), ago = 8, h.popularity, 0) AS p7,
    multiIf(ago = 14, preferred(h.popularity), ago = 15, h.popularity, 0) AS p14,
    if(ago = 0, h.vote_count, 0) AS v0,
    if(ago = 1, h.vote_count, 0) AS v1,
    multiIf(ago = 7, preferred(h.vote_count), ago = 8, h.vote_count, 0) AS v7,
    multiIf(ago = 14, preferred(h.vote_count), ago = 15, h.vote_count, 0) AS v14,
    if(ago = 0, h.vote_average, 0) AS s0,
    if(ago = 1, h.vote_average, 0) AS s1,
    if(ago = 0, h.seen_at, fromUnixTimestamp64Milli(0, 'UTC')) AS seen_at,
    h.ingested_at AS ingested_at
FROM popularity_histories AS h
ARRAY JOIN [0, 1, 2, 7, 8, 14, 15] AS ago
-- The last day that a date can be.
WHERE toUInt32(h.day) + ago <= 65535
COMMENT 'Keeps popularity_days up to date';

-- One statement for each of the days that a snapshot is compared on, so that none takes long.
INSERT INTO popularity_days (day, tmdb_id, p0, v0, s0, seen_at, ingested_at)
SELECT h.day, h.tmdb_id, h.popularity, h.vote_count, h.vote_average, h.seen_at, h.ingested_at
FROM popularity_histories AS h;

INSERT INTO popularity_days (day, tmdb_id, p1, v1, s1, ingested_at)
SELECT h.day + 1, h.tmdb_id, h.popularity, h.vote_count, h.vote_average, h.ingested_at
FROM popularity_histories AS h
WHERE toUInt32(h.day) <= 65535 - 1;

INSERT INTO popularity_days (day, tmdb_id, p2, ingested_at)
SELECT h.day + 2, h.tmdb_id, h.popularity, h.ingested_at
FROM popularity_histories AS h
WHERE toUInt32(h.day) <= 65535 - 2;

INSERT INTO popularity_days (day, tmdb_id, p7, v7, ingested_at)
SELECT h.day + 7, h.tmdb_id, bitOr(h.popularity, bitShiftLeft(toUInt256(h.popularity != 0), 200)),
    bitOr(h.vote_count, bitShiftLeft(toUInt256(h.vote_count != 0), 200)), h.ingested_at
FROM popularity_histories AS h
WHERE toUInt32(h.day) <= 65535 - 7;

INSERT INTO popularity_days (day, tmdb_id, p7, v7, ingested_at)
SELECT h.day + 8, h.tmdb_id, h.popularity, h.vote_count, h.ingested_at
FROM popularity_histories AS h
WHERE toUInt32(h.day) <= 65535 - 8;

INSERT INTO popularity_days (day, tmdb_id, p14, v14, ingested_at)
SELECT h.day + 14, h.tmdb_id, bitOr(h.popularity, bitShiftLeft(toUInt256(h.popularity != 0), 200)),
    bitOr(h.vote_count, bitShiftLeft(toUInt256(h.vote_count != 0), 200)), h.ingested_at
FROM popularity_histories AS h
WHERE toUInt32(h.day) <= 65535 - 14;

INSERT INTO popularity_days (day, tmdb_id, p14, v14, ingested_at)
SELECT h.day + 15, h.tmdb_id, h.popularity, h.vote_count, h.ingested_at
FROM popularity_histories AS h
WHERE toUInt32(h.day) <= 65535 - 15;

-- What TMDB's numbers say of each film on one day, for whoever asks: popularity_on(day = '2026-11-20'). Days are calendar
-- days: what was not seen is null, never zero; only seven and fourteen days ago may be a day earlier where that very
-- day is missing. docs/metrics.md has the formulas. Each step is a query of its own, since the engine writes out a name
-- that is used on the step it is made in, and takes longer over that than over the rows.
CREATE VIEW IF NOT EXISTS popularity_on AS
SELECT
    *,
    multiIf(vote_velocity >= 100, 'Viral', vote_velocity >= 50, 'High', vote_velocity >= 20, 'Moderate',
            vote_velocity >= 5, 'Low', isNotNull(vote_velocity), 'Minimal', NULL) AS engagement,
    multiIf(viral_coefficient >= 80, 'Extremely Viral', viral_coefficient >= 60, 'Highly Viral',
            viral_coefficient >= 40, 'Moderately Viral', viral_coefficient >= 20, 'Slightly Viral',
            isNotNull(viral_coefficient), 'Not Viral', NULL) AS viral_category,
    multiIf(viral_score >= 80 AND vote_velocity >= 50, 'Extremely Viral',
            viral_score >= 60 AND vote_velocity >= 50, 'Highly Viral',
            viral_score >= 40, 'Moderately Viral', viral_score >= 20, 'Slightly Viral',
            isNotNull(viral_score), 'Not Viral', NULL) AS viral_score_category,
    multiIf(vote_velocity > 50 AND wow > 10, 'Viral', wow > 5, 'Rising', wow < -5, 'Declining',
            isNotNull(wow), 'Stable', NULL) AS trend,
    if(isNull(vote_acceleration) OR isNull(viral_coefficient), NULL,
        toBool(vote_acceleration > 0 AND vote_velocity >= 10
        AND (viral_coefficient > 30 OR vote_acceleration > 5))) AS emerging,
    multiIf(ifNull(viral_coefficient < 40 OR viral_coefficient <= viral_coefficient_before, 1), NULL,
            viral_coefficient_before < 20, 'Major',
            viral_coefficient_before < 40 AND viral_coefficient >= 60, 'Strong',
            viral_coefficient - viral_coefficient_before >= 20, 'Rapid', 'Steady') AS breakout
FROM
(
    SELECT
        tmdb_id, p0 AS popularity, p1 AS popularity_yesterday, v0 AS votes, s0 AS score,
        wow,
        if(p7 > 0, 100 * wow / p7, NULL) AS wow_percent,
        vote_velocity,
        vote_velocity - vote_velocity_before AS vote_acceleration,
        -- Null is asked for first: least and greatest pass over it.
        if(isNull(raw), NULL, greatest(0., least(100., raw))) AS viral_coefficient,
        if(isNull(raw_before), NULL, greatest(0., least(100., raw_before))) AS viral_coefficient_before,
        votes_growth, popularity_growth, compared_days,
        if(isNull(p0), NULL, place) AS rank,
        if(isNull(popularity_compared), NULL, place_before) AS rank_before,
        -- The share of the others that are lower. Null sorts behind all that is known.
        if(isNull(votes_growth), NULL, (votes_growth_place - 1) / greatest(votes_growths - 1, 1))
            AS votes_growth_rank,
        if(isNull(popularity_growth), NULL, (popularity_growth_place - 1) / greatest(popularity_growths - 1, 1))
            AS popularity_growth_rank,
        60 * votes_growth_rank + 40 * popularity_growth_rank AS viral_score
    FROM
    (
        SELECT
            *,
            row_number() OVER (ORDER BY p0 DESC NULLS LAST, tmdb_id) AS place,
            row_number() OVER (ORDER BY popularity_compared DESC NULLS LAST, tmdb_id) AS place_before,
            rank() OVER (ORDER BY votes_growth NULLS LAST) AS votes_growth_place,
            rank() OVER (ORDER BY popularity_growth NULLS LAST) AS popularity_growth_place,
            count(votes_growth) OVER () AS votes_growths,
            count(popularity_growth) OVER () AS popularity_growths
        FROM
        (
            SELECT
                tmdb_id, p0, p1, p7, v0, s0,
                p0 - p7 AS wow,
                (v0 - v7) / 7 AS vote_velocity,
                (v7 - v14) / 7 AS vote_velocity_before,
                60 * (v0 - v7) / greatest(v7, 1) + 40 * (p0 - p7) / greatest(p7, 1.) AS raw,
                60 * (v7 - v14) / greatest(v14, 1) + 40 * (p7 - p14) / greatest(p14, 1.) AS raw_before,
                (v0 - v7) / (v7 + 50) AS votes_growth,
                log((p0 + 1) / (p7 + 1)) AS popularity_growth,
                -- The day that ranks are compared with: one on which half as many films were seen at least.
                toUInt8(multiIf(2 * seen_1 >= seen, 1, 2 * seen_2 >= seen, 2, 0)) AS compared_days,
                multiIf(2 * seen_1 >= seen, p1, 2 * seen_2 >= seen, p2, NULL) AS popularity_compared
            FROM
            (
                SELECT
                    *,
                    count(p0) OVER () AS seen, count(p1) OVER () AS seen_1, count(p2) OVER () AS seen_2
                FROM
                (
                    SELECT
                        tmdb_id,
                        if(d.p0 = 0, NULL, reinterpretAsFloat64(toUInt64(d.p0))) AS p0,
                        if(d.p1 = 0, NULL, reinterpretAsFloat64(toUInt64(d.p1))) AS p1,
                        if(d.p2 = 0, NULL, reinterpretAsFloat64(toUInt64(d.p2))) AS p2,
                        if(d.p7 = 0, NULL, reinterpretAsFloat64(toUInt64(d.p7))) AS p7,
                        if(d.p14 = 0, NULL, reinterpretAsFloat64(toUInt64(d.p14))) AS p14,
                        if(d.v0 = 0, NULL, toInt64(d.v0)) AS v0,
                        if(d.v7 = 0, NULL, toInt64(d.v7)) AS v7,
                        if(d.v14 = 0, NULL, toInt64(d.v14)) AS v14,
                        if(d.s0 = 0, NULL, reinterpretAsFloat64(toUInt64(d.s0))) AS s0
                    FROM popularity_days AS d FINAL
                    WHERE day = {day:Date}
                )
            )
            WHERE isNotNull(p0) OR isNotNull(v0) OR isNotNull(popularity_compared)
        )
    )
)
COMMENT 'Changes, votes, viral score and rank of each film on one UTC day: popularity_on(day = ...). tmdb_id; metrics as docs/metrics.md has them; popularity_yesterday; votes_growth and popularity_growth, and votes_growth_rank and popularity_growth_rank, the shares of the other films that are lower, of which viral_score is made; compared_days: how many days ago the day lies that ranks are compared with, 0 for none. This product uses the TMDB API but is not endorsed or certified by TMDB.'
