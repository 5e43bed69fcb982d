"""How the reasons look: a rich renderable for the terminal, rows for lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.console import Group
from rich.table import Column, Table
from rich.text import Text

from clickhouse.plain import NONE, printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from clickhouse.why import WhyReport

LIMITS: Final = "Terms are of at least two posts. Trailers are not polled from TMDB, so none is told."


def render_why(report: WhyReport) -> RenderableType:
    """Return the reasons as tables."""
    film = report.film
    head = Text(printable(f"{film.title} ({film.year or 'year unknown'})"), style="bold")
    if report.day is None:
        return Group(head, Text("No mentions yet."))
    usual = f"{report.usual:.1f} a day in the {report.baseline_days} days before"
    tables = [
        _table("What is said", ("term",), ("posts", "before", "z"), [
            (one.term, one.posts, one.posts_before, f"{one.z:.1f}") for one in report.terms
        ]),
        _table("Where", ("community",), ("mentions", "share", "share before"), [
            (one.community, one.mentions, _share(one.share), _share(one.share_before)) for one in report.communities
        ]),
        _table("Posts", ("community", "permalink"), ("score",), [
            (one.community, one.permalink or NONE, one.score) for one in report.evidence
        ]),
        _table("TMDB around it", ("day", "what"), (), [(one.day.isoformat(), one.what) for one in report.events]),
    ]  # fmt: skip
    return Group(
        head,
        Text(f"{report.day.isoformat()}: {report.mentions} mentions, {usual} · days in {report.day_zone}"),
        *tables,
        Text(LIMITS, style="dim"),
        Text(report.attribution, style="dim"),
    )


def why_rows(report: WhyReport) -> list[dict[str, Any]]:
    """Return one flat row a reason: its kind, name, how often on the day and before, and what it is ordered by."""
    basis = {"tmdb_id": report.film.tmdb_id, "title": report.film.title, "on": report.day}
    found = [
        *(("term", one.term, one.posts, float(one.posts_before), one.z) for one in report.terms),
        *(("community", one.community, one.mentions, one.share_before, one.excess) for one in report.communities),
        *(("evidence", one.permalink or one.post_id, None, None, float(one.score)) for one in report.evidence),
        *((one.kind, f"{one.day.isoformat()}: {one.what}", None, None, None) for one in report.events),
    ]
    names = ("reason", "name", "posts", "before", "value")
    return [{**basis, **dict(zip(names, one, strict=True))} for one in found]


def _share(share: float | None) -> str:
    return NONE if share is None else f"{100 * share:.0f} %"


def _table(title: str, texts: tuple[str, ...], numbers: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> Table:
    table = Table(
        *(Column(name, overflow="fold") for name in texts),
        *(Column(name, justify="right") for name in numbers),
        title=title,
        title_justify="left",
    )
    for row in rows:
        table.add_row(*(Text(printable(str(cell))) for cell in row))
    if not table.row_count:
        table.add_row(NONE, *("" for _ in table.columns[1:]))
    return table
