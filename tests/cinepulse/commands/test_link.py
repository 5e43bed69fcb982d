"""The command `cinepulse link`, run as a process would be."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest
from backports import zstd
from click.testing import CliRunner

from cinepulse.cli import cli

if TYPE_CHECKING:
    from pathlib import Path

CSV = (
    "tmdb_id,title,release_date,vote_count,popularity\n348,Alien,1979-05-25,14500,60\n438631,Dune,2021-09-15,12500,90\n"
)


@pytest.fixture(name="catalog")
def _catalog(tmp_path: Path) -> Path:
    path = tmp_path / "films.csv"
    path.write_text(CSV, "utf-8")
    return path


def run(catalog: Path, lines: str, *flags: str) -> tuple[int, list[dict[str, object]], str]:
    """Return the exit code, the parsed output lines and standard error."""
    result = CliRunner().invoke(cli, ["link", "--catalog", str(catalog), *flags], input=lines, standalone_mode=False)
    code = result.return_value if result.exception is None else result.exit_code
    return code, [json.loads(line) for line in result.stdout.splitlines()], result.stderr


def test_links_each_message(catalog: Path) -> None:
    """One line in gives one line out, with spans in characters of the text."""
    lines = '{"id": "a", "text": "Watched \\"Alien\\" (1979)"}\n{"id": 2, "text": "nothing"}\n'

    code, rows, errors = run(catalog, lines)

    assert (code, errors) == (0, "")
    assert [row["id"] for row in rows] == ["a", 2]
    mention = rows[0]["mentions"][0]  # type: ignore[index] # the row is the command's JSON
    assert (mention["tmdb_id"], mention["span"]) == (348, [9, 14])
    assert 0 < mention["confidence"] <= 1
    assert rows[1]["mentions"] == []


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '"text"',
        '{"id": 1}',
        '{"text": "x"}',
        '{"id": 1, "text": 5}',
        '{"id": 1, "text": "x", "created_at": "now"}',
        '{"id": 1, "text": "x", "created_at": NaN}',
        '{"id": true, "text": "x"}',
        '{"id": 1, "text": "x", "community": 5}',
    ],
)
def test_malformed_line_is_reported_and_skipped(catalog: Path, line: str) -> None:
    """A line that is no message is named by its number, the others are linked, and the exit code is 1."""
    code, rows, errors = run(catalog, f'{{"id": 1, "text": "x"}}\n\n{line}\n{{"id": 2, "text": "y"}}\n')

    assert code == 1
    assert [row["id"] for row in rows] == [1, 2]
    assert errors.startswith("line 3: ")


def test_threshold_drops_uncertain_mentions(catalog: Path) -> None:
    """No mention reaches a confidence of 1."""
    _, rows, _ = run(catalog, '{"id": 1, "text": "\'Dune\' (2021)"}\n', "--threshold", "1")

    assert rows == [{"id": 1, "mentions": []}]


@pytest.mark.parametrize("compress", [gzip.compress, zstd.compress])
def test_catalog_may_be_compressed(catalog: Path, compress: object) -> None:
    """Gzip and zstd files are told by their bytes, whatever their name."""
    assert callable(compress)
    catalog.write_bytes(compress(catalog.read_bytes()))

    _, rows, _ = run(catalog, '{"id": 1, "text": "\'Dune\' (2021)"}\n')

    assert len(rows[0]["mentions"]) == 1  # type: ignore[arg-type] # the row is the command's JSON


@pytest.mark.parametrize("content", [b"\x1f\x8bnot gzip", b"\xff\xfe\x00", b"name\nAlien\n"])
def test_unusable_catalog_is_named(catalog: Path, content: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    """A damaged file, one that is not text, or one without the columns ends with exit code 2 and one line."""
    from cinepulse.cli import main

    catalog.write_bytes(content)

    code = main(["link", "--catalog", str(catalog)])

    assert code == 2
    assert len(capfd.readouterr().err.splitlines()) == 1


def test_explains_one_text(catalog: Path) -> None:
    """--explain shows the candidate, its film and the decision, and reads no messages."""
    arguments = ["link", "--catalog", str(catalog), "--community", "movies", "--explain", "'Dune' (2021)"]

    result = CliRunner(env={"COLUMNS": "200"}).invoke(cli, arguments, standalone_mode=False)

    assert result.exception is None
    assert "Dune (2021) #438631" in result.stdout
    assert "linked" in result.stdout


def test_stack_that_is_down_is_told_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    """Without a catalogue file and without a running stack, one line says what to do."""
    from cinepulse.cli import main

    code = main(["link", "--kafka-bootstrap", "127.0.0.1:1", "--explain", "x"])

    assert code == 1
    assert "cinepulse up" in capfd.readouterr().err
