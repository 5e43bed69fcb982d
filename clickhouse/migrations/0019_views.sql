-- What people ask in SQL, under names that need no key: `DESCRIBE film_days` explains itself. Conditions on day and
-- tmdb_id reach the tables below.
CREATE VIEW IF NOT EXISTS film_days
(
    day Date COMMENT 'UTC day of the posts, half-open [00:00, 24:00)',
    tmdb_id Int64 COMMENT 'TMDB movie id',
    title String COMMENT 'English title; empty where the catalogue does not know the film',
    mentions Int64 COMMENT 'Distinct posts that mention the film on the day',
    submissions Int64 COMMENT 'Those of them that are submissions',
    comments Int64 COMMENT 'Those of them that are comments',
    state LowCardinality(String) COMMENT 'provisional or final, when the count was made',
    is_revised Bool COMMENT 'Whether the count changed after the day was closed',
    counted_to DateTime64(3, 'UTC') COMMENT 'Highest event time seen when the count was made, UTC'
)
AS SELECT
    c.day AS day,
    c.tmdb_id AS tmdb_id,
    f.title AS title,
    c.mentions AS mentions,
    c.submissions AS submissions,
    c.comments AS comments,
    c.state AS state,
    toBool(c.closed_revision > 0 AND c.revision > c.closed_revision) AS is_revised,
    c.watermark AS counted_to
FROM (SELECT * FROM mention_counts FINAL WHERE mentions > 0) AS c
LEFT JOIN (SELECT tmdb_id, title FROM films FINAL) AS f ON f.tmdb_id = c.tmdb_id
COMMENT 'Mentions by film and UTC day. A day without a row is zero or unknown: coverage decides.';

CREATE VIEW IF NOT EXISTS day_totals
(
    day Date COMMENT 'UTC day of the posts',
    mentions Int64 COMMENT 'Mentions of all films: what a share of voice is a share of',
    films UInt64 COMMENT 'Films mentioned',
    open_films UInt64 COMMENT 'Films whose count of the day is provisional; 0 on a day that is final for all',
    counted_to DateTime64(3, 'UTC') COMMENT 'Highest event time seen when the last count was made, UTC'
)
AS SELECT
    c.day AS day,
    sum(c.mentions) AS mentions,
    countIf(c.mentions > 0) AS films,
    countIf(c.mentions > 0 AND c.state != 'final') AS open_films,
    max(c.watermark) AS counted_to
FROM mention_counts AS c FINAL
GROUP BY c.day
COMMENT 'Mentions of all films by UTC day.';

CREATE VIEW IF NOT EXISTS trending_today
(
    place UInt64 COMMENT 'Place by mentions, 1 is the top; the lower TMDB id first among equals',
    tmdb_id Int64 COMMENT 'TMDB movie id',
    title String COMMENT 'English title; empty where the catalogue does not know the film',
    mentions Int64 COMMENT 'Distinct posts of the day that mention the film, so far',
    submissions Int64 COMMENT 'Those of them that are submissions',
    comments Int64 COMMENT 'Those of them that are comments',
    share_of_voice Float64 COMMENT 'Of all mentions of all films on the day, 0 to 1',
    day Date COMMENT 'Today, UTC, or the latest day with a mention before it',
    state LowCardinality(String) COMMENT 'provisional or final, when the count was made',
    counted_to DateTime64(3, 'UTC') COMMENT 'Highest event time seen when the count was made, UTC'
)
AS SELECT
    row_number() OVER (ORDER BY c.mentions DESC, c.tmdb_id) AS place,
    c.tmdb_id AS tmdb_id,
    f.title AS title,
    c.mentions AS mentions,
    c.submissions AS submissions,
    c.comments AS comments,
    c.mentions / sum(c.mentions) OVER () AS share_of_voice,
    c.day AS day,
    c.state AS state,
    c.watermark AS counted_to
FROM
(
    SELECT * FROM mention_counts FINAL
    WHERE mentions > 0
        AND day = (SELECT max(day) FROM mention_counts WHERE mentions > 0 AND day <= toDate(now('UTC')))
) AS c
LEFT JOIN (SELECT tmdb_id, title FROM films FINAL) AS f ON f.tmdb_id = c.tmdb_id
ORDER BY place
COMMENT 'The films that people talk about today, the most mentioned first.';

