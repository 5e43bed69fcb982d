"""`cinepulse alerts`: what happened to films, listed or live."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from cinepulse.commands.options import DAY, Format, format_option, print_rows, with_settings

if TYPE_CHECKING:
    from cinepulse.settings import Settings
    from stream_processors.alerting.message import Message

KINDS: Final = ("burst", "joined", "left", "milestone")
DEFAULT_DAYS: Final = 7
FOLLOW_SECONDS: Final = 0.25
NONE_RANK: Final = "\N{EN DASH}"
STYLES: Final = {"burst": "bold red", "joined": "green", "left": "yellow", "milestone": "bold cyan"}


@click.command()
@with_settings("kafka_bootstrap", "clickhouse_host", "clickhouse_port", "clickhouse_database")
@click.option("--from", "first", type=DAY, help="First UTC day; a week ago when not given.")
@click.option("--to", "last", type=DAY, help="Last UTC day, within it; today when not given.")
@click.option("--kind", "kinds", type=click.Choice(KINDS), multiple=True, help="Only of this kind; may be repeated.")
@click.option("--film", "wanted", metavar="ID|TITLE", help="Only about this film.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="Alerts to list.")
@click.option("--follow", is_flag=True, help="Show alerts as they come until Ctrl-C: lines on a terminal, else JSON.")
@format_option
def alerts(  # noqa: PLR0913 - one parameter an option
    settings: Settings,
    *,
    first: datetime | None,
    last: datetime | None,
    kinds: tuple[str, ...],
    wanted: str | None,
    limit: int,
    follow: bool,
    output: Format,
) -> None:
    """List what happened to films: bursts of talk, joiners and leavers of TMDB's popular list, milestones.

    The latest come first. Times are event time, UTC: a burst begins with the mention that made it one. Of a burst,
    "covered" is the share of its hours that the pipeline knows.

    \b
    Examples:
      cinepulse alerts
      cinepulse alerts --kind burst --from 2026-11-01 --to 2026-11-07 --format csv
      cinepulse alerts --film "Dune: Part Two"
      cinepulse alerts --follow
    """  # noqa: D301 - click reads \b
    if follow:
        if first or last or output == "csv":
            raise click.UsageError("--follow takes --kind, --film and --format table or json alone")
        _follow(settings, kinds, _film(settings, wanted), as_json=output == "json" or not sys.stdout.isatty())
        return

    from clickhouse.alerts import AlertsQuestion, read_alerts
    from clickhouse.client import connect

    today = datetime.now(UTC).replace(tzinfo=None)
    end = (last or max(today, first or today)).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    begin = first or end - timedelta(days=DEFAULT_DAYS)
    if begin >= end:
        raise click.UsageError("--to lies before --from")
    film = _film(settings, wanted)
    question = AlertsQuestion(
        begin_ms=_milliseconds(begin),
        end_ms=_milliseconds(end),
        kinds=kinds,
        films=() if film is None else (film,),
        limit=limit,
    )
    found = read_alerts(connect(settings), question)
    print_rows([_row(one) for one in found] if output == "table" else found, output, title="Alerts")


def _film(settings: Settings, wanted: str | None) -> int | None:
    if wanted is None:
        return None
    from clickhouse.client import connect
    from clickhouse.films import find_film

    return find_film(connect(settings), wanted).tmdb_id


def _row(alert: dict[str, Any]) -> dict[str, Any]:
    """Return an alert's columns for people."""
    from clickhouse.plain import moment, printable

    burst = alert["kind"] == "burst"
    ranks = [NONE_RANK if rank is None else str(rank) for rank in (alert["rank_before"], alert["rank_after"])]
    return {
        "happened at": moment(alert["happened_at"]),
        "what": f"{alert['kind']} {alert['detail']}",
        "film": printable(alert["title"] or f"film {alert['tmdb_id']}"),
        "id": alert["tmdb_id"],
        "score": round(alert["score"], 1) if burst and alert["score"] is not None else None,
        "mentions": alert["mentions"],
        "usual": round(alert["expected"], 1) if alert["expected"] is not None else None,
        "covered": None if alert["covered"] is None else f"{alert['covered']:.0%}",
        "rank": None if burst else f"{ranks[0]} → {ranks[1]}",
    }


def _follow(settings: Settings, kinds: tuple[str, ...], film: int | None, *, as_json: bool) -> None:
    """Print alerts that come from now on, until Ctrl-C."""
    from time import sleep

    from cinepulse.commands.titles import PatientTitles
    from cinepulse.errors import Poison
    from schemas.codec import Codec
    from schemas.reader import TopicReader
    from schemas.registry import schema_ids
    from schemas.topics import TREND_ALERTS
    from stream_processors.alerting.message import Message, read_message

    codec, titles = Codec(schema_ids(settings)), PatientTitles(settings)
    with TopicReader(settings, TREND_ALERTS.name, "follow") as reader:
        ends = reader.ends()
    show = _print_json if as_json else _printer()
    with TopicReader(settings, TREND_ALERTS.name, "follow", starts=ends) as reader:
        while True:
            for record in reader.to_end():
                try:
                    found = read_message(codec, record.key, record.value)
                except Poison:
                    # The sink makes a dead letter of it.
                    continue
                if (not kinds or found.key.kind in kinds) and film in {None, found.key.tmdb_id}:
                    show(Message(found.key, found.alert, titles.of(found.key.tmdb_id)))
            sleep(FOLLOW_SECONDS)


def _print_json(message: Message) -> None:
    click.echo(json.dumps(message.document(), ensure_ascii=False))
    sys.stdout.flush()


def _printer() -> Any:
    from rich.console import Console
    from rich.text import Text

    from stream_processors.alerting.message import iso

    console = Console()

    def show(message: Message) -> None:
        when = (iso(message.alert.happened_at) or "")[:19].replace("T", " ")
        console.print(
            Text.assemble((when, "dim"), "  ", (message.sentence(), STYLES.get(message.key.kind, ""))), soft_wrap=True
        )

    return show


def _milliseconds(day: datetime) -> int:
    return round(day.replace(tzinfo=UTC).timestamp() * 1000)
