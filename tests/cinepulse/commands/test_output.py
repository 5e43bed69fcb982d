"""Where lists go, `--output FILE`, and as what, `--format parquet`."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import click
import pyarrow as pa
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from cinepulse.cli import cli
from cinepulse.commands.options import Format, format_option, print_rows
from cinepulse.commands.parquet import measures_of, write_parquet
from cinepulse.errors import FileUnwritable
from clickhouse.measures import POPULARITY
from tests.generate_docs import leaves

SEEN_AT = datetime(2024, 2, 29, 12, 0, 0, 250_000, tzinfo=UTC)
ROWS: list[dict[str, Any]] = [
    {"tmdb_id": 194, "title": "Amélie", "day": date(2024, 2, 29), "seen_at": SEEN_AT, "popularity": 40, "joined": True},
    {"tmdb_id": 841, "title": None, "day": None, "seen_at": None, "popularity": None, "joined": None},
]


@click.command()
@click.option("--fail", is_flag=True)
@click.option("--watch", is_flag=True)
@format_option
def listed(output: Format, *, fail: bool, watch: bool) -> int:
    """List."""
    print_rows(ROWS, output)
    if fail or watch:
        raise FileUnwritable("it ended before all was told")
    return 3


def read(rows: list[dict[str, Any]], **options: Any) -> pa.Table:
    """Write rows as Parquet and read them back."""
    held = BytesIO()
    write_parquet(rows, held, **options)
    held.seek(0)
    return parquet.read_table(held)


def types(table: pa.Table) -> dict[str, str]:
    """Return a table's columns with their types."""
    return {field.name: str(field.type) for field in table.schema}


def test_values_and_types_come_back() -> None:
    """A day is a date, an instant an instant in UTC, unknown is null, and a whole popularity is still a fraction."""
    table = read(ROWS)

    assert table.to_pylist() == ROWS
    assert types(table) == {
        "tmdb_id": "int64",
        "title": "string",
        "day": "date32[day]",
        "seen_at": "timestamp[ms, tz=UTC]",
        "popularity": "double",
        "joined": "bool",
    }


def test_a_column_keeps_its_type_where_all_is_unknown() -> None:
    """The files of two days have the same types, though on one of them nothing was known, or nothing at all listed."""
    names = list(ROWS[0])
    unknown = read([dict.fromkeys(names)])
    empty = read([], columns=names)

    assert types(unknown) == types(empty) == types(read(ROWS))
    assert (unknown.num_rows, empty.num_rows) == (1, 0)


def test_columns_carry_unit_formula_and_source() -> None:
    """Whoever finds the file learns what a number means, and whose it is."""
    schema = read(ROWS).schema
    (measure,) = (one for one in POPULARITY if one.name == "popularity")

    assert schema.field("popularity").metadata == {
        b"unit": measure.unit.encode(),
        b"formula": measure.formula.encode(),
        b"null_when": measure.null.encode(),
    }
    assert b"not endorsed or certified by TMDB" in schema.metadata[b"attribution"]


def test_texts_of_days_and_instants_become_what_they_mean() -> None:
    """A list that has ISO 8601 texts already gives the same file."""
    texts = [
        {name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()} for row in ROWS
    ]

    assert read(texts).equals(read(ROWS))


def test_a_column_that_is_something_else_elsewhere_is_what_its_values_are() -> None:
    """`rank` is a place among the metrics; another list's `rank`, a text or a list, is written as it is."""
    assert read([{"rank": "first"}]).to_pylist() == [{"rank": "first"}]
    assert read([{"rank": ["a", "b"]}]).to_pylist() == [{"rank": ["a", "b"]}]
    assert read([{"value": 1}, {"value": "two"}]).to_pylist() == [{"value": "1"}, {"value": "two"}]


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "tmdb_id": st.integers(-(2**63), 2**63 - 1),
                "wow_percent": st.none() | st.floats(allow_nan=False),
                "title": st.none() | st.text(),
                "first_day": st.none() | st.dates(),
                "departed": st.none() | st.booleans(),
            }
        ),
        min_size=1,
    )
)
def test_whatever_rows_hold_comes_back(rows: list[dict[str, Any]]) -> None:
    """Any number, text and day survives, and null stays null."""
    assert read(rows).to_pylist() == rows


