"""What rises right now: the formulas by hand, and the query against plain Python on random talk."""

from __future__ import annotations

import json
import math
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from cinepulse.commands.rising import rising as command
from clickhouse.measures import NOW
from clickhouse.rising import RisingQuestion, read_rising
from clickhouse.tables import MENTIONS
from tests.clickhouse.tables import Filled, filled, ms
from tests.fixtures.clickhouse import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cinepulse.settings import Settings
    from clickhouse.rising import RisingReport

__all__ = ["filled"]

pytestmark = pytest.mark.real

UNTIL = datetime(2026, 3, 1, 0, 20, tzinfo=UTC)
"""Twenty minutes into a day: the window of an hour crosses midnight, and the end of February."""

Talk = tuple[int, int]
"""A film's mentions in the window and before it."""


def talked(filled: Filled, talk: Mapping[int, Talk]) -> None:
    """Insert so many mentions of each film in the last hour and in the week before it."""
    hour = timedelta(hours=1)
    lines = []
    for film, (now, before) in talk.items():
        instants = [UNTIL - hour * place / max(now, 1) for place in range(now)]
        instants += [UNTIL - hour - timedelta(days=7) * place / max(before, 1) for place in range(before)]
        lines += [mention(film, place, instant) for place, instant in enumerate(instants)]
    store(filled, lines)


def store(filled: Filled, lines: Sequence[tuple[Any, ...]]) -> None:
    """Insert mentions, and one count, which says up to when mentions are counted."""
    names = ["tmdb_id", "platform", "post_id", "created_at", "revision", "is_deleted"]
    kinds = dict(MENTIONS.columns)
    filled.client.insert(MENTIONS.name, lines, column_names=names, column_type_names=[kinds[name] for name in names])
    filled.count(1, str(UNTIL.date()), 1, watermark=UNTIL.isoformat())


def mention(film: int, place: int, instant: datetime, *, gone: bool = False) -> tuple[Any, ...]:
    """Return a row of `mentions`."""
    return (film, "reddit", f"t1_{film}x{place}", ms(instant.isoformat()), 2 if gone else 1, int(gone))


def asked(filled: Filled, **options: Any) -> RisingReport:
    """Return the report of the last hour."""
    return read_rising(filled.client, RisingQuestion(**{"limit": 1_000, **options}))


def states(report: RisingReport) -> dict[int, str]:
    """Return each film's state."""
    return {film.tmdb_id: film.state for film in report.films}


def test_scores_by_hand(filled: Filled) -> None:
    """Films 1 to 4 have 100 mentions before and 10 now, film 5 has 40 and 30, film 6 none and 12, film 7 200 and 5.

    Weights of 100 each at 0.1, 40 at 0.75 and 200 at 0.025: sorted 0.025 (200), 0.1 (400), 0.75 (40), half of 640 is
    320, so V = 0.1. Film 5: e = 0.1 · 40.5 = 4.05, 30 / 4.05 = 7.41, score = 25.95 / √(4.05 + 4.05² / 40.5 + 0.405² +
    1) = 25.95 / √5.619 = 10.95: Bursting. Film 6: e = 0.05, score = 11.95 / √(0.05 + 0.005 + 0.000025 + 1) = 11.63.
    Film 7: e = 20.05, score = -15.05 / √(20.05 + 2.005 + 4.02 + 1) = -2.89: not yet Fading.
    """
    talked(filled, {1: (10, 100), 2: (10, 100), 3: (10, 100), 4: (10, 100), 5: (30, 40), 6: (12, 0), 7: (5, 200)})
    films = {film.tmdb_id: film for film in (*asked(filled).films, *asked(filled, by="fading").films)}

    assert films[5].volume == pytest.approx(0.1)
    assert films[5].expected == pytest.approx(4.05)
    assert films[5].ratio == pytest.approx(30 / 4.05)
    assert films[5].score == pytest.approx(10.947, abs=1e-3)
    assert films[6].score == pytest.approx(11.634, abs=1e-3)
    assert films[7].score == pytest.approx(-2.892, abs=1e-3)
    assert (films[5].state, films[6].state, films[7].state) == ("Bursting", "Bursting", "Steady")


@pytest.mark.parametrize(
    ("talk", "state"),
    [
        pytest.param((7, 1), "Steady", id="too few mentions for a name"),
        pytest.param((8, 1), "Bursting", id="just enough"),
        pytest.param((16, 80), "Steady", id="twice as much, but within chance"),
        pytest.param((40, 200), "Rising", id="twice as much, and no chance"),
        pytest.param((300, 1500), "Rising", id="never bursting below three times"),
        pytest.param((0, 60), "Steady", id="too few expected to fade"),
        pytest.param((0, 300), "Fading", id="silence"),
        pytest.param((140, 2000), "Steady", id="a third less"),
    ],
)
def test_names_need_support_score_and_ratio(filled: Filled, talk: Talk, state: str) -> None:
    """Among ten films that hold the volume at 0.1, one film's name depends on all three bounds."""
    talked(filled, dict.fromkeys(range(10, 20), (100, 1000)) | {1: talk})

    assert (states(asked(filled)) | states(asked(filled, by="fading")))[1] == state


