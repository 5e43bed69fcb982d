"""What happened to films, from the table `alerts`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clickhouse.ask import ask

if TYPE_CHECKING:
    from clickhouse.client import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsQuestion:
    """What is asked: event time from `begin_ms` up to, but not with, `end_ms`; empty `kinds` and `films` for all."""

    begin_ms: int
    end_ms: int
    kinds: tuple[str, ...] = ()
    films: tuple[int, ...] = ()
    limit: int = 100


def read_alerts(client: Client, question: AlertsQuestion) -> list[dict[str, Any]]:
    """Return the alerts, the latest first, each with the title of its film; None for a film that is not known."""
    return ask(
        client,
        "alerts",
        begin_ms=question.begin_ms,
        end_ms=question.end_ms,
        kinds=list(question.kinds),
        films=list(question.films),
        limit=question.limit,
    )


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
