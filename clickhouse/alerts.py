"""What happened to films, from the table `alerts`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from clickhouse.ask import ask
from clickhouse.coverage import MILLISECONDS_PER_HOUR, REDDIT, read_polls

if TYPE_CHECKING:
    from clickhouse.client import Client
    from clickhouse.intervals import Interval

BURST: Final = "burst"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsQuestion:
    """What is asked: event time from `begin_ms` up to, but not with, `end_ms`; empty `kinds` and `films` for all."""

    begin_ms: int
    end_ms: int
    kinds: tuple[str, ...] = ()
    films: tuple[int, ...] = ()
    limit: int = 100


def read_alerts(client: Client, question: AlertsQuestion) -> list[dict[str, Any]]:
    """Return the alerts, the latest first, each with the title of its film; None for a film that is not known.

    `covered`: of a burst, which share of the hours it was judged by is known, 0 to 1; None of others, and where nobody
    looked. It is no condition of an alert: what is missing makes a count too low, which never cries a burst.
    """
    found = ask(
        client,
        "alerts",
        begin_ms=question.begin_ms,
        end_ms=question.end_ms,
        kinds=list(question.kinds),
        films=list(question.films),
        limit=question.limit,
    )
    return _with_coverage(client, found)


def _with_coverage(client: Client, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    spans = [_judged(one) for one in found]
    known = [span for span in spans if span is not None]
    if not known:
        return [{**one, "covered": None} for one in found]
    polls = read_polls(client, REDDIT, min(first for first, _ in known), max(end for _, end in known), counted=False)
    shares = [None if span is None else polls.share(*span, span[1]) for span in spans]
    return [{**one, "covered": share} for one, share in zip(found, shares, strict=True)]


def _judged(alert: dict[str, Any]) -> Interval | None:
    """Return the event time that a burst was judged by: whole hours, the last up to the mention that made it one."""
    if alert["kind"] != BURST or not alert["hours"]:
        return None
    # The type names UTC, and the client leaves the zone out.
    end = round(alert["happened_at"].replace(tzinfo=UTC).timestamp() * 1_000)
    first = end // MILLISECONDS_PER_HOUR - (alert["hours"] - 1)
    return first * MILLISECONDS_PER_HOUR, end + 1


class Titles:
    """Titles of films, asked for once each.

    A database that is away gives no title and no error: who waits for an alert waits for it more than for its title.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[int, str] = {}

    def of(self, tmdb_id: int) -> str | None:
        """Return a film's title, None where nobody knows it now."""
        if tmdb_id not in self._known:
            for row in ask(self._client, "film_names", films=[tmdb_id]):
                self._known[tmdb_id] = row["title"]
        return self._known.get(tmdb_id)