def test_one_burst_makes_nobody_fade(filled: Filled) -> None:
    """A film that takes nine tenths of the talk leaves the volume of the others as it is."""
    talked(filled, dict.fromkeys(range(10, 20), (20, 200)) | {1: (5_000, 10)})

    assert states(asked(filled)) == {1: "Bursting"}
    assert set(states(asked(filled, by="fading")).values()) == {"Steady"}


def test_a_quiet_night_makes_nobody_fade(filled: Filled) -> None:
    """All films at a tenth of their talk are at their usual."""
    talked(filled, {film: (2, 20 * film) for film in range(10, 20)})

    assert "Fading" not in states(asked(filled, by="fading")).values()


def test_what_was_taken_back_does_not_count(filled: Filled) -> None:
    """A retracted mention is none, now and before."""
    talked(filled, {1: (10, 100), 2: (10, 100)})
    store(filled, [mention(1, place, UNTIL - timedelta(hours=1) * place / 10, gone=True) for place in range(4)])

    (film,) = (film for film in asked(filled, by="fading").films if film.tmdb_id == 1)
    assert (film.now, film.before) == (6, 100)


def test_nothing_before_is_unknown(filled: Filled) -> None:
    """Without any mention before, nothing is expected of any film, so none has a score; and without data, no as-of."""
    assert asked(filled).as_of is None
    talked(filled, {1: (50, 0)})

    assert asked(filled).films == ()
    assert asked(filled).as_of == UNTIL


def expected_of(talk: Mapping[int, Talk]) -> dict[int, tuple[float, float, float, str]]:
    """Return volume, expected, score and state of each film, in plain Python from the registry's words."""
    weighed = sorted((now / before, before) for now, before in talk.values() if before >= 8)
    half, volume = sum(weight for _, weight in weighed) / 2, 0.0
    for value, weight in weighed:
        volume, half = value, half - weight
        if half <= 0:
            break
    found = {}
    for film, (now, before) in talk.items():
        e = volume * (before + 0.5)
        if e == 0:
            continue
        score = (now - e) / math.sqrt(e + e * e / (before + 0.5) + (0.1 * e) ** 2 + 1)
        state = "Steady"
        if score >= 4 and now >= 8 and now >= 3 * e:
            state = "Bursting"
        elif score >= 3 and now >= 8 and now >= 1.5 * e:
            state = "Rising"
        elif score <= -3 and e >= 8 and now * 1.5 <= e:
            state = "Fading"
        found[film] = (volume, e, score, state)
    return found


def test_query_agrees_with_plain_python(filled: Filled) -> None:
    """A thousand films of random talk, to 1e-9, risers first by score and then by id."""
    draw = random.Random(1)  # noqa: S311 - random talk, no secret
    talk = {film: (int(draw.paretovariate(0.9)) % 30, int(draw.paretovariate(0.6)) % 80) for film in range(1, 1001)}
    talked(filled, talk)
    expected = expected_of(talk)
    rising, fading = asked(filled), asked(filled, by="fading")

    for film in (*rising.films, *fading.films):
        volume, e, score, state = expected[film.tmdb_id]
        assert (film.now, film.before, film.state) == (*talk[film.tmdb_id], state)
        assert (film.volume, film.expected, film.score) == pytest.approx((volume, e, score), rel=1e-9)
    assert [film.tmdb_id for film in rising.films] == sorted(
        (film for film, (*_, score, _) in expected.items() if score > 0), key=lambda film: (-expected[film][2], film)
    )
    assert {film.tmdb_id for film in fading.films} == {film for film, (*_, score, _) in expected.items() if score < 0}


def test_registry_names_every_number(filled: Filled) -> None:
    """What a film's row says beside its title is what docs/metrics.md explains."""
    talked(filled, {1: (10, 100), 2: (30, 100)})
    (film, *_) = asked(filled).films

    assert {measure.name for measure in NOW} == set(type(film).__slots__) - {"tmdb_id", "title", "year"}


def test_command_prints_all_forms(filled: Filled, migrated_settings: Settings) -> None:
    """The table names window, zone and coverage; JSON and CSV hold the same films."""
    talked(filled, dict.fromkeys(range(10, 20), (10, 100)) | {1: (90, 100)})
    filled.film(1, "Past Lives", release_date="2023-06-02")
    environment = {
        "CINEPULSE_CLICKHOUSE_PORT": str(migrated_settings.clickhouse_port),
        "CINEPULSE_CLICKHOUSE_DATABASE": migrated_settings.clickhouse_database,
        "CINEPULSE_CLICKHOUSE_PASSWORD": PASSWORD,
    }

    def printed(*arguments: str) -> str:
        result = CliRunner().invoke(command, arguments, env=environment, catch_exceptions=False)
        assert result.exit_code == 0
        return result.stdout

    table = printed()
    assert "Past Lives (2023)" in table
    assert "Bursting" in table
    assert "the last 1:00:00" in table
    assert "against the 7 days, 0:00:00 before" in table
    document = json.loads(printed("--format", "json", "--limit", "1"))
    assert [film["title"] for film in document["films"]] == ["Past Lives"]
    assert document["day_zone"] == "UTC"
    header, row, *_ = printed("--format", "csv").splitlines()
    assert header.startswith("tmdb_id,title,year,now,before,volume,")
    assert row.startswith("1,Past Lives,2023,90,100,")
    refused = CliRunner().invoke(command, ["--watch", "--format", "csv"], env=environment)
    assert refused.exit_code == 2
