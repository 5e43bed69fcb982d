"""`cinepulse dlq`: list, show and replay dead letters."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import click
from filelock import FileLock, Timeout

from cinepulse.commands.options import Format, format_option, print_rows, waiting, with_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from cinepulse.commands.letters import Letter, Wanted
    from cinepulse.commands.letters_replay import Plan
    from cinepulse.settings import Settings
    from schemas.codec import Codec

# One flush of the producer; what is put through before a kill is known by its header.
CHUNK: Final = 500
ERROR_SHOWN: Final = 200
BYTES_SHOWN: Final = 512


def filters(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that choose letters."""
    options = (
        click.option("--reason", metavar="NAME", help="Only letters of this reason, for example corrupt_record."),
        click.option(
            "--stage",
            type=click.Choice(["producer", "link", "count", "bursts", "ranks", "sink"]),
            help="Only of this stage.",
        ),
        click.option("--source", metavar="NAME", help="Only of this topic, or of this listing of a producer."),
        click.option("--since", metavar="WHEN", help="Only since then: 90m, 6h, 2d, or an instant in ISO 8601, UTC."),
        click.option("--limit", type=click.IntRange(1), help="Only so many, the newest."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@click.group()
def dlq() -> None:
    """List, show and replay dead letters: records that could not be processed.

    Their bytes are kept for 48 hours, since they may hold text; after that, only what went wrong is known.

    \b
    Examples:
      cinepulse dlq list
      cinepulse dlq show --reason link_failed --limit 3
      cinepulse dlq replay --reason link_failed --dry-run
    """  # noqa: D301 - click reads \b


@dlq.command(name="list")
@with_settings("kafka_bootstrap", "clickhouse_host", "clickhouse_port", "clickhouse_database")
@filters
@click.option("--each", is_flag=True, help="One line a letter, those with bytes only.")
@format_option
def list_(settings: Settings, *, each: bool, output: Format, **chosen: Any) -> None:
    """List dead letters by stage, source and reason, with and without bytes.

    Letters older than 48 hours have no bytes any more: ClickHouse tells of them for 30 days, and they cannot be shown
    or replayed.

    \b
    Examples:
      cinepulse dlq list --since 6h
      cinepulse dlq list --each --reason corrupt_record --format csv
    """  # noqa: D301 - click reads \b
    wanted, codec = _wanted(**chosen), _codec(settings)
    letters = _read(settings, codec, wanted)
    if each:
        print_rows([_line(one) for one in letters], output, title="Dead letters")
        return
    rows = [*_summary(letters), *_without_bytes(settings, wanted)]
    print_rows(rows, output, title="Dead letters")


@dlq.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@with_settings("kafka_bootstrap")
@filters
@click.option(
    "--bytes",
    "limit_bytes",
    type=click.IntRange(1),
    default=BYTES_SHOWN,
    show_default=True,
    help="Most bytes of what cannot be decoded.",
)
@format_option
def show(settings: Settings, ids: Sequence[str], *, limit_bytes: int, output: Format, **chosen: Any) -> int:
    """Show letters with their bytes decoded: by ID as `dlq list --each` prints them, or by the filters.

    Whatever in a text would steer the terminal is spelt out.

    \b
    Examples:
      cinepulse dlq show 2-17
      cinepulse dlq show --stage link --limit 1 --format json
    """  # noqa: D301 - click reads \b
    from cinepulse.commands.letters_view import key_text, value_text

    codec = _codec(settings)
    letters = _read(settings, codec, _wanted(**chosen, ids=ids))
    rows = [
        {
            **_line(one),
            "key": key_text(codec, one.letter, limit=limit_bytes),
            "value": value_text(codec, one.letter, limit=limit_bytes),
        }
        for one in letters
    ]
    if output != "table":
        print_rows(rows, output)
    for row in rows if output == "table" else ():
        for name, said in row.items():
            _echo_field(name, said)
        click.echo()
    missing = set(ids) - {one.id for one in letters}
    if missing:
        click.echo(f"no letter {', '.join(sorted(missing))} with bytes: they are kept for 48 hours", err=True)
    elif not letters and output == "table":
        click.echo("no letter with bytes: they are kept for 48 hours")
    return 1 if missing else 0


@dlq.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@with_settings("kafka_bootstrap", "partitions")
@filters
@click.option("--dry-run", is_flag=True, help="Show what would be done with each letter and do nothing.")
@format_option
def replay(settings: Settings, ids: Sequence[str], *, dry_run: bool, output: Format, **chosen: Any) -> int:
    """Put the letters' records through again, once: mend the cause first.

    The original bytes go to the end of their own partition, with their own key and timestamp. A record that was put
    through before is left out, however often and whenever this is run; so is one of a compacted topic that a later
    record has superseded. Exit code 1 when something cannot be put through.

    \b
    Examples:
      cinepulse dlq replay --dry-run
      cinepulse dlq replay --stage link --reason link_failed --since 6h
      cinepulse dlq replay 2-17
    """  # noqa: D301 - click reads \b
    from cinepulse.commands.letters_replay import plan_replay
    from cinepulse.errors import DataDirectoryBusy

    codec, wanted = _codec(settings), _wanted(**chosen, ids=ids)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.data_dir / "dlq.lock")
    try:
        # Two at once could both look before either has sent.
        lock.acquire(timeout=0)
    except Timeout:
        raise DataDirectoryBusy("another `cinepulse dlq replay` is under way: let it end") from None
    try:
        with waiting() as say:
            say("reading letters")
            letters = _read(settings, codec, wanted)
            say("looking for what was put through before")
            plans = plan_replay(settings, codec, letters)
        if not dry_run:
            _put_through(settings, plans)
    finally:
        lock.release()
    print_rows([_plan_line(plan, done=not dry_run) for plan in plans], output, title="Dead letters to replay")
    _print_tally(plans, done=not dry_run)
    return 1 if any(plan.action == "impossible" for plan in plans) else 0


def _wanted(*, ids: Iterable[str] = (), since: str | None, **chosen: Any) -> Wanted:
    from cinepulse.clock import SystemClock
    from cinepulse.commands.letters import ID, Wanted, since_ms

    for one in ids:
        if not ID.fullmatch(one):
            raise click.BadParameter(
                f"{one!r} is no letter: `cinepulse dlq list --each` prints their ids", param_hint="ID"
            )
    return Wanted(**chosen, since=since_ms(since, SystemClock().now_ms()), ids=frozenset(ids))


def _codec(settings: Settings) -> Codec:
    from schemas.codec import Codec
    from schemas.registry import schema_ids

    return Codec(schema_ids(settings))


def _read(settings: Settings, codec: Codec, wanted: Wanted) -> list[Letter]:
    from cinepulse.commands.letters import read_letters

    return wanted.choose(read_letters(settings, codec))


def _line(one: Letter) -> dict[str, Any]:
    from cinepulse.commands.letters import instant_of
    from cinepulse.commands.letters_view import escaped

    letter = one.letter
    return {
        "id": one.id,
        "stage": letter.stage,
        "source": escaped(letter.source),
        "partition": letter.partition,
        "offset": letter.offset,
        "reason": letter.reason,
        "failed_at": instant_of(letter.failed_at),
        "bytes": letter.value_size,
        "code_version": letter.code_version,
        "error": escaped(letter.error[:ERROR_SHOWN]),
    }


def _summary(letters: Sequence[Letter]) -> list[dict[str, Any]]:
    groups: dict[tuple[str, str, str], list[int]] = {}
    for one in letters:
        groups.setdefault((one.letter.stage, one.letter.source, one.letter.reason), []).append(one.letter.failed_at)
    rows = [_group(*group, len(times), min(times), max(times), "kept") for group, times in groups.items()]
    return sorted(rows, key=lambda row: -row["letters"])


def _without_bytes(settings: Settings, wanted: Wanted) -> list[dict[str, Any]]:
    """Return what ClickHouse knows of letters that the topic has no more."""
    from cinepulse.errors import CinepulseError
    from clickhouse.ask import ask
    from clickhouse.client import connect
    from schemas.provision import admin_client, describe_topics
    from schemas.topics import PIPELINE_DEAD_LETTERS

    state = describe_topics(admin_client(settings), [PIPELINE_DEAD_LETTERS])[PIPELINE_DEAD_LETTERS.name]
    try:
        rows = ask(
            connect(settings),
            "letters_without_bytes",
            first_offsets=[] if state is None else [one.first_offset for one in state.partitions],
            since=wanted.since,
            stage=wanted.stage or "",
            source=wanted.source or "",
            reason=wanted.reason or "",
        )
    except CinepulseError as error:
        click.echo(f"note: older letters are not shown: {error}", err=True)
        return []
    return [_group(**row, kept="gone after 48 h") for row in rows]


def _group(stage: str, source: str, reason: str, letters: int, oldest: int, newest: int, kept: str) -> dict[str, Any]:  # noqa: PLR0913, PLR0917 - one argument a column
    from cinepulse.commands.letters import instant_of
    from cinepulse.commands.letters_view import escaped

    return {
        "stage": stage,
        "source": escaped(source),
        "reason": reason,
        "letters": letters,
        "oldest": instant_of(oldest),
        "newest": instant_of(newest),
        "bytes": kept,
    }


def _echo_field(name: str, said: object) -> None:
    text = "" if said is None else str(said)
    first, *more = text.split("\n")
    click.secho(f"{name.replace('_', ' ')}: ", bold=True, nl=False)
    click.echo(first)
    for line in more:
        click.echo(f"    {line}")


def _put_through(settings: Settings, plans: Sequence[Plan]) -> None:
    from rich.console import Console
    from rich.progress import track

    from schemas.append import Appender

    records = [plan.record for plan in plans if plan.action == "replay" and plan.record is not None]
    appender = Appender(settings, "dlq")
    chunks = [records[start : start + CHUNK] for start in range(0, len(records), CHUNK)]
    console = Console(stderr=True)
    for chunk in track(chunks, "putting through", console=console, disable=not console.is_terminal, transient=True):
        appender.append(chunk)


def _plan_line(plan: Plan, *, done: bool) -> dict[str, Any]:
    letter = plan.letter.letter
    action = "put through" if done and plan.action == "replay" else plan.action
    return {
        "id": plan.letter.id,
        "stage": letter.stage,
        "source": letter.source,
        "partition": letter.partition,
        "offset": letter.offset,
        "reason": letter.reason,
        "action": action,
        "why": plan.why,
    }


def _print_tally(plans: Sequence[Plan], *, done: bool) -> None:
    tally = Counter(plan.action for plan in plans)
    verb = "put through" if done else "to put through"
    parts = [f"{tally['replay']} {verb}", f"{tally['replayed']} put through before"]
    parts += [f"{tally[name]} {name}" for name in ("superseded", "impossible") if tally[name]]
    click.echo(", ".join(parts), err=True)
