"""What an answer of rows is made of: the rows of one question about a day, and the facts that they rest on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from clickhouse.ask import ask, together
from clickhouse.trends import ATTRIBUTION, DAY_ZONE, instant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, datetime

    import numpy as np
    from numpy.typing import NDArray

    from clickhouse.client import Client

Row = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Basis:
    """What TMDB's numbers of a day rest on.

    `as_of`: last snapshot of the day, None without one. `state`: final once a later day was seen. `films`: films seen
    on the day.
    """

    day: date
    as_of: datetime | None
    state: Literal["provisional", "final"]
    films: int
    day_zone: str = DAY_ZONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The answer to one question.

    `name`: the question's. `parameters`: what the numbers were computed with, by name. `columns`: of every row; of them
    a table has `shown`. `note`: what no row can say.
    """

    name: str
    headline: str
    basis: Basis
    columns: tuple[str, ...]
    shown: tuple[str, ...]
    rows: tuple[Row, ...]
    parameters: Mapping[str, object] = field(default_factory=dict, hash=False)
    note: str | None = None
    attribution: str = ATTRIBUTION


def read_basis(client: Client, day: date | None, today: date) -> Basis:
    """Return what a day's numbers rest on: of the day given, else the latest with a snapshot, else today.

    Raises DatabaseUnavailable when ClickHouse does not answer.
    """
    (reached,) = ask(client, "popularity_reached", day=day)
    chosen = day or reached["day"] or today
    as_of = reached["as_of_ms"]
    state = _state(chosen, reached["latest_day"])
    return Basis(chosen, None if as_of is None else instant(as_of), state, reached["films"])


def read_latest(client: Client) -> date | None:
    """Return the last day with a snapshot, None without any.

    Raises DatabaseUnavailable when ClickHouse does not answer.
    """
    found: date | None = next((row["day"] for row in ask(client, "popularity_latest")), None)
    return found


def basis_of(day: date, seen_ms: NDArray[np.int64], latest: date | None) -> Basis:
    """Return what a day's numbers rest on by the films themselves, which then need not be read once more.

    `seen_ms`: of each film the last snapshot of the day, milliseconds, 0 without one. `latest`: see `read_latest`.
    """
    seen = seen_ms[seen_ms > 0]
    as_of = instant(int(seen.max())) if len(seen) else None
    return Basis(day, as_of, _state(day, latest), len(seen))


def _state(day: date, latest: date | None) -> Literal["provisional", "final"]:
    return "final" if latest is not None and latest > day else "provisional"


def read_with_basis(client: Client, day: date | None, today: date, read: Callable[[date], T]) -> tuple[Basis, T]:
    """Return what a day's numbers rest on, and what `read` returns of that day; beside each other where one is given.

    Raises DatabaseUnavailable when ClickHouse does not answer.
    """
    if day is None:
        basis = read_basis(client, None, today)
        return basis, read(basis.day)
    answers: list[Any] = together(lambda: read_basis(client, day, today), lambda: read(day))
    return answers[0], answers[1]
