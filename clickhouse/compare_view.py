"""How films beside each other look: sparklines and a table of days, rows for CSV and Parquet, a JSON document."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Column, Table
from rich.text import Text

from clickhouse.coverage_view import MARK
from clickhouse.history import FilmDay
from clickhouse.plain import NONE, flat, moment, plain, printable
from clickhouse.sparkline import Sparkline
from clickhouse.trends_view import known_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from clickhouse.compare import Compared, CompareReport
    from clickhouse.films import Film


def render_comparison(report: CompareReport) -> RenderableType:
    """Return a line of sparklines a film, on one scale, and a table of days with a column a film."""
    first, last = report.period.first, report.period.last
    head = [
        Text(f"{len(report.films)} films side by side: {first} to {last}", style="bold"),
        Text(f"as of {moment(report.as_of)} · days in {report.day_zone} · a gap in a line is unknown, never zero"),
    ]
    if report.known_at is not None:
        head.append(Text(known_text(report.known_at), style="yellow"))
    return Group(*head, _summary(report), _days(report), Text(report.attribution, style="dim"))


def render_lines(days: Sequence[FilmDay]) -> list[RenderableType]:
    """Return a film's mentions and popularity as two lines, each from zero to the highest number that it names."""
    if not days:
        return []
    table = Table.grid(padding=(0, 1))
    for name, values, form in (
        ("mentions", [day.mentions for day in days], ",d"),
        ("popularity", [day.popularity for day in days], ",.1f"),
    ):
        known = [value for value in values if value is not None]
        told = f"0 to {max(known):{form}}" if known else "unknown"
        table.add_row(Text(name, style="dim"), Sparkline(values), Text(told, style="dim"))
    return [Text(f"{days[0].day} to {days[-1].day}", style="dim"), table]


def comparison_document(report: CompareReport) -> dict[str, Any]:
    """Return the report as JSON values."""
    return {
        **{name: plain(value) for name, value in _basis(report).items()},
        "attribution": report.attribution,
        "films": [
            {
                "film": plain(one.film),
                "mentions": one.mentions,
                "popularity": one.popularity,
                "votes_gained": one.votes_gained,
                "days": plain(one.days),
            }
            for one in report.films
        ],
    }


def comparison_rows(report: CompareReport) -> list[dict[str, Any]]:
    """Return one flat row a day and film, days first, so that films stand beside each other."""
    basis = _basis(report)
    return [
        {"tmdb_id": one.film.tmdb_id, "title": one.film.title, **flat(day), **basis}
        for row in zip(*(one.days for one in report.films), strict=True)
        for one, day in zip(report.films, row, strict=True)
    ]


def comparison_columns(report: CompareReport) -> tuple[str, ...]:
    """Return the columns of `comparison_rows`."""
    return ("tmdb_id", "title", *(field.name for field in fields(FilmDay)), *_basis(report))


def _basis(report: CompareReport) -> dict[str, Any]:
    return {
        "from": report.period.first,
        "to": report.period.last,
        "day_zone": report.day_zone,
        "as_of": report.as_of,
        "known_at": report.known_at,
    }


def _summary(report: CompareReport) -> Table:
    table = Table(
        Column("film", min_width=16, no_wrap=True, overflow="ellipsis"),
        Column("mentions", no_wrap=True),
        Column("sum", justify="right", no_wrap=True),
        Column("TMDB popularity", no_wrap=True),
        Column("last", justify="right", no_wrap=True),
        Column("votes", justify="right", no_wrap=True),
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    days = [day for one in report.films for day in one.days]
    most = max((day.mentions for day in days if day.mentions is not None), default=0)
    highest = max((day.popularity for day in days if day.popularity is not None), default=0.0)
    for one in report.films:
        table.add_row(
            _title(one.film),
            Sparkline([day.mentions for day in one.days], float(most)),
            _number(one.mentions, ",d"),
            Sparkline([day.popularity for day in one.days], highest, "magenta"),
            _number(one.popularity, ",.1f"),
            _number(one.votes_gained, "+,d"),
        )
    return table


def _days(report: CompareReport) -> Table:
    table = Table(
        Column("day", no_wrap=True),
        *(Column(_title(one.film), justify="right", overflow="ellipsis") for one in report.films),
        title="Mentions, share of voice, TMDB popularity",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    for number, first in enumerate(report.films[0].days if report.films else ()):
        mark = f" {MARK}" if first.complete is False else ""
        table.add_row(f"{first.day}{mark}", *(_cell(one, number) for one in report.films))
    return table


def _cell(one: Compared, number: int) -> Text:
    day = one.days[number]
    share = Text(NONE) if day.share_of_voice is None else Text(f"{day.share_of_voice:.1%}")
    parts = (_number(day.mentions, ",d"), share, _number(day.popularity, ",.1f"))
    return Text("  ").join(parts)


def _title(film: Film) -> Text:
    return Text(printable(f"{film.title} ({film.year})" if film.year else film.title))


def _number(value: float | None, form: str) -> Text:
    return Text(NONE, style="dim") if value is None else Text(f"{value:{form}}")
