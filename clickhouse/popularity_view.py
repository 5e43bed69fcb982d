"""How trends of TMDB's numbers look: a table with the columns that matter for the order asked for, JSON and CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Column, Table
from rich.text import Text

from clickhouse.measures import POPULARITY
from clickhouse.plain import NONE, moment, plain, printable
from clickhouse.reasons import reasons

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

    from clickhouse.popularity import PopularityReport, Ranking

HEADLINES: Final[Mapping[Ranking, str]] = {
    "popularity": "Films by TMDB popularity",
    "rank": "Films by rank of TMDB popularity",
    "gainers": "Films whose popularity gained most in a week",
    "decliners": "Films whose popularity lost most in a week",
    "velocity": "Films by votes a day, over a week",
    "acceleration": "Films by gain of votes a day over the week before",
    "viral": "Films by viral score",
    "coefficient": "Films by viral coefficient, from 20 up",
    "emerging": "Films that are emerging",
    "breakout": "Films that break out",
    "joiners": "Films that joined the top",
    "leavers": "Films that left the top",
    "risers": "Films whose rank rose",
}
SHOWN: Final[Mapping[Ranking, tuple[str, ...]]] = {
    "popularity": ("popularity", "dod_percent", "wow_percent", "momentum", "rank_change"),
    "rank": ("rank", "rank_change", "popularity", "dod_percent", "momentum"),
    "gainers": ("wow_percent", "wow", "popularity", "momentum", "trend"),
    "decliners": ("wow_percent", "wow", "popularity", "momentum", "trend"),
    "velocity": ("vote_velocity", "engagement", "votes", "vote_acceleration", "engagement_trend"),
    "acceleration": ("vote_acceleration", "vote_velocity", "votes", "engagement_trend", "emerging"),
    "viral": ("viral_score", "viral_score_category", "vote_velocity", "wow_percent", "trend"),
    "coefficient": ("viral_coefficient", "viral_category", "viral_coefficient_before", "vote_velocity"),
    "emerging": ("vote_acceleration", "vote_velocity", "viral_coefficient", "popularity"),
    "breakout": ("breakout", "viral_coefficient", "viral_coefficient_before", "vote_velocity"),
    "joiners": ("rank", "rank_before", "popularity", "wow_percent"),
    "leavers": ("rank_before", "rank", "popularity", "wow_percent"),
    "risers": ("rank_change", "rank", "rank_before", "popularity"),
}
SIGNED: Final = frozenset({"rank_change", "wow", "dod_percent", "wow_percent", "vote_acceleration"})
FORMATS: Final = {
    **dict.fromkeys(SIGNED, "+,.1f"),
    **dict.fromkeys(("rank", "rank_before", "votes"), ",.0f"),
    "rank_change": "+d",
}


def render_popularity(report: PopularityReport) -> RenderableType:
    """Return a table of the films, under the facts that every number needs: zone, as-of, state, films seen."""
    head = [Text(f"{HEADLINES[report.by]}: {report.day or 'no day'}", style="bold"), Text(_basis(report))]
    if not report.films:
        return Group(*head, Text("No film is listed: none was seen, or none qualifies."))
    return Group(*head, _table(report), Text(report.attribution, style="dim"))


def popularity_document(report: PopularityReport) -> dict[str, Any]:
    """Return the report as JSON values."""
    return {**_provenance(report), "attribution": report.attribution, "films": _films(report)}


def popularity_rows(report: PopularityReport) -> list[dict[str, Any]]:
    """Return one flat row a film, each with what its numbers rest on."""
    return [{**film, "why": "; ".join(_why(report, film)), **_basis_of(report)} for film in report.films]


def popularity_columns(report: PopularityReport) -> tuple[str, ...]:
    """Return the columns of `popularity_rows`, which has no row to tell them where no film is listed."""
    return ("tmdb_id", "title", "release_date", *(measure.name for measure in POPULARITY), "why", *_basis_of(report))


def _films(report: PopularityReport) -> list[dict[str, Any]]:
    """Return the films as JSON values."""
    return [
        {**{name: plain(value) for name, value in film.items()}, "why": list(_why(report, film))}
        for film in report.films
    ]


def _why(report: PopularityReport, film: dict[str, Any]) -> tuple[str, ...]:
    return () if report.day is None else reasons(film, report.day)


def _provenance(report: PopularityReport) -> dict[str, Any]:
    return {name: plain(value) for name, value in _basis_of(report).items()}


def _basis_of(report: PopularityReport) -> dict[str, Any]:
    return {
        "by": report.by,
        "day": report.day,
        "day_zone": report.day_zone,
        "as_of": report.as_of,
        "state": report.state,
        "films_seen": report.seen,
        "films_seen_before": report.seen_before,
        "compared_days": report.compared_days,
    }


def _basis(report: PopularityReport) -> str:
    compared = "no day to compare with" if report.compared_days is None else f"ranks of {report.compared_days} d before"
    return (
        f"{report.seen} films seen, {report.seen_before} the day before · as of {moment(report.as_of)} · "
        f"{report.state} · days in {report.day_zone} · {compared}"
    )


def _table(report: PopularityReport) -> Table:
    names = SHOWN[report.by]
    heads = (name.replace("_percent", " %").replace("viral_", "").replace("_", " ") for name in names)
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


def _cell(name: str, value: object) -> Text:
    if value is None:
        return Text(NONE, style="dim")
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, int | float):
        style = "" if name not in SIGNED else "green" if value > 0 else "red" if value < 0 else "dim"
        return Text(f"{value:{FORMATS.get(name, ',.1f')}}", style=style)
    return Text(str(value))