CREATE VIEW IF NOT EXISTS film_mentions
(
    day Date COMMENT 'UTC day of the post',
    tmdb_id Int64 COMMENT 'TMDB movie id of the film mentioned',
    title String COMMENT 'English title; empty where the catalogue does not know the film',
    created_at DateTime64(3, 'UTC') COMMENT 'When the post was written, UTC',
    community LowCardinality(String) COMMENT 'Subreddit of the post',
    kind LowCardinality(String) COMMENT 'submission or comment',
    platform LowCardinality(String) COMMENT 'Where the post is: reddit',
    post_id String COMMENT 'Id of the post on its platform; on Reddit the fullname',
    permalink Nullable(String) COMMENT 'Address of the post; null where its ids make none',
    location LowCardinality(String) COMMENT 'Most certain place of the mention: title, body, link or thread',
    method LowCardinality(String) COMMENT 'How the linker decided',
    confidence Float64 COMMENT 'Probability that the link is right, 0 to 1; 0.8 and more is certain',
    score Int64 COMMENT 'Upvotes less downvotes when it was last seen',
    num_comments Nullable(Int64) COMMENT 'Comments under a submission when it was last seen; null on a comment',
    observed_at DateTime64(3, 'UTC') COMMENT 'When it was last seen, UTC'
)
AS SELECT
    toDate(m.created_at) AS day,
    m.tmdb_id AS tmdb_id,
    f.title AS title,
    m.created_at AS created_at,
    m.community AS community,
    m.kind AS kind,
    m.platform AS platform,
    m.post_id AS post_id,
    multiIf(
        m.platform != 'reddit', NULL,
        match(m.post_id, '^t3_[0-9a-z]{1,13}$'),
        concat('https://www.reddit.com/comments/', substring(m.post_id, 4), '/'),
        match(m.post_id, '^t1_[0-9a-z]{1,13}$') AND match(ifNull(m.thread_id, ''), '^t3_[0-9a-z]{1,13}$'),
        concat('https://www.reddit.com/comments/', substring(m.thread_id, 4), '/_/', substring(m.post_id, 4), '/'),
        NULL) AS permalink,
    m.location AS location,
    m.method AS method,
    m.confidence AS confidence,
    m.score AS score,
    m.num_comments AS num_comments,
    m.observed_at AS observed_at
FROM (SELECT * FROM mentions FINAL) AS m
LEFT JOIN (SELECT tmdb_id, title FROM films FINAL) AS f ON f.tmdb_id = m.tmdb_id
COMMENT 'Every post that mentions a film, once, without text and author; without what was deleted.';

CREATE VIEW IF NOT EXISTS film_popularity_days
(
    day Date COMMENT 'UTC day of the snapshots',
    tmdb_id Int64 COMMENT 'TMDB movie id',
    title String COMMENT 'English title; empty where the catalogue does not know the film',
    popularity Nullable(Float64) COMMENT 'Last TMDB popularity known of the day, no unit',
    votes Nullable(Int64) COMMENT 'Last count of votes known of the day; may fall',
    score Nullable(Float64) COMMENT 'Last mean vote known of the day, 0 to 10; null while there are no votes',
    seen_at DateTime64(3, 'UTC') COMMENT 'Last snapshot of the day, UTC'
)
AS SELECT
    p.day AS day,
    p.tmdb_id AS tmdb_id,
    f.title AS title,
    p.popularity AS popularity,
    p.votes AS votes,
    p.score AS score,
    p.seen_at AS seen_at
FROM
(
    SELECT
        toDate(observed_at) AS day,
        tmdb_id,
        argMax(s.popularity, (s.observed_at, s.revision)) AS popularity,
        argMax(s.vote_count, (s.observed_at, s.revision)) AS votes,
        argMax(s.vote_average, (s.observed_at, s.revision)) AS score,
        max(s.observed_at) AS seen_at
    FROM popularity AS s
    GROUP BY day, tmdb_id
) AS p
LEFT JOIN (SELECT tmdb_id, title FROM films FINAL) AS f ON f.tmdb_id = p.tmdb_id
COMMENT 'TMDB popularity and votes by film and UTC day. A day without a row is unknown, never zero. This product uses the TMDB API but is not endorsed or certified by TMDB.';

-- The engine keeps no comments on the columns of a view with parameters: its own comment names them.
CREATE VIEW IF NOT EXISTS top_changes AS
WITH
    days AS
    (
        SELECT
            tmdb_id,
            toUInt8({day:Date} - toDate(observed_at)) AS ago,
            argMax(s.popularity, (s.observed_at, s.revision)) AS value
        FROM popularity AS s
        WHERE toDate(observed_at) BETWEEN {day:Date} - 2 AND {day:Date} AND s.popularity IS NOT NULL
        GROUP BY tmdb_id, ago
    ),
    (
        SELECT multiIf(countIf(ago = 1) >= 0.5 * countIf(ago = 0), 1, countIf(ago = 2) >= 0.5 * countIf(ago = 0), 2, 0)
        FROM days
    ) AS compared,
    ranks AS
    (
        SELECT tmdb_id, ago, value, row_number() OVER (PARTITION BY ago ORDER BY value DESC, tmdb_id) AS place
        FROM days
        WHERE ago = 0 OR (compared > 0 AND ago = compared)
    )
SELECT
    r.tmdb_id AS tmdb_id,
    f.title AS title,
    if(r.now > 0 AND r.now <= {top:UInt32}, 'joined', 'left') AS change,
    nullIf(r.now, 0) AS rank,
    nullIf(r.before, 0) AS rank_before,
    compared AS compared_days
FROM
(
    SELECT tmdb_id, maxIf(place, ago = 0) AS now, maxIf(place, ago > 0) AS before FROM ranks GROUP BY tmdb_id
) AS r
LEFT JOIN (SELECT tmdb_id, title FROM films FINAL) AS f ON f.tmdb_id = r.tmdb_id
WHERE compared > 0 AND (r.now BETWEEN 1 AND {top:UInt32}) != (r.before BETWEEN 1 AND {top:UInt32})
ORDER BY change, if(change = 'joined', r.now, r.before)
COMMENT 'Films that joined or left the first places of TMDB popularity on a day: top_changes(day = ..., top = ...). tmdb_id, title; change: joined or left; rank, rank_before: place on the day and on the day compared with, null where the film was not seen; compared_days: how many days ago that is. This product uses the TMDB API but is not endorsed or certified by TMDB.'