def test_every_unit_of_the_registry_has_a_type() -> None:
    """Each metric has a column type, and its unit and formula are those of the registry."""
    names = [measure.name for measure in POPULARITY]

    assert list(types(read([], columns=names))) == names
    assert measures_of(names) == {measure.name: measure for measure in POPULARITY}


def test_parquet_goes_to_a_pipe() -> None:
    """On standard output it is the file's bytes and nothing else."""
    result = CliRunner().invoke(listed, ["--format", "parquet"], standalone_mode=False)

    assert parquet.read_table(BytesIO(result.stdout_bytes)).num_rows == 2
    assert result.return_value == 3


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_parquet_never_goes_to_a_terminal() -> None:
    """A terminal gets one line that says what to do, and exit code 2."""
    import pty

    ours, theirs = pty.openpty()
    code = "from tests.cinepulse.commands.test_output import listed; listed(['--format', 'parquet'])"
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=theirs, stderr=subprocess.PIPE, check=False, cwd=Path(__file__).parents[3]
    )
    os.close(theirs)
    os.close(ours)

    assert done.returncode == 2
    assert b"--output FILE" in done.stderr


@pytest.mark.parametrize("form", ["table", "json", "csv", "parquet"])
def test_a_file_gets_what_would_be_printed(form: str, tmp_path: Path) -> None:
    """Every format goes to the file, byte for byte, and nothing to the screen."""
    file = tmp_path / "list.out"

    printed = CliRunner().invoke(listed, ["--format", form])
    written = CliRunner().invoke(listed, ["--format", form, "--output", str(file)], standalone_mode=False)

    assert file.read_bytes() == printed.stdout_bytes
    assert (written.output, written.return_value) == ("", 3)
    assert list(tmp_path.iterdir()) == [file]


def test_a_command_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """Half a list never takes the place of a whole one, and no other file stays behind."""
    file = tmp_path / "list.csv"
    file.write_text("the last one")
    file.chmod(0o640)

    failed = CliRunner().invoke(listed, ["--format", "csv", "--output", str(file), "--fail"])
    kept = file.read_text()
    CliRunner().invoke(listed, ["--format", "csv", "--output", str(file)])

    assert isinstance(failed.exception, FileUnwritable)
    assert kept == "the last one"
    assert file.read_text().startswith("tmdb_id,")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [file]


def test_what_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    """A folder that does not exist ends in an error that names the file; a device is written to and stays one."""
    missing = CliRunner().invoke(listed, ["--output", str(tmp_path / "none" / "list.csv")])
    null = CliRunner().invoke(listed, ["--output", os.devnull], standalone_mode=False)

    assert isinstance(missing.exception, FileUnwritable)
    assert "list.csv: No such file" in str(missing.exception)
    assert null.return_value == 3
    assert not Path(os.devnull).is_file()


def test_what_never_ends_has_no_file(tmp_path: Path) -> None:
    """A list that is drawn anew until Ctrl-C would never be whole."""
    result = CliRunner().invoke(listed, ["--watch", "--output", str(tmp_path / "list.csv")])

    assert (result.exit_code, "leave --watch out" in result.output) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_every_list_has_both() -> None:
    """No command has a format of its own: who can choose one can choose all four, and a file."""
    for words, command in leaves(cli):
        options = {option.name: option for option in command.params}
        if "--format" in [name for option in command.params for name in option.opts]:
            chosen = options["output"].type
            assert isinstance(chosen, click.Choice), words
            assert list(chosen.choices) == ["table", "json", "csv", "parquet"], words
            assert "output_file" in options, words
