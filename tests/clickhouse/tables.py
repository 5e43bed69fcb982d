"""Tables filled by hand, with counts that agree with the mentions, for tests of what is read from them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from clickhouse.client import connect
from clickhouse.tables import COVERAGE, FILMS, MENTION_COUNTS, MENTIONS, POPULARITY, Table
from schemas.partitioning import film_partition

if TYPE_CHECKING:
    from cinepulse.settings import Settings
    from clickhouse.client import Client

PARTITIONS = 2


def ms(text: str) -> int:
    """Return an ISO 8601 instant, UTC where it names no zone, as milliseconds."""
    instant = datetime.fromisoformat(text)
    return round((instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp() * 1_000)


@dataclass
class Filled:
    """A migrated database, and what a test puts into it."""

    client: Client
    offsets: Counter[int] = field(default_factory=Counter)

    def insert(self, table: Table, **values: Any) -> None:
        """Insert one row; columns not named get a zero of their type."""
        row = [values.get(name, _zero(kind)) for name, kind in table.columns]
        self.client.insert(table.name, [row], column_names=table.column_names, column_type_names=table.column_types)

    def film(self, tmdb_id: int, title: str, **values: Any) -> None:
        """Add a film to the catalogue."""
        now = ms(datetime.now(UTC).isoformat())
        self.insert(FILMS, tmdb_id=tmdb_id, title=title, observed_at=now, revision=1, **values)

    def mention(self, tmdb_id: int, post_id: str, created: str, *, gone: bool = False, **values: Any) -> int:
        """Add a mention, or retract it when `gone`; return its revision."""
        partition = film_partition(tmdb_id, PARTITIONS)
        offset = self.offsets[partition]
        self.offsets[partition] += 1
        usual = {"community": "movies", "kind": "comment", "method": "exact", "location": "body", "confidence": 0.9}
        self.insert(
            MENTIONS,
            tmdb_id=tmdb_id,
            platform="reddit",
            post_id=post_id,
            created_at=ms(created),
            source_partition=partition,
            source_offset=offset,
            revision=offset + 1,
            is_deleted=int(gone),
            **usual | values,
        )
        return offset + 1

    def count(self, tmdb_id: int, day: str, mentions: int, **values: Any) -> None:
        """Add a count of the stream processor's, as of the day's end where no `watermark` is given."""
        watermark = values.pop("watermark", f"{day}T23:59:59")
        self.insert(
            MENTION_COUNTS,
            tmdb_id=tmdb_id,
            day=date.fromisoformat(day),
            mentions=mentions,
            watermark=ms(watermark),
            source_partition=film_partition(tmdb_id, PARTITIONS),
            **values,
        )

    def count_all(self, watermark: str) -> None:
        """Count every film-day as the stream processor would, as of the watermark."""
        rows = self.client.query(
            "SELECT tmdb_id, toString(toDate(created_at)), count(), countIf(kind = 'submission'),"
            " countIf(kind = 'comment') FROM mentions FINAL GROUP BY ALL"
        ).result_rows
        for tmdb_id, day, mentions, submissions, comments in rows:
            kinds = {"submissions": submissions, "comments": comments}
            revision = self.offsets[film_partition(tmdb_id, PARTITIONS)]
            self.count(tmdb_id, day, mentions, watermark=watermark, revision=revision, **kinds)

    def popularity(self, tmdb_id: int, observed: str, value: float | None) -> None:
        """Add a popularity snapshot."""
        self.insert(POPULARITY, tmdb_id=tmdb_id, observed_at=ms(observed), source="details", popularity=value)

    def poll(self, started: str, outcome: str = "ok", *, listing: str = "new:movies", **gap: str) -> None:
        """Add the report of a poll; a gap has `gap_from` and `gap_to`."""
        self.insert(
            COVERAGE,
            source="reddit",
            listing=listing,
            started_at=ms(started),
            finished_at=ms(started),
            outcome=outcome,
            **{name: ms(instant) for name, instant in gap.items()},
        )


def _zero(kind: str) -> Any:
    if "Nullable" in kind:
        return None
    if kind.startswith("Array"):
        return ()
    if "String" in kind:
        return ""
    return date(1970, 1, 1) if kind == "Date" else 0


@pytest.fixture
def filled(migrated_settings: Settings) -> Filled:
    """Return an empty migrated database."""
    return Filled(connect(migrated_settings))
