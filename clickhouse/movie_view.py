"""How a film looks: a rich renderable for the terminal, rows for CSV."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Column, Table
from rich.text import Text

from clickhouse.compare_view import render_lines
from clickhouse.coverage_view import MARK, share_text
from clickhouse.film_talk_view import render_talk
from clickhouse.movie import Day
from clickhouse.plain import flat, moment, plain, printable
from clickhouse.trends_view import known_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from clickhouse.lead import Lead
    from clickhouse.movie import MovieReport


def render_movie(report: MovieReport) -> RenderableType:
    """Return a film's days, communities, methods and evidence, with the facts that its numbers need."""
    film = report.film
    about = [f"TMDB id {film.tmdb_id}", *film.genres, *(f"by {name}" for name in film.directors)]
    tables = [
        _table(
            "Days",
            ("day", "state"),
            ("mentions", "submissions", "comments", "coverage", "sentiment"),
            [_shown(day) for day in report.days],
        ),
        _table("Communities on these days", ("community",), ("mentions",), report.communities),
        _table("How it was recognised", ("method", "location"), ("mentions", "mean_confidence"), report.methods),
        _table("Latest evidence", ("created_at", "community", "permalink"), ("score",), report.evidence),
    ]
    return Group(
        Text(printable(f"{film.title} ({film.year or 'year unknown'})"), style="bold"),
        Text(printable(" · ".join(about)), style="dim"),
        Text(f"as of {moment(report.as_of)} · days in {report.day_zone}{_felt(report)}"),
        *([Text(known_text(report.known_at), style="yellow")] if report.known_at else []),
        *render_lines(report.history),
        *render_talk(report.talk),
        Text(_lead(report.lead)),
        *(tables if report.days or report.evidence else [Text("No mentions yet.")]),
        Text(report.attribution, style="dim"),
    )


def _felt(report: MovieReport) -> str:
    return f" · sentiment of these days {report.sentiment.text}" if report.sentiment.text else ""


def _lead(lead: Lead) -> str:
    if lead.days is None or lead.r is None:
        return f"talk and popularity: {lead.why} ({lead.pairs} d)"
    told = f"(r {lead.r:+.2f} over {lead.pairs} d)"
    if lead.days == 0:
        return f"talk and popularity move on the same day {told}"
    return f"talk {'leads' if lead.days > 0 else 'follows'} popularity by {abs(lead.days)} d {told}"


def _shown(day: Day) -> dict[str, Any]:
    return {
        **plain(day),
        "state": f"{day.state}, revised after closing" if day.revised else day.state,
        "sentiment": day.sentiment.text,
        "coverage": share_text(day.coverage_share) + ("" if day.complete is not False else f" {MARK}"),
    }


def movie_rows(report: MovieReport) -> list[dict[str, Any]]:
    """Return one flat row a day."""
    return [{**_flat(day), **_basis(report)} for day in report.days]


def _flat(day: Day) -> dict[str, Any]:
    fields = flat(day)
    sentiment = fields.pop("sentiment")
    return fields | {f"sentiment_{name}": value for name, value in flat(sentiment).items()}


def _basis(report: MovieReport) -> dict[str, Any]:
    return {
        "tmdb_id": report.film.tmdb_id,
        "title": report.film.title,
        "day_zone": report.day_zone,
        "as_of": report.as_of,
    }


def movie_columns(report: MovieReport) -> tuple[str, ...]:
    """Return the columns of `movie_rows`, which has no row to tell them where there is no day."""
    return (*(field.name for field in fields(Day)), *_basis(report))


def _table(title: str, texts: tuple[str, ...], numbers: tuple[str, ...], records: Iterable[object]) -> Table:
    table = Table(
        *(Column(name.replace("_", " "), overflow="fold") for name in texts),
        *(Column(name.replace("_", " "), justify="right") for name in numbers),
        title=title,
        title_justify="left",
    )
    for record in records:
        values = plain(record)
        table.add_row(
            *(Text(printable(str(values[name] or ""))) for name in texts), *(str(values[name]) for name in numbers)
        )
    return table
