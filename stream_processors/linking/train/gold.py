"""Labelled messages, as the development files have them, ready for linking and scoring."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from stream_processors.linking.message import Message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDS: Final = 5
CORE: Final = frozenset({"reddit_hand_posts", "reddit_hand_comments", "reddit_magical"})
"""Reddit messages in which every mention is labelled by hand: what the quality figures are about."""
UNMAPPED_ELSEWHERE: Final = frozenset({"mit_movie_queries", "redial", "wnut16_tweets", "inspired"})
"""Sources whose mentions without an id are series and shows as well as films."""
YEARLESS_SHARE: Final = 70
"""Per cent of the messages with years beside titles that are used with those years taken out."""

COMMUNITIES: Final = {
    "reddit_hand_posts": "movies",
    "reddit_hand_comments": "movies",
    "reddit_magical": "movies",
    "reddit_moviedetails": "MovieDetails",
    "reddit_shittymoviedetails": "shittymoviedetails",
    "reddit_technology_neg": "technology",
    "redial": "movies",
    "inspired": "movies",
    "mit_movie_queries": "movies",
}
MIDDLE_YEARS: Final = {
    "reddit_hand_comments": 2024.87,
    "reddit_hand_posts": 2024.87,
    "reddit_magical": 2021.3,
    "redial": 2017.9,
    "mit_movie_queries": 2012.5,
    "wnut16_tweets": 2015.0,
    "inspired": 2019.9,
    "reddit_technology_neg": 2024.87,
    "reddit_other_neg": 2024.87,
    "reddit_comments2024_year": 2024.87,
    "reddit_comments2015_year": 2015.5,
    "reddit_imdb_link": 2013.0,
}
MILLISECONDS_PER_YEAR: Final = 365.2425 * 86_400_000
"""When the messages of a source were written, for those without a date of their own."""


@dataclass(frozen=True, slots=True)
class Label:
    """A film named at any of the spans; `tmdb_id` is None when the catalogue lacks it, `guessed` when it is a guess."""

    tmdb_id: int | None
    spans: tuple[tuple[int, int], ...]
    guessed: bool


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled message. `whole`: every mention is labelled, so that what is not labelled is no mention."""

    identity: str
    source: str
    fold: int
    message: Message
    labels: tuple[Label, ...]
    ignored: tuple[tuple[int, int], ...]
    whole: bool

    def with_message(self, **changes: Any) -> Example:
        """Return the example with some of its message's fields changed."""
        return replace(self, message=replace(self.message, **changes))


def read_examples(path: Path) -> Iterator[Example]:
    """Yield the labelled messages of a gzip file of JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield example_of(json.loads(line))


def example_of(record: dict[str, Any]) -> Example:
    """Return one labelled message; a part of those with years has the years taken out, always the same ones."""
    yearless = record.get("text_noyear") and crc32(record["id"].encode()) % 100 < YEARLESS_SHARE
    mentions = record.get("mentions") or []
    if yearless:
        spans = [[tuple(span)] if span else [] for span in record["spans_noyear"]]
    else:
        spans = [_spans(mention) for mention in mentions]
    return Example(
        identity=record["id"],
        source=record["source"],
        fold=_fold(record),
        message=_message(record, record["text_noyear"] if yearless else record["text"]),
        labels=tuple(
            Label(mention["tmdb_id"], tuple(places), mention.get("id_source") == "title_popular")
            for mention, places in zip(mentions, spans, strict=False)
            if places
        ),
        ignored=tuple(_ignored(record)),
        whole=record.get("complete") is True or (record.get("complete") is None and not mentions),
    )


def _spans(mention: dict[str, Any]) -> list[tuple[int, int]]:
    spans = [mention["span"]] if mention.get("span") else []
    spans += [span for span in mention.get("all_spans") or [] if span not in spans]
    return [(start, end) for start, end in spans]


def _ignored(record: dict[str, Any]) -> Iterator[tuple[int, int]]:
    for entry in record.get("ignore_spans") or []:
        span = entry.get("span") if isinstance(entry, dict) else entry
        if span:
            yield span[0], span[1]
    text = record["text"]
    for surface in record.get("suspect_unlabelled") or []:
        place = text.lower().find(surface.lower())
        if place >= 0:
            yield place, place + len(surface)


def _message(record: dict[str, Any], text: str) -> Message:
    meta = record.get("meta") or {}
    source = record["source"]
    created_at = None
    if meta.get("created_utc"):
        created_at = int(meta["created_utc"]) * 1000
    elif meta.get("created"):
        created_at = int(datetime.fromisoformat(meta["created"]).replace(tzinfo=UTC).timestamp()) * 1000
    elif source in MIDDLE_YEARS:
        created_at = int((MIDDLE_YEARS[source] - 1970) * MILLISECONDS_PER_YEAR)
    community = meta.get("subreddit") or COMMUNITIES.get(source)
    return Message(text=text, community=community, thread_title=meta.get("parent_title"), created_at=created_at)


def _fold(record: dict[str, Any]) -> int:
    """Return the part that the message belongs to; messages of one thread or conversation stay together."""
    parts = record["id"].split("-")
    group = {"reddit_hand_comments": parts[2:3], "reddit_hand_posts": parts[2:3], "redial": parts[1:2]}
    key = "-".join(group.get(record["source"], parts[:4]))
    return crc32(key.encode()) % FOLDS
