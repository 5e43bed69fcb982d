-- What a shadow database has besides the tables of every database.
CREATE TABLE IF NOT EXISTS shadow_leases
(
    beat DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the replay was last at work, UTC',
    kept UInt8 COMMENT '1 once its owner wants it kept'
)
ENGINE = MergeTree
ORDER BY beat
COMMENT 'Signs of life of the replay that fills this database.';

CREATE TABLE IF NOT EXISTS replayed_posts
(
    post_id String COMMENT 'Fullname of a post that the log still has'
)
ENGINE = ReplacingMergeTree
ORDER BY post_id
COMMENT 'The posts replayed, where posts were: about the others this database says nothing.';

CREATE TABLE IF NOT EXISTS mention_differences
(
    day Date COMMENT 'UTC day of the post',
    tmdb_id Int64 COMMENT 'TMDB movie id',
    platform LowCardinality(String) COMMENT 'Where the post is',
    post_id String COMMENT 'Id of the post on its platform',
    difference LowCardinality(String) COMMENT 'only_replay, only_live or differing',
    columns Array(LowCardinality(String)) COMMENT 'Columns in which they differ',
    replayed Array(String) COMMENT 'Their values in the replay',
    live Array(String) COMMENT 'Their values in the live table'
)
ENGINE = MergeTree
ORDER BY (day, tmdb_id, platform, post_id)
COMMENT 'Mentions that the replay and the live table do not share.';

CREATE TABLE IF NOT EXISTS count_differences
(
    day Date COMMENT 'UTC day',
    tmdb_id Int64 COMMENT 'TMDB movie id',
    replayed Int64 COMMENT 'Mentions by the replay, with those of posts that the log no longer has',
    live Int64 COMMENT 'Mentions by the live table'
)
ENGINE = MergeTree
ORDER BY (day, tmdb_id)
COMMENT 'Film-days that the replay and the live table count differently.'
