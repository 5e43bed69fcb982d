from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime
from io import StringIO
from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner

from cinepulse.commands.options import Format, format_option, print_rows, with_settings
from cinepulse.errors import ConfigurationInvalid

if TYPE_CHECKING:
    from cinepulse.settings import Settings

ROWS: list[dict[str, Any]] = [
    {
        "film": "Am\u00e9lie [2001]",
        "mentions": 12,
        "day": date(2024, 2, 29),
        "seen_at": datetime(2024, 2, 29, 12, tzinfo=UTC),
    },
    {"film": None, "mentions": None, "day": None, "seen_at": None},
]


@click.command()
@with_settings("partitions", "tmdb_read_token")
@click.option("--extra", default="none", help="An option of the command's own.")
@format_option
def shown(settings: Settings, extra: str, output: Format) -> None:
    """Show what arrived."""
    click.echo(f"{settings.partitions} {settings.data_dir} {extra} {output}")


def test_a_flag_sets_its_setting() -> None:
    """The command gets the built settings first and its own options beside them."""
    result = CliRunner().invoke(shown, ["--partitions", "7", "--data-dir", "here", "--extra", "x", "--format", "csv"])

    assert result.output == "7 here x csv\n"


def test_without_flags_the_environment_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flag that is not given does not hide the environment."""
    monkeypatch.setenv("CINEPULSE_PARTITIONS", "9")
    monkeypatch.setenv("CINEPULSE_DATA_DIR", "there")

    assert CliRunner().invoke(shown, []).output == "9 there none table\n"


def test_a_wrong_flag_is_a_wrong_configuration() -> None:
    """The value of a flag is checked as that of a variable."""
    result = CliRunner().invoke(shown, ["--partitions", "many"])

    assert isinstance(result.exception, ConfigurationInvalid)


def test_help_names_the_variable_of_each_flag() -> None:
    """Whoever reads the help of a command learns what to put into an environment file."""
    text = " ".join(CliRunner().invoke(shown, ["--help"]).output.split())

    assert "[env: CINEPULSE_PARTITIONS]" in text
    assert "[env: CINEPULSE_DATA_DIR]" in text
    assert "[env: TMDB_READ_TOKEN]" in text


def test_json_is_a_list_of_objects(capsys: pytest.CaptureFixture[str]) -> None:
    """Numbers stay numbers, unknown is null, days and instants are ISO 8601, letters are letters."""
    print_rows(ROWS, "json")

    text = capsys.readouterr().out
    assert json.loads(text) == [
        {"film": "Am\u00e9lie [2001]", "mentions": 12, "day": "2024-02-29", "seen_at": "2024-02-29T12:00:00+00:00"},
        {"film": None, "mentions": None, "day": None, "seen_at": None},
    ]
    assert "Am\u00e9lie" in text


def test_csv_has_a_header_and_empty_cells(capsys: pytest.CaptureFixture[str]) -> None:
    """A spreadsheet reads it: one header, unknown as an empty cell."""
    print_rows(ROWS, "csv")

    assert list(csv.reader(StringIO(capsys.readouterr().out))) == [
        ["film", "mentions", "day", "seen_at"],
        ["Am\u00e9lie [2001]", "12", "2024-02-29", "2024-02-29T12:00:00+00:00"],
        ["", "", "", ""],
    ]


def test_a_table_shows_texts_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Brackets in a title are no markup, and unknown is blank."""
    print_rows(ROWS, "table", title="Films")

    text = capsys.readouterr().out
    assert text.startswith("Films")
    assert "[2001]" in text
    assert "None" not in text


@pytest.mark.parametrize(("output", "text"), [("json", "[]\n"), ("csv", ""), ("table", "Films: nothing to show\n")])
def test_no_rows_print_as_none(output: Format, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty result is valid in each format."""
    print_rows([], output, title="Films")

    assert capsys.readouterr().out == text
