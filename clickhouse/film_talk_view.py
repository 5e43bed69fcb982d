"""How what is said of a film looks: a line of its metrics and a line of its hours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from clickhouse.coverage_view import share_text
from clickhouse.mention_numbers import BASELINE_DAYS, LEAST_BASELINE_DAYS
from clickhouse.sparkline import Sparkline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

    from clickhouse.film_talk import FilmTalk

# What a metric is followed by, or preceded; what is unknown is left out.
FORMATS: Final[Mapping[str, str]] = {
    "momentum": "{}",
    "dod_percent": "{:+.0f}% in a day",
    "wow_percent": "{:+.0f}% in a week",
    "velocity": "velocity {:+.1f} a day",
    "acceleration": "acceleration {:+.1f}",
    "share": "share of voice {:.1%}",
    "communities": "communities {}",
    "authors": "authors about {:.0f}",
    "engagement_weight": "engagement {:.1f}",
}


def render_talk(talk: FilmTalk | None) -> list[RenderableType]:
    """Return what is said of a film on a day, nothing of one that nobody mentions."""
    if talk is None:
        return []
    told = [form.format(talk.metrics[name]) for name, form in FORMATS.items() if talk.metrics[name] is not None]
    mentions = talk.metrics["mentions"]
    head = f"{talk.day}{_part(talk)}: {mentions} mentions, {_burst(talk)}"
    hours = Table.grid(padding=(0, 1))
    hours.add_row(Text("by hour", style="dim"), Sparkline([one.mentions for one in talk.hours]), Text(_loudest(talk)))
    return [Text(head), Text(" · ".join(told), style="dim"), hours]


def _part(talk: FilmTalk) -> str:
    if talk.elapsed_share >= 1:
        return ""
    return f" ({talk.elapsed_share:.0%} of the day, against the same part of other days)"


def _burst(talk: FilmTalk) -> str:
    burst, usual = talk.metrics["burst"], talk.metrics["usual"]
    if burst is not None:
        return f"burst {burst:.1f}, usually {usual:.1f} ({talk.baseline_days} of {BASELINE_DAYS} days known)"
    if talk.baseline_days < LEAST_BASELINE_DAYS:
        return f"burst unknown: {talk.baseline_days} of the {BASELINE_DAYS} days before are known"
    return f"burst unknown: {share_text(talk.coverage_share)} of the day is known"


def _loudest(talk: FilmTalk) -> str:
    known = [one for one in talk.hours if one.mentions]
    if not known:
        return ""
    top = max(known, key=lambda one: one.mentions or 0)
    usual = "" if top.burst is None else f", usually {top.usual:.1f}: burst {top.burst:.1f}"
    return f"most at {top.hour:02}:00, {top.mentions}{usual}"
