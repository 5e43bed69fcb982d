"""What the commands share: settings from flags, and one way to print lists."""

from __future__ import annotations

import csv
import functools
import json
import os
import re
import stat
import sys
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import click

from cinepulse.errors import FileUnwritable
from cinepulse.logging import configure_logging
from cinepulse.settings import Settings, load_settings, variable_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from rich.console import JustifyMethod

    from clickhouse.trends import Period

Format = Literal["table", "json", "csv", "parquet"]

PIPE_COLUMNS: Final = 160
# Options with which a command does not end by itself.
ENDLESS: Final = frozenset({"watch", "follow", "every"})

UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}

DAY: Final = click.DateTime(["%Y-%m-%d"])


def with_settings(*names: str, attached: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command one flag per named setting (and `--data-dir`), and the built settings as its first argument.

    Logging is configured at the level of the settings before the command runs. `attached`: settings that nothing sets
    are those of the stack that runs on the data directory.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def run(**arguments: Any) -> Any:
            flags = {name: arguments.pop(name) for name in all_names}
            settings = load_settings(attached=attached, **flags)
            configure_logging(settings.log_level)
            return function(settings, **arguments)

        for name in reversed(all_names):
            description = Settings.model_fields[name].description
            text = f"{description} [env: {variable_of(name)}]"
            run = click.option(f"--{name.replace('_', '-')}", name, default=None, metavar="VALUE", help=text)(run)
        return run

    all_names = ("data_dir", *names)
    return decorate


class Duration(click.ParamType):
    """A length of time: a number of seconds, or one with its unit, `s`, `m`, `h` or `d`."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds."""
        found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([smhd]?)", str(value))
        if found is None or float(found[1]) == 0:
            self.fail(f"{value!r} is no length of time: write 90s, 15m, 1h or 7d", param, ctx)
        return float(found[1]) * UNITS[found[2]]


class Instant(click.ParamType):
    """An ISO 8601 instant, UTC where it names no zone."""

    name = "instant"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> datetime:
        """Return the instant; a day alone is its beginning."""
        try:
            instant = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        except ValueError:
            self.fail(
                f"{value!r} is no instant: give it as 2026-11-20T18:00 or 2026-11-20T18:00:00Z", parameter, context
            )
        return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


at_option = click.option(
    "--at", "at", type=Instant(), metavar="TIME", help="As it was known at this instant, UTC unless it names a zone."
)


def instant_asked(at: datetime | None, now_ms: int) -> int:
    """Return `--at` in milliseconds, 0 for now; of what is still to come nothing is known."""
    if at is None:
        return 0
    at_ms = round(at.timestamp() * 1_000)
    if not 0 < at_ms <= now_ms:
        raise click.UsageError("--at must lie in the past")
    return at_ms


def day_known(day: datetime | None, at: datetime | None) -> date | None:
    """Return the day asked for, or the last one that was over at the instant; None without either."""
    if at is None:
        return day.date() if day else None
    over = at.astimezone(UTC).date() - timedelta(days=1)
    if day is not None and day.date() > over:
        raise click.UsageError(f"{day.date()} was not over at --at: its numbers were not all known")
    return day.date() if day else over


def format_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--format`, which it gets as `output`, and `--output FILE`, into which all that it prints goes."""

    @functools.wraps(function)
    def run(*arguments: Any, output: Format, output_file: Path | None, **options: Any) -> Any:
        if output_file is None:
            if output == "parquet" and sys.stdout.isatty():
                raise click.UsageError("Parquet is no text: name a file with --output FILE, or redirect the output")
            return function(*arguments, output=output, **options)
        for name in ENDLESS & options.keys():
            if options[name]:
                raise click.UsageError(f"--output takes a whole answer: leave --{name} out")
        with _written_to(output_file):
            return function(*arguments, output=output, **options)

    run = click.option(
        "--output",
        "output_file",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Write to this file instead; it is replaced once all is written.",
    )(run)
    return click.option(
        "--format",
        "output",
        type=click.Choice(get_args(Format)),
        default="table",
        show_default=True,
        help="How to print.",
    )(run)


@contextmanager
def _written_to(path: Path) -> Iterator[None]:
    """Let the file have what is printed, whole or not at all: a command that fails leaves the file as it was.

    Raises FileUnwritable where it cannot be written.
    """
    # A device or a named pipe is written to, since nothing can take its place.
    replaced = path.is_file() or not path.exists()
    written = path.with_name(f".{path.name}.{os.getpid()}") if replaced else path
    try:
        file = written.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise FileUnwritable(f"--output {path}: {error.strerror}") from error
    try:
        with file, redirect_stdout(file):
            yield
        if replaced:
            if path.exists():
                written.chmod(stat.S_IMODE(path.stat().st_mode))
            written.replace(path)
    finally:
        if replaced:
            written.unlink(missing_ok=True)


def period_of(day: datetime | None, first: datetime | None, last: datetime | None) -> Period | None:
    """Return the period that the options name, None when they name none."""
    from clickhouse.trends import Period

    if day is not None and (first is not None or last is not None):
        raise click.UsageError("give either --day or --from and --to")
    if last is not None and first is None:
        raise click.UsageError("--to needs --from")
    begin = day or first
    if begin is None:
        return None
    end = last or begin
    if end < begin:
        raise click.UsageError("--to lies before --from")
    return Period(begin.date(), end.date())


@contextmanager
def waiting() -> Iterator[Callable[[str], None]]:
    """Show what is waited for, on a terminal only."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _text: None
        return
    with console.status("reading") as status:
        yield status.update


def print_rows(
    rows: Sequence[Mapping[str, Any]], output: Format, *, title: str = "", columns: Iterable[str] = ()
) -> None:
    """Print rows as a table, a JSON list, CSV with a header or Parquet; instants and days print as ISO 8601.

    `columns`: the columns of a list that may be empty, for a Parquet file without rows.
    """
    if output == "json":
        click.echo(json.dumps([dict(row) for row in rows], default=_json, ensure_ascii=False, indent=2))
    elif output == "csv":
        _print_csv(rows)
    elif output == "parquet":
        from cinepulse.commands.parquet import write_parquet

        write_parquet(rows, sys.stdout.buffer, columns=columns)
    else:
        _print_table(rows, title)


def _print_csv(rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    writer = csv.DictWriter(sys.stdout, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _iso(value) for name, value in row.items()} for row in rows)


def _print_table(rows: Sequence[Mapping[str, Any]], title: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        # A file or a pipe has no width of its own; in rich's 80 columns for it most tables would fold.
        console.width = PIPE_COLUMNS
    table = Table(title=title or None, title_justify="left")
    for place, name in enumerate(rows[0] if rows else ()):
        numeric = all(isinstance(row[name], int | float | None) for row in rows)
        justify: JustifyMethod = "right" if numeric else "left"
        # The first column says which row it is: it stays whole and the others fold.
        table.add_column(name.replace("_", " "), justify=justify, overflow="fold", no_wrap=place == 0)
    for row in rows:
        # Text and not markup: a film's title may have brackets.
        table.add_row(*(Text("" if value is None else str(_iso(value))) for value in row.values()))
    console.print(table if rows else f"{title}: nothing to show" if title else "nothing to show")


def _iso(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def _json(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
