"""`cinepulse backfill`: files of the past through the same topics, linker and counter as what is polled."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cinepulse.commands.options import Format, format_option, print_rows, with_settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cinepulse.settings import Settings
    from producers.backfill.reading import Source
    from producers.backfill.run import Result

SHARED = ("kafka_bootstrap", "schema_registry_url", "partitions", "dead_letter_max_share")
FILES = click.Path(path_type=Path)

files_argument = click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FILES)
again_option = click.option("--again", is_flag=True, help="Read files from the start, even those that are done.")
partial_option = click.option(
    "--partial", is_flag=True, help="The files are samples, not whole: leave coverage as it is."
)
rate_option = click.option("--max-rate", type=click.IntRange(1), help="Most records a second; unbounded by default.")


@click.group()
def backfill() -> None:
    """Send files of the past through the pipeline, marked as backfill.

    A file that was interrupted goes on where Kafka had confirmed; one that is done is left out. Exit code 1 says that
    lines were broken: each is named with its file and number and lies in the dead letters.

    \b
    Examples:
      cinepulse backfill reddit RS_2026-01.zst RC_2026-01.zst --polled
      cinepulse backfill tmdb movie_ids_*.json.gz
    """  # noqa: D301 - click reads \b


@backfill.command()
@with_settings(*SHARED, "subreddits")
@files_argument
@click.option(
    "--community", "communities", multiple=True, metavar="NAME", help="Only posts of this community; again for more."
)
@click.option("--polled", is_flag=True, help="Only posts of the communities that are polled: CINEPULSE_SUBREDDITS.")
@again_option
@partial_option
@rate_option
@format_option
def reddit(
    settings: Settings, *, files: tuple[Path, ...], communities: tuple[str, ...], polled: bool, **options: Any
) -> int:
    """Send the posts of Reddit dumps to reddit.posts: one JSON object a line, plain, gzip or zstd.

    Posts that were deleted or removed since are left out. Give a month's submissions before its comments, so that
    comments know the titles of their threads. What the files hold closes gaps in the coverage of its communities.

    \b
    Examples:
      cinepulse backfill reddit RS_2026-01.zst RC_2026-01.zst --polled
      cinepulse backfill reddit movies_submissions.zst movies_comments.zst --community movies
      cinepulse backfill reddit sample.jsonl.gz --partial --format json
    """  # noqa: D301 - click reads \b
    from cinepulse.clock import SystemClock
    from producers.backfill.posts import PostFiles
    from producers.backfill.run import wanted
    from schemas.topics import REDDIT_POSTS

    chosen = wanted((*communities, *(settings.subreddits if polled else ())))
    source = PostFiles(SystemClock(), chosen, wanted(settings.subreddits), mend=not options.pop("partial"))
    return _run(settings, source, REDDIT_POSTS.name, files, **options)


@backfill.command()
@with_settings(*SHARED)
@files_argument
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="UTC day of an export whose name does not say it.")
@again_option
@partial_option
@rate_option
@format_option
def tmdb(settings: Settings, *, files: tuple[Path, ...], day: datetime | None, **options: Any) -> int:
    """Send TMDB's daily files to tmdb.popularity: exports, JSON lines of that topic's fields, or CSV of lists.

    Films of a CSV file that the catalogue lacks go to tmdb.movies. This product uses the TMDB API but is not endorsed
    or certified by TMDB.

    \b
    Examples:
      cinepulse backfill tmdb movie_ids_01_21_2026.json.gz movie_ids_01_22_2026.json.gz
      cinepulse backfill tmdb lists.csv.gz
      cinepulse backfill tmdb export.json.gz --day 2026-01-21
    """  # noqa: D301 - click reads \b
    from cinepulse.clock import SystemClock
    from producers.backfill.films import films_in_catalog
    from producers.backfill.snapshots import SnapshotFiles
    from schemas.topics import TMDB_POPULARITY

    source = SnapshotFiles(
        SystemClock(),
        lambda: films_in_catalog(settings),
        None if day is None else day.date(),
        mend=not options.pop("partial"),
    )
    return _run(settings, source, TMDB_POPULARITY.name, files, **options)


def _run(  # noqa: PLR0913 - one parameter an option
    settings: Settings,
    source: Source,
    topic: str,
    paths: Sequence[Path],
    *,
    again: bool,
    max_rate: int | None,
    output: Format,
) -> int:
    from cinepulse.commands.backfill_watch import Patience, TerminalWatch
    from cinepulse.kafka import topic_identity
    from cinepulse.logging import configure_logging
    from producers.backfill.dump_file import DumpFile
    from producers.backfill.run import BATCH_LINES, Backfill
    from producers.backfill.state import BackfillState
    from producers.outbox import Outbox
    from producers.stopping import stop_on_signals
    from schemas.publisher import Publisher

    if settings.log_level == "INFO":
        # Broken lines are told one by one, and once is enough.
        configure_logging("ERROR")
    with ExitStack() as stack:
        files = [stack.enter_context(DumpFile(path)) for path in paths]
        for file in files:
            source.reader(file.base)
        state = stack.enter_context(BackfillState(settings.data_dir, source.name))
        state.bind(topic_identity(settings, topic))
        stop = stack.enter_context(stop_on_signals())
        watch = stack.enter_context(TerminalWatch(stop, sum(file.size for file in files), max_rate))
        publisher = Publisher.connected(settings, "backfill")
        outbox = Outbox(publisher, source.name, Patience(stop, watch.say))
        batch = BATCH_LINES if max_rate is None else max(1, min(BATCH_LINES, max_rate))
        work = Backfill(source, state, outbox, watch, settings.dead_letter_max_share, batch)
        if again:
            for file in files:
                work.forget(file)
        rows = _send_all(work, files, watch)
    print_rows(rows, output, title="Backfill")
    if any(row["ending"] == "stopped" for row in rows):
        click.echo("stopped: the same command goes on from there", err=True)
        raise click.Abort
    return 1 if any(row["broken"] and row["ending"] != "already" for row in rows) else 0


def _send_all(work: Any, files: Sequence[Any], watch: Any) -> list[dict[str, Any]]:
    pending = work.pending(files)
    rows: list[dict[str, Any]] = []
    for number, file in enumerate(files):
        watch.begin(file.name, file.size)
        result = work.send(file, others_follow=any(pending[number + 1 :]))
        rows.append(_row(result, watch.finish()))
        if result.ending == "stopped":
            break
    return rows


def _row(result: Result, seconds: float) -> dict[str, Any]:
    """Return what is told of a file; the rate is that of this run's lines."""
    from producers.backfill.run import first_and_last

    progress, tally = result.progress, result.progress.tally
    first, last = first_and_last(progress)
    return {
        "file": progress.name,
        "ending": result.ending,
        "lines": tally.lines,
        "sent": tally.sent,
        "gone": tally.gone,
        "elsewhere": tally.elsewhere,
        "repeated": tally.repeated,
        "broken": tally.broken,
        "first_day": first,
        "last_day": last,
        "seconds": round(seconds, 1),
        "lines_per_second": round(result.lines / seconds) if seconds and result.lines else None,
    }
