"""How what is rising or fading looks: a table, JSON and flat rows."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Column, Table
from rich.text import Text

from clickhouse.coverage_view import marked
from clickhouse.plain import NONE, flat, moment, printable
from clickhouse.rising import RisingFilm

if TYPE_CHECKING:
    from rich.console import RenderableType

    from clickhouse.coverage import Coverage
    from clickhouse.rising import RisingReport

STYLES: Final = {"Bursting": "bold green", "Rising": "green", "Fading": "red"}


def render_rising(report: RisingReport) -> RenderableType:
    """Return a table of the films, under the facts that every number needs: window, as-of, coverage."""
    window, before = timedelta(seconds=report.window_seconds), timedelta(seconds=report.before_seconds)
    head = [
        Text(f"Films {report.by} in talk: the last {window}", style="bold"),
        Text(f"as of {moment(report.as_of)} {report.day_zone} · against the {before} before"),
        Text(f"coverage: {_share(report.coverage)}, before {_share(report.before_coverage)}", style="dim"),
    ]
    if not report.films:
        return Group(*head, Text("No film is talked about more or less than before."))
    return Group(*head, _table(report), Text(report.attribution, style="dim"))


def rising_rows(report: RisingReport) -> list[dict[str, Any]]:
    """Return one flat row a film, each with what its numbers rest on."""
    return [{**flat(film), **_basis(report)} for film in report.films]


def rising_columns(report: RisingReport) -> tuple[str, ...]:
    """Return the columns of `rising_rows`, which has no row to tell them where no film is listed."""
    return (*(field.name for field in fields(RisingFilm)), *_basis(report))


def _basis(report: RisingReport) -> dict[str, Any]:
    return {
        "window_seconds": report.window_seconds,
        "before_seconds": report.before_seconds,
        "as_of": report.as_of,
        "day_zone": report.day_zone,
        "coverage_share": report.coverage.share if report.coverage else None,
        "before_coverage_share": report.before_coverage.share if report.before_coverage else None,
    }


def _share(coverage: Coverage | None) -> str:
    return NONE if coverage is None else marked(coverage)


def _table(report: RisingReport) -> Table:
    table = Table(
        Column("#", justify="right"),
        Column("film", min_width=20),
        *(Column(name, justify="right", no_wrap=True) for name in ("mentions", "expected", "ratio", "score")),
        Column("state"),
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    for place, film in enumerate(report.films, 1):
        title = Text(printable(film.title), overflow="ellipsis", no_wrap=True)
        if film.year:
            title.append(f" ({film.year})", style="dim")
        numbers = (f"{film.now:,}", f"{film.expected:,.1f}", f"{film.ratio:,.1f}", f"{film.score:+,.1f}")
        table.add_row(str(place), title, *numbers, Text(film.state, style=STYLES.get(film.state, "")))
    return table
