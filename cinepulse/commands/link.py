"""`cinepulse link`: messages on standard input, the films they name on standard output, JSON lines both.

With `--explain` one text is judged before your eyes instead.
"""

from __future__ import annotations

import asyncio
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cinepulse.commands.options import with_settings
from cinepulse.errors import InvalidRecord, StackUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cinepulse.settings import Settings
    from stream_processors.linking import Catalog, Message

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
PROBE_SECONDS = 3.0
CATALOG_SECONDS = 30.0
"""Time for the running stack's catalogue to be read; more means that there is none."""


@click.command
@with_settings("link_threshold", "kafka_bootstrap", "schema_registry_url")
@click.option(
    "--catalog",
    "catalog_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Films as CSV (plain, gzip or zstd); the running stack's tmdb.movies when not given.",
)
@click.option("--threshold", type=click.FloatRange(0, 1), help="Least confidence; the same as --link-threshold.")
@click.option("--explain", "explained", metavar="TEXT", help="Show candidates, features and decision for one text.")
@click.option("--community", help="With --explain: where the text was written.")
@click.option("--thread-title", help="With --explain: the title of the thread that the text replies under.")
def link(
    settings: Settings, catalog_file: Path | None, threshold: float | None, explained: str | None, **context: Any
) -> int:
    """Link JSON-lines messages to films.

    Reads {"id", "text"} a line, with "community", "thread_title" and "created_at" (epoch seconds) where known, and
    writes {"id", "mentions": [{"tmdb_id", "span": [start, end], "confidence"}]} a line. Lines that are no such message
    are reported with their number and left out; the exit code is then 1.

    \b
    Examples:
      cinepulse link --catalog catalog.csv.gz < messages.jsonl > mentions.jsonl
      echo '{"id": 1, "text": "Just watched Alien"}' | cinepulse link --threshold 0.8
      cinepulse link --catalog catalog.csv.gz --community movies --explain "Her was better than Joker"
    """  # noqa: D301 - click reads \b
    from stream_processors.linking import Message

    catalog = _catalog(settings, catalog_file)
    least = settings.link_threshold if threshold is None else threshold
    if explained is not None:
        _explain(Message(explained, **context), catalog, least)
        return 0
    return _link_lines(catalog, least)


def _explain(message: Message, catalog: Catalog, least: float) -> None:
    from rich.console import Console

    from cinepulse.commands.link_explained import print_explanation
    from stream_processors.linking import link
    from stream_processors.linking.explain import explain

    verdicts = explain(message, catalog, least)
    print_explanation(message.text, verdicts, link(message, catalog, least), Console())


def _link_lines(catalog: Catalog, least: float) -> int:
    """Link standard input line by line; return 1 when a line was malformed."""
    from stream_processors.linking import link as link_message

    malformed = 0
    for number, line in _progress(sys.stdin.buffer):
        try:
            identity, message = parse_message(line)
        except InvalidRecord as error:
            malformed += 1
            click.echo(f"line {number}: {error}", err=True)
            continue
        mentions = [
            {"tmdb_id": one.tmdb_id, "span": [one.start, one.end], "confidence": round(one.confidence, 4)}
            for one in link_message(message, catalog, least)
        ]
        sys.stdout.write(json.dumps({"id": identity, "mentions": mentions}) + "\n")
        sys.stdout.flush()
    return 1 if malformed else 0


def parse_message(line: bytes) -> tuple[str | int, Message]:
    """Return a line's id and message; raises InvalidRecord with what is wrong with it."""
    from stream_processors.linking import Message

    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidRecord(f"not JSON: {error}") from None
    if not isinstance(record, dict):
        raise InvalidRecord("not a JSON object")
    identity = record.get("id")
    if isinstance(identity, bool) or not isinstance(identity, str | int):
        raise InvalidRecord('"id" must be text or a whole number')
    text = _text(record, "text")
    if text is None:
        raise InvalidRecord('"text" is missing')
    return identity, Message(
        text=text,
        community=_text(record, "community"),
        thread_title=_text(record, "thread_title"),
        created_at=_milliseconds(record.get("created_at")),
    )


def _text(record: dict[str, Any], name: str) -> str | None:
    value = record.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidRecord(f'"{name}" must be text')
    return value


def _milliseconds(seconds: object) -> int | None:
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds):
        raise InvalidRecord('"created_at" must be a number of seconds since 1970')
    return int(seconds * 1000)


def _catalog(settings: Settings, path: Path | None) -> Catalog:
    if path is None:
        return asyncio.run(_running_catalog(settings))
    from cinepulse.commands.catalog_file import open_text
    from stream_processors.linking import Catalog
    from stream_processors.linking.catalog_csv import read_movies

    with open_text(path) as lines:
        return Catalog.build(read_movies(lines))


async def _running_catalog(settings: Settings) -> Catalog:
    """Return the catalogue of the running stack.

    Raises StackUnavailable when it is not there in time.
    """
    from schemas.codec import Codec
    from schemas.registry import schema_ids
    from stream_processors.catalog_feed import CatalogFeed
    from stream_processors.linking import Catalog

    if not _answers(settings.kafka_bootstrap):
        raise StackUnavailable(
            f"nothing answers at {settings.kafka_bootstrap}: start `cinepulse up`, or give --catalog FILE"
        )
    feed = CatalogFeed(settings, Codec(schema_ids(settings)), Catalog.build)
    feed.start()
    try:
        async with asyncio.timeout(CATALOG_SECONDS):
            await feed.ready(asyncio.Event())
    except TimeoutError:
        where = f"no film catalogue at {settings.kafka_bootstrap} within {CATALOG_SECONDS:.0f} s"
        raise StackUnavailable(f"{where}: start `cinepulse up`, or give --catalog FILE") from None
    finally:
        feed.stop()
    return feed.catalog


def _answers(bootstrap: str) -> bool:
    """Return whether any of the servers accepts a connection, so that a stack that is down is told at once."""
    import socket

    for server in bootstrap.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), PROBE_SECONDS):
                return True
        except (OSError, ValueError):
            continue
    return False


def _progress(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not blank with their numbers, and count them on standard error if it is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(show_speed=True), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("linking", total=_size_of_input())
        for number, line in enumerate(lines, 1):
            progress.advance(task, len(line))
            stripped = line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line
            if stripped.strip():
                yield number, stripped


def _size_of_input() -> int | None:
    """Return the bytes of standard input where it is a file, None where it is a pipe or a terminal."""
    import os
    import stat

    try:
        status = os.fstat(sys.stdin.fileno())
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
