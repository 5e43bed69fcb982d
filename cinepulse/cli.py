"""The command line: a table of commands whose modules load only when chosen."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final

import click

from cinepulse import __version__
from cinepulse.errors import CinepulseError, ClientGaveUp

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED: Final = 130


@dataclass(frozen=True, slots=True)
class Entry:
    """A command's one-line help and the `module:attribute` that holds it."""

    help: str
    target: str


COMMANDS: Final = {
    "demo": Entry("Start everything and watch what is trending.", "cinepulse.commands.demo:demo"),
    "up": Entry("Start and supervise every part.", "cinepulse.commands.up:up"),
    "status": Entry("Show every part's process, health and lag.", "cinepulse.commands.status:status"),
    "trends": Entry("Show the films people talk about.", "cinepulse.commands.trends:trends"),
    "rising": Entry("Show the films whose talk rises or fades right now.", "cinepulse.commands.rising:rising"),
    "movie": Entry("Show one film's days, communities and evidence.", "cinepulse.commands.movie:movie"),
    "why": Entry("Show why a film is talked about on a day.", "cinepulse.commands.why:why"),
    "quadrants": Entry("Show talk against rating: hit, hype, gem, quiet.", "cinepulse.commands.together:quadrants"),
    "divergence": Entry("Show films where talk and popularity go apart.", "cinepulse.commands.together:divergence"),
    "kpi": Entry("Show the films of a key figure: hidden gems, return, ratings.", "cinepulse.commands.kpi:kpi"),
    "genres": Entry("Show the viral share of each genre.", "cinepulse.commands.film_groups:genres"),
    "cohorts": Entry("Show films by age since release.", "cinepulse.commands.film_groups:cohorts"),
    "viral": Entry("Show viral films against the rest.", "cinepulse.commands.film_groups:viral"),
    "compare": Entry("Show a few films side by side.", "cinepulse.commands.compare:compare"),
    "alerts": Entry("List what happened to films, or follow it live.", "cinepulse.commands.alerts:alerts"),
    "forecast": Entry("Forecast a film's mentions and popularity.", "cinepulse.commands.forecast:forecast"),
    "coverage": Entry("Show what was polled and how much is known.", "cinepulse.commands.coverage:coverage"),
    "verify": Entry("Prove that counts, mentions and offsets agree.", "cinepulse.commands.verify:verify"),
    "replay": Entry("Rebuild days from the log, show what differs, promote it.", "cinepulse.commands.replay:replay"),
    "link": Entry("Link JSON-lines messages to films.", "cinepulse.commands.link:link"),
    "produce": Entry("Run a producer: reddit or tmdb.", "cinepulse.commands.produce:produce"),
    "process": Entry("Run the stream processors: link, count, alerts or all.", "cinepulse.commands.process:process"),
    "sink": Entry("Run the ClickHouse sink.", "cinepulse.commands.sink:sink"),
    "deliver": Entry("Deliver alerts to the log, a webhook or e-mail.", "cinepulse.commands.deliver:deliver"),
    "backfill": Entry("Send Reddit dumps or TMDB's daily files.", "cinepulse.commands.backfill:backfill"),
    "topics": Entry("Create, list or describe the topics.", "cinepulse.commands.topics:topics"),
    "migrate": Entry("Apply ClickHouse migrations.", "cinepulse.commands.migrate:migrate"),
    "forget": Entry("Remove a post, or an author's posts, everywhere at once.", "cinepulse.commands.forget:forget"),
    "dlq": Entry("List, show and replay dead letters.", "cinepulse.commands.dlq:dlq"),
    "doctor": Entry("Check this machine and say what to mend.", "cinepulse.commands.doctor:doctor"),
    "kafka": Entry("Fetch or run the embedded Kafka.", "cinepulse.commands.kafka:kafka"),
    "clickhouse": Entry("Run the embedded ClickHouse server.", "cinepulse.commands.clickhouse:clickhouse"),
    "world": Entry("Run the loopback Reddit and TMDB.", "cinepulse.commands.world:world"),
}


class LazyGroup(click.Group):
    """A group that lists commands from the table and imports only the one that runs."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the commands in the order of the table, which is the order of use."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """Import and return one command."""
        entry = COMMANDS.get(name)
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="cinepulse")
def cli() -> None:
    """Which films people talk about right now, and whether it is rising.

    \b
    Examples:
      cinepulse demo                 everything, live, until Ctrl-C
      cinepulse up                   run the stack; then, in another terminal:
      cinepulse trends --watch       what is trending
      cinepulse movie Dune           one film's days and evidence
    """  # noqa: D301 - click reads \b


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 1 failed, 2 wrong usage or settings, 130 interrupted."""
    try:
        outcome = cli.main(args=arguments, prog_name="cinepulse", standalone_mode=False)
    except CinepulseError as error:
        click.echo(f"cinepulse: {error}", err=True)
        if isinstance(error, ClientGaveUp):
            # Python's own end would wait for the client.
            os._exit(error.exit_code)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except SystemExit as ending:
        # click ends the process when the reader of a pipe leaves, as `head` does. What it wanted is written: a success.
        if isinstance(ending.__context__, BrokenPipeError):
            return 0
        raise
    return outcome if isinstance(outcome, int) else 0
