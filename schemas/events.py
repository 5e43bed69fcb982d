"""The records of every topic, as both ends see them: frozen, slotted, no input or output.

Field names, meanings and units are those of the Avro files in `avro/`, whose docs are the reference; a test holds
the two together. Instants (`*_at`, `gap_*`, `covered_*`, `watermark`, `since`, `at`) are milliseconds since
1970-01-01 UTC, days are days since then. None is unknown, never zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PostKind = Literal["submission", "comment", "unknown"]
PostState = Literal["live", "deleted", "removed", "unknown"]
MentionLocation = Literal["title", "body", "link", "thread", "unknown"]
CountState = Literal["provisional", "final", "unknown"]
AlertState = Literal["began", "ended", "once", "unknown"]
PollOutcome = Literal["ok", "overflowed", "failed", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RedditPost:
    """A Reddit submission or comment as it looked at one observation.

    Holds text and author, so its topic keeps it for 48 hours at most.
    """

    fullname: str
    kind: PostKind
    subreddit: str
    body: str
    created_at: int
    observed_at: int
    score: int
    state: PostState
    title: str | None = None
    author: str | None = None
    url: str | None = None
    flair: str | None = None
    thread_id: str | None = None
    thread_title: str | None = None
    edited_at: int | None = None
    upvote_ratio: float | None = None
    num_comments: int | None = None
    over_18: bool = False
    removed_by: str | None = None
    origin: str = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleSnapshot:
    """What TMDB showed of one title at one moment. Null is unknown, never zero."""

    tmdb_id: int
    observed_at: int
    source: str
    rank: int | None = None
    popularity: float | None = None
    vote_count: int | None = None
    vote_average: float | None = None
    origin: str = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class Movie:
    """A film of TMDB's catalogue. Null and the empty list mean unknown."""

    tmdb_id: int
    title: str
    observed_at: int
    source: str
    original_title: str | None = None
    original_language: str | None = None
    alternative_titles: tuple[str, ...] = ()
    release_date: str | None = None
    genres: tuple[str, ...] = ()
    companies: tuple[str, ...] = ()
    directors: tuple[str, ...] = ()
    cast: tuple[str, ...] = ()
    collection: str | None = None
    runtime_minutes: int | None = None
    budget_usd: int | None = None
    revenue_usd: int | None = None
    imdb_id: str | None = None
    status: str | None = None
    popularity: float | None = None
    vote_count: int | None = None
    vote_average: float | None = None
    poster_path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MentionKey:
    """Identity of a mention; the film decides the partition."""

    tmdb_id: int
    platform: str
    post_id: str
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A film named in a post. No text and no author. A null value retracts the mention."""

    community: str
    kind: PostKind
    location: MentionLocation
    method: str
    confidence: float
    score: int
    observed_at: int
    linker_version: str
    thread_id: str | None = None
    num_comments: int | None = None
    origin: str = "live"
    sentiment: float | None = None
    author_sketch: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsKey:
    """The mention whose words these are, as in movie.mentions; the film decides the partition."""

    tmdb_id: int
    platform: str
    post_id: str
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MentionTerms:
    """The words near a film in a post, for telling why a film is talked about.

    As good as text, so its topic keeps it for 48 hours at most. A null value retracts the mention.
    """

    terms: tuple[str, ...]
    observed_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MentionCountKey:
    """One film on one UTC day."""

    tmdb_id: int
    day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MentionCount:
    """The count is now this much as of this revision: absolute, never an increment."""

    mentions: int
    submissions: int
    comments: int
    revision: int
    state: CountState
    watermark: int
    oldest_observed_at: int
    newest_observed_at: int
    closed_revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """One of TMDB's lists as one whole poll of it showed it: complete, or it is not sent."""

    observed_at: int
    tmdb_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertKey:
    """Identity of an alert: the same happening has the same key however often it is found."""

    kind: str
    detail: str
    tmdb_id: int
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that happened to a film, in event time. Null is unknown or does not apply."""

    happened_at: int
    state: AlertState
    version: str
    began_at: int | None = None
    score: float | None = None
    mentions: int | None = None
    expected: float | None = None
    hours: int | None = None
    authors: int | None = None
    rank_before: int | None = None
    rank_after: int | None = None
    since: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageKey:
    """One listing of one source."""

    source: str
    listing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PollReport:
    """What one poll of a listing did: the record that tells unknown from zero."""

    started_at: int
    finished_at: int
    outcome: PollOutcome
    requests: int
    items: int
    known: int
    gap_from: int | None = None
    gap_to: int | None = None
    error: str | None = None
    rate_limit_remaining: float | None = None
    rate_limit_reset_seconds: float | None = None
    covered_from: int | None = None
    covered_to: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A record that could not be processed, with its bytes and the reason."""

    stage: str
    source: str
    reason: str
    error: str
    value_size: int
    code_version: str
    failed_at: int
    partition: int | None = None
    offset: int | None = None
    key: bytes | None = None
    value: bytes | None = None


Event = (
    RedditPost
    | TitleSnapshot
    | Movie
    | MentionKey
    | Mention
    | TermsKey
    | MentionTerms
    | MentionCountKey
    | MentionCount
    | Ranking
    | AlertKey
    | Alert
    | CoverageKey
    | PollReport
    | DeadLetter
)
