"""An alert as others see it: its id, a JSON document and one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cinepulse.clock import MILLISECONDS_PER_SECOND
from schemas.topics import TREND_ALERTS

if TYPE_CHECKING:
    from schemas.codec import Codec
    from schemas.events import Alert, AlertKey


@dataclass(frozen=True, slots=True)
class Message:
    """An alert and the title of its film, None where it is not known."""

    key: AlertKey
    alert: Alert
    title: str | None = None

    @property
    def identity(self) -> str:
        """What names the alert everywhere: the same happening, the same text."""
        key = self.key
        return f"{key.kind}/{key.detail}/{key.tmdb_id}/{key.at}".replace(" ", "-")

    @property
    def film(self) -> str:
        """The title, made safe for a line of text, or the id."""
        return f"film {self.key.tmdb_id}" if self.title is None else _line(self.title)

    def document(self) -> dict[str, Any]:
        """Return the alert as JSON values; instants are ISO 8601, UTC."""
        alert, key = self.alert, self.key
        return {
            "id": self.identity,
            "kind": key.kind,
            "detail": key.detail,
            "state": alert.state,
            "tmdb_id": key.tmdb_id,
            "title": self.title,
            "happened_at": iso(alert.happened_at),
            "began_at": iso(alert.began_at),
            "score": alert.score,
            "mentions": alert.mentions,
            "expected": alert.expected,
            "hours": alert.hours,
            "authors": alert.authors,
            "rank_before": alert.rank_before,
            "rank_after": alert.rank_after,
            "since": iso(alert.since),
            "version": alert.version,
        }

    def sentence(self) -> str:
        """Return what happened in one line without control characters."""
        alert, key = self.alert, self.key
        if key.kind == "burst" and alert.state == "began":
            usual = "" if alert.expected is None else f", {alert.expected:.1f} would be usual"
            return f"{self.film}: a burst began, {alert.mentions} mentions in {_hours(alert.hours)}{usual}"
        if key.kind == "burst":
            return f"{self.film}: the burst ended, {alert.mentions} mentions at its height"
        if key.kind == "joined":
            return f"{self.film}: joined {_line(key.detail)} at rank {alert.rank_after}"
        if key.kind == "left":
            return f"{self.film}: left {_line(key.detail)}, was at rank {alert.rank_before}"
        return f"{self.film}: reached {_line(key.detail)}, rank {alert.rank_after}"


def read_message(codec: Codec, key: bytes | None, value: bytes | None) -> Message:
    """Return the alert of a record of `trend.alerts`; raises Poison for one that is none."""
    return Message(
        codec.decode(TREND_ALERTS.key_subject, key or b""), codec.decode(TREND_ALERTS.value_subject, value or b"")
    )


def iso(instant: int | None) -> str | None:
    """Return an instant in milliseconds as ISO 8601; None for none and for what no calendar has."""
    if instant is None:
        return None
    try:
        return datetime.fromtimestamp(instant / MILLISECONDS_PER_SECOND, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return None


def _hours(hours: int | None) -> str:
    return "an hour" if hours in {None, 1} else f"{hours} hours"


def _line(text: str) -> str:
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
