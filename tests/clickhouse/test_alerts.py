"""`cinepulse alerts`: the table's alerts, the latest first, with the titles of their films."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from cinepulse.commands.alerts import alerts as command
from clickhouse.alerts import AlertsQuestion, Titles, read_alerts
from clickhouse.tables import ALERTS
from tests.clickhouse.tables import Filled, filled, ms
from tests.fixtures.clickhouse import PASSWORD

if TYPE_CHECKING:
    from click.testing import Result

    from cinepulse.settings import Settings

__all__ = ["filled"]

pytestmark = pytest.mark.real

ALWAYS = AlertsQuestion(begin_ms=0, end_ms=ms("2100-01-01"))


def happened(filled: Filled, kind: str, tmdb_id: int, at: str, revision: int = 1, **values: Any) -> None:
    """Put an alert into the table."""
    usual = {"detail": "began" if kind == "burst" else "popular", "state": "began" if kind == "burst" else "once"}
    named = {"at": ms(at), "happened_at": ms(at), "version": "test"}
    filled.insert(ALERTS, kind=kind, tmdb_id=tmdb_id, revision=revision, **usual | named | values)


def run(settings: Settings, *arguments: str) -> Result:
    """Run the command on the database."""
    environment = {
        "CINEPULSE_CLICKHOUSE_HOST": settings.clickhouse_host,
        "CINEPULSE_CLICKHOUSE_PORT": str(settings.clickhouse_port),
        "CINEPULSE_CLICKHOUSE_PASSWORD": PASSWORD,
        "CINEPULSE_CLICKHOUSE_DATABASE": settings.clickhouse_database,
    }
    return CliRunner().invoke(command, arguments, env=environment, catch_exceptions=False)


def test_the_latest_come_first_each_once(filled: Filled) -> None:
    """An alert that was delivered twice, as after a crash, is one; a film that nobody knows has no title."""
    filled.film(603, "The Matrix")
    happened(filled, "burst", 603, "2026-11-20T10:00", score=4.5, mentions=9)
    happened(filled, "burst", 603, "2026-11-20T10:00", revision=2, score=4.5, mentions=9)
    happened(filled, "joined", 604, "2026-11-21T10:00", rank_after=7)

    found = read_alerts(filled.client, ALWAYS)

    assert [(one["kind"], one["tmdb_id"], one["title"]) for one in found] == [
        ("joined", 604, None),
        ("burst", 603, "The Matrix"),
    ]
    assert (found[0]["rank_before"], found[0]["rank_after"], found[1]["score"]) == (None, 7, 4.5)


def test_a_burst_says_how_much_of_its_hours_is_known(filled: Filled) -> None:
    """What no poll has read makes a burst's hours less certain.

    By hand: two hours up to 12:30 are 11:00 to 12:30; of these 90 minutes a gap of 11:00 to 11:18 is unknown, which
    leaves 72 of 90 of the new posts, all of the comments: (0.8 + 1) / 2. Who joined TMDB's list is not judged by talk.
    """
    for listing in ("new:movies", "comments:movies"):
        filled.poll("2026-11-20T09:00", listing=listing)
        filled.poll("2026-11-20T13:00", listing=listing)
    filled.poll("2026-11-20T11:20", gap_from="2026-11-20T11:00", gap_to="2026-11-20T11:18")
    happened(filled, "burst", 603, "2026-11-20T12:30", hours=2)
    happened(filled, "burst", 604, "2026-11-01T12:30", hours=2)
    happened(filled, "joined", 605, "2026-11-20T12:30")

    found = {one["tmdb_id"]: one["covered"] for one in read_alerts(filled.client, ALWAYS)}

    assert found == {603: pytest.approx(0.9, abs=1e-6), 604: None, 605: None}


@pytest.mark.parametrize(
    ("arguments", "films"),
    [
        ((), [4, 3, 2, 1]),
        (("--to", "2026-11-20"), [2, 1]),
        (("--from", "2026-11-21"), [4, 3]),
        (("--kind", "joined"), [3]),
        (("--kind", "joined", "--kind", "left"), [4, 3]),
        (("--film", "2"), [2]),
        (("--film", "third"), [3]),
        (("--limit", "1"), [4]),
    ],
)
def test_what_is_asked_for_is_listed(
    filled: Filled, migrated_settings: Settings, arguments: tuple[str, ...], films: list[int]
) -> None:
    """Days are half-open: the first millisecond of the next is not in the last."""
    for number, title in enumerate(("First", "Second", "Third", "Fourth"), 1):
        filled.film(number, title)
    happened(filled, "burst", 1, "2026-11-20T00:00")
    happened(filled, "milestone", 2, "2026-11-20T23:59:59.999")
    happened(filled, "joined", 3, "2026-11-21T00:00")
    happened(filled, "left", 4, "2026-11-21T10:00")
    days = () if "--from" in arguments or "--to" in arguments else ("--from", "2026-11-15")

    result = run(migrated_settings, *arguments, *days, "--format", "json")

    assert [one["tmdb_id"] for one in json.loads(result.output)] == films


def test_each_format_is_printed(filled: Filled, migrated_settings: Settings) -> None:
    """A title from outside cannot steer a terminal."""
    filled.film(603, "The\x1b[31m Matrix")
    happened(filled, "burst", 603, "2026-11-20T10:00", score=4.51, mentions=9, expected=0.5)
    day = ("--from", "2026-11-20")

    table = run(migrated_settings, *day).output
    comma = run(migrated_settings, *day, "--format", "csv").output

    assert "burst began" in table
    assert "4.5" in table
    assert "\x1b" not in table
    assert comma.splitlines()[0].startswith("kind,detail,state,tmdb_id,title,at,happened_at")
    assert len(comma.splitlines()) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("--follow", "--from", "2026-11-20"),
        ("--follow", "--format", "csv"),
        ("--from", "2026-11-20", "--to", "2026-11-19"),
    ],
    ids=" ".join,
)
def test_options_that_contradict_are_refused(migrated_settings: Settings, arguments: tuple[str, ...]) -> None:
    """Exit code 2 and a line."""
    assert run(migrated_settings, *arguments).exit_code == 2


def test_titles_are_those_of_the_catalogue(filled: Filled) -> None:
    """A title is asked for once; one that is not there yet is asked for again."""
    titles = Titles(filled.client)
    assert titles.of(603) is None
    filled.film(603, "The Matrix")
    assert titles.of(603) == "The Matrix"
    filled.film(603, "Renamed")
    assert titles.of(603) == "The Matrix"
