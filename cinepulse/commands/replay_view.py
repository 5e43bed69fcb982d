"""How a replay's report is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cinepulse.commands.options import print_rows
from clickhouse.plain import plain, printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cinepulse.commands.replaying import Comparison, ReplayReport


def report_document(report: ReplayReport) -> dict[str, Any]:
    """Return the whole report as JSON values."""
    document: dict[str, Any] = plain(report)
    for name, comparison in (("comparison", report.comparison), ("after", report.after)):
        if comparison is not None:
            document[name] = {
                "equal": comparison.equal,
                "steady": comparison.steady,
                "behind": comparison.behind,
                **comparison.totals,
                "mentions": [_plain_row(row) for row in comparison.mentions],
                "counts": [_plain_row(row) for row in comparison.counts],
            }
    document["records_per_second"] = report.records_per_second
    return document


def report_rows(report: ReplayReport) -> list[dict[str, Any]]:
    """Return the listed differences as rows of one shape."""
    counts = [
        {
            "what": "count",
            "difference": "differing",
            "day": row["day"],
            "tmdb_id": row["tmdb_id"],
            "title": row["title"],
            "post_id": "",
            "columns": "mentions",
            "live": row["live"],
            "replayed": row["replayed"],
        }
        for row in report.comparison.counts
    ]
    return counts + [_mention_row(row, {"what": "mention"}) for row in report.comparison.mentions]


def print_report(report: ReplayReport) -> None:
    """Print what was replayed and what differs, and what a promotion did."""
    by = (
        "" if report.linker_version is None else f", linker {report.linker_version}, catalogue {report.catalog_version}"
    )
    click.echo(f"Replayed {report.topic} from {report.first_day} to {report.end_day} (not within){by}")
    click.echo(
        f"{report.records_read:,} records read, {report.records_replayed:,} of these days, {report.poison:,} poison; "
        f"{report.seconds:.1f} s, {report.records_per_second:,.0f} records/s"
    )
    _print_comparison(report.comparison)
    if report.shadow is not None:
        click.echo(f"The shadow database {report.shadow} is kept; DROP DATABASE {report.shadow} removes it")
    if report.promotion is not None and report.refused is None:
        again = f"{report.promotion.sent_again:,} posts sent again, " if report.topic == "reddit.posts" else ""
        click.secho(f"Promoted: {again}{report.promotion.seconds:.1f} s; the live tables are equal now", fg="green")


def _print_comparison(found: Comparison) -> None:
    totals = found.totals
    click.echo(
        f"Mentions: {totals['mentions_replayed']:,} replayed, {totals['mentions_live']:,} live, of which "
        f"{totals['mentions_beyond_log']:,} are of posts that the log no longer has"
    )
    click.echo(f"Film-days: {totals['film_days_replayed']:,} replayed, {totals['film_days_live']:,} live")
    if found.behind:
        click.secho(f"The live pipeline is {found.behind:,} records behind: differences may be only that", fg="yellow")
    elif not found.equal and not found.steady:
        click.secho("The live tables kept changing: differences may be only that", fg="yellow")
    if found.equal:
        click.secho("Equal: no mention and no count differs", fg="green")
        return
    click.secho(
        f"Different: {totals['mentions_only_replay']:,} mentions only in the replay, "
        f"{totals['mentions_only_live']:,} only live, {totals['mentions_differing']:,} differing; "
        f"{totals['film_days_differing']:,} film-days counted differently",
        fg="yellow",
    )
    if found.counts:
        rows = [{**row, "title": printable(row["title"])} for row in found.counts]
        print_rows(rows, "table", title=_title("Counts that differ", len(rows), totals["film_days_differing"]))
    if found.mentions:
        rows = [_mention_row(row, {}) for row in found.mentions]
        print_rows(rows, "table", title=_title("Mentions that differ", len(rows), found.mentions_differ))


def _title(text: str, shown: int, total: int) -> str:
    return text if shown == total else f"{text}: {shown} of {total:,}, --limit shows more"


def _mention_row(row: Mapping[str, Any], first: dict[str, Any]) -> dict[str, Any]:
    return {
        **first,
        "difference": row["difference"],
        "day": row["day"],
        "tmdb_id": row["tmdb_id"],
        "title": printable(row["title"]),
        "post_id": printable(row["post_id"]),
        "columns": ", ".join(row["columns"]),
        "live": printable(", ".join(row["live"])),
        "replayed": printable(", ".join(row["replayed"])),
    }


def _plain_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: plain(list(value) if isinstance(value, tuple) else value) for name, value in row.items()}
