"""The topics: names, contract, retention. `cinepulse topics create` makes exactly these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from cinepulse.errors import ConfigurationInvalid

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS

# Reddit's Data API terms ask that stored content and what identifies its author go within 48 hours. Every topic that
# may hold text or an author ends there, dead letters included, since they carry the original bytes.
TEXT_RETENTION_MS: Final = 48 * HOUR_MS
HISTORY_RETENTION_MS: Final = 400 * DAY_MS

# How long a tombstone stays readable after compaction: a consumer away for longer must start from the beginning.
TOMBSTONE_RETENTION_MS: Final = 30 * DAY_MS

CleanupPolicy = Literal["delete", "compact", "compact,delete"]

# What `cinepulse forget` sets for as long as it removes records. `create_topics` puts back what is declared, also after
# a kill in between, so every one of these is declared below.
ERASING: Final = {
    "segment.ms": "500",
    "min.compaction.lag.ms": "0",
    "delete.retention.ms": "0",
    "min.cleanable.dirty.ratio": "0.0",
}
# Broker's checks for expired segments come every five minutes, and a file goes a minute after its segment.
EXPIRY_SLACK_MS: Final = HOUR_MS // 4


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic and the subjects of its key and value schemas.

    `retention_ms`: the age at which a record is gone at the latest, None on topics that keep the last of each key.
    A topic with both policies expires as a `delete` topic does; a single key leaves it early when `cinepulse forget`
    writes its tombstone and lets the broker compact.
    """

    name: str
    purpose: str
    cleanup: CleanupPolicy
    retention_ms: int | None
    compaction_lag_ms: int = TEXT_RETENTION_MS // 2
    """How long a superseded record may wait for compaction, on topics that keep the last of each key."""

    @property
    def key_subject(self) -> str:
        """Subject of the key's schema, by the registry's topic-name strategy."""
        return f"{self.name}-key"

    @property
    def value_subject(self) -> str:
        """Subject of the value's schema, by the registry's topic-name strategy."""
        return f"{self.name}-value"

    def config(self, *, replication_factor: int) -> dict[str, str]:
        """Return the broker's topic configuration.

        A quorum of `replication_factor` - 1 replicas (at least 1) must confirm a write, so that one broker may fail.
        """
        settings = {
            "cleanup.policy": self.cleanup,
            "min.insync.replicas": str(max(1, replication_factor - 1)),
            "message.timestamp.type": "CreateTime",
        }
        if self.cleanup == "delete" and self.retention_ms is not None:
            # Whole segments expire, so a segment must roll well within the retention it has to honour.
            settings["retention.ms"] = str(self.retention_ms)
            settings["segment.ms"] = str(min(DAY_MS, self.retention_ms // 8))
            return settings
        settings["min.cleanable.dirty.ratio"] = "0.5"
        if self.retention_ms is not None:
            # A segment expires with its youngest record: the oldest has then waited for the length of a segment more.
            segment_ms = self.retention_ms // 16
            settings["segment.ms"] = str(segment_ms)
            settings["retention.ms"] = str(self.retention_ms - segment_ms - EXPIRY_SLACK_MS)
            # Every observation stays until it expires: nothing is compacted unless something is to be forgotten.
            settings["min.compaction.lag.ms"] = str(self.retention_ms)
            settings["delete.retention.ms"] = str(self.retention_ms)
        else:
            settings["delete.retention.ms"] = str(TOMBSTONE_RETENTION_MS)
            # Compaction must really reach a deleted post's mention within the policy's 48 hours.
            settings["max.compaction.lag.ms"] = str(self.compaction_lag_ms)
            settings["min.compaction.lag.ms"] = "0"
            settings["segment.ms"] = str(self.compaction_lag_ms // 2)
        return settings


REDDIT_POSTS: Final = Topic("reddit.posts", "posts as observed", "compact,delete", TEXT_RETENTION_MS)
TMDB_POPULARITY: Final = Topic("tmdb.popularity", "popularity snapshots", "delete", HISTORY_RETENTION_MS)
TMDB_MOVIES: Final = Topic("tmdb.movies", "the film catalogue", "compact", None)
MOVIE_MENTIONS: Final = Topic("movie.mentions", "films named in posts; the replay log", "compact", None)
MOVIE_TERMS: Final = Topic("movie.terms", "words near films in posts", "compact,delete", TEXT_RETENTION_MS)
MOVIE_MENTION_COUNTS: Final = Topic("movie.mention_counts", "mentions per film and day", "compact", None)
TMDB_RANKINGS: Final = Topic(
    "tmdb.rankings", "TMDB's lists, each as one whole poll showed it", "delete", HISTORY_RETENTION_MS
)
TREND_ALERTS: Final = Topic(
    "trend.alerts", "what happened to films: bursts, joiners, leavers, milestones", "compact", None
)
PIPELINE_COVERAGE: Final = Topic("pipeline.coverage", "poll reports", "delete", HISTORY_RETENTION_MS)
PIPELINE_DEAD_LETTERS: Final = Topic(
    "pipeline.dead_letters", "records that failed", "compact,delete", TEXT_RETENTION_MS
)

TOPICS: Final = (
    REDDIT_POSTS,
    TMDB_POPULARITY,
    TMDB_MOVIES,
    MOVIE_MENTIONS,
    MOVIE_TERMS,
    MOVIE_MENTION_COUNTS,
    TMDB_RANKINGS,
    TREND_ALERTS,
    PIPELINE_COVERAGE,
    PIPELINE_DEAD_LETTERS,
)


def topic_named(name: str) -> Topic:
    """Return the topic of that name.

    Raises ConfigurationInvalid when there is none.
    """
    for topic in TOPICS:
        if topic.name == name:
            return topic
    known = ", ".join(topic.name for topic in TOPICS)
    raise ConfigurationInvalid(f"no topic named {name!r}; the topics are {known}")
