"""How trends of mentions look: a table with the columns that matter for the order asked for, JSON and CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Column, Table
from rich.text import Text

from clickhouse.coverage import COMPLETE_SHARE
from clickhouse.coverage_view import coverage_document, share_text
from clickhouse.mention_measures import MENTIONS
from clickhouse.mention_numbers import BASELINE_DAYS, LEAST_BASELINE_DAYS
from clickhouse.plain import NONE, moment, plain, printable
from clickhouse.trends_view import known_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

    from clickhouse.mention_trends import MentionRanking, MentionReport

HEADLINES: Final[Mapping[MentionRanking, str]] = {
    "burst": "Films whose mentions burst out of their usual",
    "share": "Films by share of voice",
    "spread": "Films by communities that mention them",
    "engagement": "Films by engagement with the posts that mention them",
    "authors": "Films by distinct authors who mention them, estimated",
    "mention-velocity": "Films by change of mentions a day, over a week",
    "mention-acceleration": "Films by gain of that change over the week before",
    "mention-gainers": "Films whose mentions gained most in a week",
    "mention-decliners": "Films whose mentions lost most in a week",
}
SHOWN: Final[Mapping[MentionRanking, tuple[str, ...]]] = {
    "burst": ("burst", "mentions", "usual", "dod_percent", "communities"),
    "share": ("share", "mentions", "communities", "engagement_weight"),
    "spread": ("communities", "mentions", "share", "engagement_weight"),
    "engagement": ("engagement_weight", "mentions", "communities", "share"),
    "authors": ("authors", "mentions", "communities", "share"),
    "mention-velocity": ("velocity", "mentions", "wow", "mean_7d", "momentum"),
    "mention-acceleration": ("acceleration", "velocity", "mentions", "momentum"),
    "mention-gainers": ("wow_percent", "wow", "mentions", "week_percent", "momentum"),
    "mention-decliners": ("wow_percent", "wow", "mentions", "week_percent", "momentum"),
}
SIGNED: Final = frozenset({"dod", "dod_percent", "wow", "wow_percent", "week_percent", "velocity", "acceleration"})
FORMATS: Final = {
    **dict.fromkeys(SIGNED, "+,.1f"),
    **dict.fromkeys(("mentions", "communities"), ",d"),
    **dict.fromkeys(("dod", "wow"), "+,d"),
    "share": ".1%",
}
WHY: Final = {"asked": "", "today": " (today)", "latest": " (the latest day with data)"}


def render_mention_trends(report: MentionReport) -> RenderableType:
    """Return a table of the films, under the facts that every number needs: zone, as-of, state, coverage."""
    head = [Text(_headline(report), style="bold"), Text(_basis(report)), Text(_known(report), style="dim")]
    if report.known_at is not None:
        head.append(Text(known_text(report.known_at), style="yellow"))
    head += [Text(warning, style="yellow") for warning in _warnings(report)]
    if not report.films:
        return Group(*head, Text(f"No film is listed: none was mentioned, or none qualifies.{_instead(report)}"))
    return Group(*head, _table(report), Text(report.attribution, style="dim"))


def mention_trends_document(report: MentionReport) -> dict[str, Any]:
    """Return the report as JSON values."""
    told = coverage_document(report.coverage)
    return {
        **{name: plain(value) for name, value in _basis_of(report).items()},
        "coverage": {name: told[name] for name in ("share", "complete", "gaps", "gap_seconds")},
        "attribution": report.attribution,
        "films": [{name: plain(value) for name, value in film.items()} for film in report.films],
    }


def mention_trends_rows(report: MentionReport) -> list[dict[str, Any]]:
    """Return one flat row a film, each with what its numbers rest on."""
    return [{**film, **_basis_of(report)} for film in report.films]


def mention_trends_columns(report: MentionReport) -> tuple[str, ...]:
    """Return the columns of `mention_trends_rows`, which has no row to tell them where no film is listed."""
    return ("tmdb_id", "title", "release_date", *(measure.name for measure in MENTIONS), *_basis_of(report))


def _basis_of(report: MentionReport) -> dict[str, Any]:
    return {
        "by": report.by,
        "day": report.day,
        "day_zone": report.day_zone,
        "chosen": report.chosen,
        "community": report.community,
        "least_confidence": report.least_confidence,
        "as_of": report.as_of,
        "state": report.state,
        "elapsed_share": report.elapsed_share,
        "baseline_days": report.baseline_days,
        "coverage_share": report.coverage.share,
        "known_at": report.known_at,
    }


def _headline(report: MentionReport) -> str:
    where = f" in r/{printable(report.community)}" if report.community else ""
    certain = f", mentions of confidence {report.least_confidence:g} and more" if report.least_confidence > 0 else ""
    return f"{HEADLINES[report.by]}{where}: {report.day}{WHY[report.chosen]}{certain}"


def _basis(report: MentionReport) -> str:
    part = (
        ""
        if report.elapsed_share >= 1
        else f" · {report.elapsed_share:.0%} of the day, against the same part of other days"
    )
    return f"as of {moment(report.as_of)} · {report.state} · days in {report.day_zone}{part}"


def _known(report: MentionReport) -> str:
    polled = "no polls fell into it" if report.coverage.share is None else f"{share_text(report.coverage.share)} known"
    return f"Coverage of the day: {polled}; of the {BASELINE_DAYS} days before, {report.baseline_days} are known"


def _warnings(report: MentionReport) -> list[str]:
    """Return why numbers are missing."""
    if not report.films and report.as_of is None:
        return []
    if not report.coverage.complete:
        return [f"! Less than {COMPLETE_SHARE:.0%} of the day is known: what compares it with other days is left out"]
    if report.baseline_days < LEAST_BASELINE_DAYS:
        return [f"! Fewer than {LEAST_BASELINE_DAYS} days before are known: what is usual cannot be told, nor a burst"]
    return []


def _instead(report: MentionReport) -> str:
    """Return who tells of bursts before a week is known."""
    early = report.by == "burst" and report.baseline_days < LEAST_BASELINE_DAYS
    return " For bursts within the last hours, see cinepulse rising." if early else ""


def _table(report: MentionReport) -> Table:
    names = SHOWN[report.by]
    heads = (name.replace("_percent", " %").replace("_weight", "").replace("_", " ") for name in names)
    table = Table(
        Column("#", justify="right"),
        Column("film", min_width=20),
        *(Column(head, justify="right", no_wrap=True) for head in heads),
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    for place, film in enumerate(report.films, 1):
        title = Text(printable(film["title"]), overflow="ellipsis", no_wrap=True)
        year = (film["release_date"] or "")[:4]
        if year.isdigit():
            title.append(f" ({year})", style="dim")
        table.add_row(str(place), title, *(_cell(name, film[name]) for name in names))
    return table


def _cell(name: str, value: float | str | None) -> Text:
    if value is None:
        return Text(NONE, style="dim")
    if isinstance(value, str):
        return Text(value)
    style = "" if name not in SIGNED else "green" if value > 0 else "red" if value < 0 else "dim"
    return Text(f"{value:{FORMATS.get(name, ',.1f')}}", style=style)
