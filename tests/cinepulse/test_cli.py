from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, NoReturn

import click
import pytest
from click.testing import CliRunner

from cinepulse.cli import COMMANDS, Entry, cli, main
from cinepulse.errors import BrokerUnavailable, ConfigurationInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator

# What takes a tenth of a second and more to import, and what only one room needs.
HEAVY = {
    *("aiokafka", "chdb", "clickhouse_connect", "confluent_kafka", "fastavro", "faust", "httpx", "jgo", "numpy"),
    *("pandas", "praw", "prometheus_client", "pyarrow", "pydantic", "pydantic_settings", "rich", "starlette"),
    *("structlog", "supervisor", "uvicorn", "producers", "schemas", "stream_processors", "clickhouse"),
}


@click.command()
@click.argument("ending")
def planted(ending: str) -> int | None:
    """End in the way that the argument names."""
    if ending == "code":
        return 3
    if ending == "echo":
        click.echo("x" * 1_000_000)
        click.echo("more")
        return None
    return _raise(ending)


def _raise(ending: str) -> NoReturn:
    raise {
        "configuration": ConfigurationInvalid("CINEPULSE_PARTITIONS: too many"),
        "broker": BrokerUnavailable("Kafka does not answer at 127.0.0.1:1"),
        "usage": click.UsageError("no such film"),
        "abort": click.Abort(),
        "interrupt": KeyboardInterrupt(),
    }[ending]


@pytest.fixture(autouse=True)
def planted_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add a command that ends as told."""
    monkeypatch.setitem(COMMANDS, "planted", Entry("End in some way.", "tests.cinepulse.test_cli:planted"))


def _leaves(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command below a group with its words."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from _leaves(command, (*path, name))


@pytest.mark.parametrize(
    ("ending", "code", "message"),
    [
        ("code", 3, ""),
        ("configuration", 2, "cinepulse: CINEPULSE_PARTITIONS: too many\n"),
        ("broker", 1, "cinepulse: Kafka does not answer at 127.0.0.1:1\n"),
        ("usage", 2, "Error: no such film\n"),
        ("abort", 130, ""),
        ("interrupt", 130, ""),
    ],
)
def test_each_ending_has_its_exit_code(
    ending: str, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An error is one line on standard error and a code: 1 failed, 2 wrong usage or settings, 130 interrupted."""
    outcome = main(["planted", ending])

    captured = capsys.readouterr()
    assert (outcome, captured.out) == (code, "")
    assert captured.err.endswith(message)
    assert "Traceback" not in captured.err


def test_a_kafka_client_that_gave_up_holds_no_process() -> None:
    """What would keep Python from ending, as such a client may, is left behind: the line is told and the code is 1."""
    program = """if True:
        import sys, threading
        from cinepulse import cli
        from cinepulse.errors import ClientGaveUp

        def give_up(**_):
            raise ClientGaveUp("no partitions")

        cli.cli.main = give_up
        threading.Thread(target=threading.Event().wait).start()
        sys.exit(cli.main())
    """

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)

    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", "cinepulse: no partitions\n")


def test_a_reader_that_leaves_is_no_failure() -> None:
    """`cinepulse trends | head -1` ends with 0 and says nothing on standard error."""
    code = (
        "import sys; from cinepulse.cli import *; "
        "COMMANDS['planted'] = Entry('', 'tests.cinepulse.test_cli:planted'); sys.exit(main(['planted', 'echo']))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.read(10)
    process.stdout.close()

    assert process.stderr is not None
    assert (process.stderr.read(), process.wait()) == (b"", 0)
    process.stderr.close()


def test_an_unknown_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """A command that does not exist is named, with the code of wrong usage."""
    assert main(["trend"]) == 2
    assert "No such command 'trend'" in capsys.readouterr().err


def test_help_and_version_import_nothing_heavy() -> None:
    """The first words come at once: listing the commands loads none of them."""
    code = (
        "import json, sys; from cinepulse.cli import main; codes = [main(['--help']), main(['--version'])]; "
        "print(json.dumps([codes, sorted({name.partition('.')[0] for name in sys.modules})]))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout

    codes, modules = json.loads(printed.splitlines()[-1])
    assert codes == [0, 0]
    assert HEAVY & set(modules) == set()


def test_help_lists_every_command_in_the_order_of_the_table() -> None:
    """The table is the list, with one line for each."""
    text = CliRunner().invoke(cli, ["--help"]).output

    places = [text.index(f"  {name} ") for name in COMMANDS]
    assert places == sorted(places)
    assert all(entry.help in " ".join(text.split()) for entry in COMMANDS.values())


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "planted"])
def test_a_command_and_all_below_it_explain_themselves(name: str) -> None:
    """Each has a help text with examples that begin with its own words, and each of its options says what it does."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    found = [((name,), command), *(_leaves(command, (name,)) if isinstance(command, click.Group) else ())]

    for words, below in found:
        shown = CliRunner().invoke(below, ["--help"])
        assert shown.exit_code == 0
        assert f"cinepulse {' '.join(words)}" in shown.output.partition("Examples:")[2], words
        undocumented = [
            option.name
            for option in below.params
            if isinstance(option, click.Option) and not option.hidden and not option.help
        ]
        assert undocumented == [], words
