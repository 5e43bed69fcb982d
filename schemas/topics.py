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

CleanupPolicy = Literal["delete", "compact"]


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic and the subjects of its key and value schemas.

    `retention_ms` applies to `delete` topics and is None on compacted ones.
    """

    name: str
    purpose: str
    cleanup: CleanupPolicy
    retention_ms: int | None

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
        if self.retention_ms is not None:
            # Whole segments expire, so a segment must roll well within the retention it has to honour.
            settings["retention.ms"] = str(self.retention_ms)
            settings["segment.ms"] = str(min(DAY_MS, self.retention_ms // 8))
        else:
            settings["delete.retention.ms"] = str(TOMBSTONE_RETENTION_MS)
            # Compaction must really reach a deleted post's mention within the policy's 48 hours.
            settings["max.compaction.lag.ms"] = str(TEXT_RETENTION_MS // 2)
            settings["segment.ms"] = str(DAY_MS // 2)
        return settings


REDDIT_POSTS: Final = Topic("reddit.posts", "posts as observed", "delete", TEXT_RETENTION_MS)
TMDB_POPULARITY: Final = Topic("tmdb.popularity", "popularity snapshots", "delete", HISTORY_RETENTION_MS)
TMDB_MOVIES: Final = Topic("tmdb.movies", "the film catalogue", "compact", None)
MOVIE_MENTIONS: Final = Topic("movie.mentions", "films named in posts; the replay log", "compact", None)
MOVIE_MENTION_COUNTS: Final = Topic("movie.mention_counts", "mentions per film and day", "compact", None)
PIPELINE_COVERAGE: Final = Topic("pipeline.coverage", "poll reports", "delete", HISTORY_RETENTION_MS)
PIPELINE_DEAD_LETTERS: Final = Topic("pipeline.dead_letters", "records that failed", "delete", TEXT_RETENTION_MS)

TOPICS: Final = (
    REDDIT_POSTS,
    TMDB_POPULARITY,
    TMDB_MOVIES,
    MOVIE_MENTIONS,
    MOVIE_MENTION_COUNTS,
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
