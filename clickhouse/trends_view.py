"""How trends look: a rich renderable for the terminal, plain values for JSON and CSV."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Column, Table
from rich.text import Text

from clickhouse.coverage import COMPLETE_SHARE
from clickhouse.coverage_view import coverage_document, share_text
from clickhouse.plain import NONE, flat, moment, plain, printable
from clickhouse.trends import FilmTrend

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import RenderableType

    from clickhouse.trends import DayCoverage, TrendsReport

WHY: Final = {"asked": "", "today": " (today)", "latest": " (the latest day with data)"}

# Days named in a warning.
WARNED: Final = 7


def render_trends(report: TrendsReport) -> RenderableType:
    """Return a table of the films, under the facts that every number needs: zone, as-of, state, coverage."""
    head = [Text(_headline(report), style="bold"), Text(_basis(report)), Text(_coverage(report), style="dim")]
    if report.known_at is not None:
        head.append(Text(known_text(report.known_at), style="yellow"))
    head += [Text(warning, style="yellow") for warning in _warnings(report)]
    if not report.films:
        return Group(*head, Text("No mentions yet."))
    return Group(*head, _table(report), Text(report.attribution, style="dim"))


def known_text(at: datetime) -> str:
    """Return what an answer as it was known then is made of."""
    return (
        f"As known at {moment(at)} UTC: counts and snapshots as stored then; communities, evidence and comparisons of "
        "the posts that are still there"
    )


def trends_document(report: TrendsReport) -> dict[str, Any]:
    """Return the report as JSON values."""
    return {
        **_provenance(report),
        "elapsed_share": report.elapsed_share,
        "mentions": report.mentions,
        "coverage": coverage_document(report.coverage),
        "days": [{"day": plain(one.day), **coverage_document(one.coverage)} for one in report.days],
        "previous_coverage": coverage_document(report.previous_coverage),
        "attribution": report.attribution,
        "films": [_film(film) for film in report.films],
    }


def trends_rows(report: TrendsReport) -> list[dict[str, Any]]:
    """Return one flat row a film, each with what its numbers rest on."""
    basis = _row_basis(report)
    # A film's own `revised` comes last: the basis has one of all films.
    return [
        {**flat(film), "change": film.change, "change_share": film.change_share, **basis, "revised": film.revised}
        for film in report.films
    ]


def trends_columns(report: TrendsReport) -> tuple[str, ...]:
    """Return the columns of `trends_rows`, which has no row to tell them where no film is listed."""
    return (*(field.name for field in fields(FilmTrend)), "change", "change_share", *_row_basis(report))


def _row_basis(report: TrendsReport) -> dict[str, Any]:
    return {
        **_basis_of(report),
        "coverage_share": report.coverage.share,
        "previous_coverage_share": report.previous_coverage.share,
        "gaps": report.coverage.gaps,
        "incomplete_days": " ".join(str(one.day) for one in _incomplete(report)),
    }


def _headline(report: TrendsReport) -> str:
    where = f" in r/{printable(report.community)}" if report.community else ""
    first, last = report.period.first, report.period.last
    days = f"{first}" if first == last else f"{first} to {last}"
    certain = f", mentions of confidence {report.least_confidence:g} and more" if report.least_confidence > 0 else ""
    return f"Films people talk about{where}: {days}{WHY[report.chosen]}{certain}"


def _basis(report: TrendsReport) -> str:
    elapsed = "" if report.elapsed_share >= 1 else f", {report.elapsed_share:.0%} of the period"
    compared = "the period before" if report.elapsed_share >= 1 else "the same share of the period before"
    return (
        f"{report.mentions} mentions · as of {moment(report.as_of)}{elapsed} · {report.state}{_revised(report)} · "
        f"days in {report.day_zone} · change against {compared}"
    )


def _revised(report: TrendsReport) -> str:
    return f", {report.revised} counts revised after closing" if report.revised else ""


def _coverage(report: TrendsReport) -> str:
    coverage = report.coverage
    polled = "no polls fell into it" if coverage.share is None else f"{coverage.share:.1%} of it known"
    failed = f", {coverage.failed} polls failed" if coverage.failed else ""
    gaps = f"{coverage.gaps} gaps of {coverage.gap_seconds:.0f} s together" if coverage.gaps else "no gaps known"
    return f"Coverage: {polled}{failed}, {gaps}"


def _incomplete(report: TrendsReport) -> list[DayCoverage]:
    """Return the days that are known in too small a part; those nobody looked at only where others were."""
    if report.coverage.share is None:
        return []
    return [one for one in report.days if not one.coverage.complete]


def _warnings(report: TrendsReport) -> list[str]:
    """Return what must be known before the numbers are believed."""
    found: list[str] = []
    if days := _incomplete(report):
        told = ", ".join(f"{one.day} ({share_text(one.coverage.share)})" for one in days[:WARNED])
        more = f" and {len(days) - WARNED} more" if len(days) > WARNED else ""
        found.append(f"! Counts may be too low, less than {COMPLETE_SHARE:.0%} is known of: {told}{more}")
    before = report.previous_coverage
    if before.complete is False:
        found.append(f"! Changes may be too high: {share_text(before.share)} is known of what they compare with")
    return found


def _table(report: TrendsReport) -> Table:
    # Short heads and few lines: on a terminal of 80 columns the film's title needs the room.
    numbers = ("mentions", "change", "share", "subreddits", "TMDB")
    table = Table(
        Column("#", justify="right"),
        Column("film"),
        *(Column(name, justify="right", no_wrap=True) for name in numbers),
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    for film in report.films:
        title = Text(printable(film.title), overflow="ellipsis", no_wrap=True)
        if film.year is not None:
            title.append(f" ({film.year})", style="dim")
        table.add_row(
            str(film.rank),
            title,
            str(film.mentions),
            _change(film),
            f"{film.share_of_voice:.1%}",
            str(film.communities),
            NONE if film.popularity is None else f"{film.popularity:.1f}",
        )
    return table


def _change(film: FilmTrend) -> Text:
    if film.change is None:
        return Text(NONE, style="dim")
    share = "new" if film.change_share is None else f"{film.change_share:+.0%}"
    style = "green" if film.change > 0 else "red" if film.change < 0 else "dim"
    return Text(f"{film.change:+d} ({share})", style=style)


def _provenance(report: TrendsReport) -> dict[str, Any]:
    return {name: plain(value) for name, value in _basis_of(report).items()}


def _basis_of(report: TrendsReport) -> dict[str, Any]:
    return {
        "day_zone": report.day_zone,
        "from": report.period.first,
        "to": report.period.last,
        "chosen": report.chosen,
        "community": report.community,
        "least_confidence": report.least_confidence,
        "as_of": report.as_of,
        "state": report.state,
        "revised": report.revised,
        "known_at": report.known_at,
    }


def _film(film: FilmTrend) -> dict[str, Any]:
    return {**plain(film), "change": film.change, "change_share": film.change_share}
