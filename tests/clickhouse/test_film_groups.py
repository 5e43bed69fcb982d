"""The films of a day in groups: by hand, and the queries against plain Python on random histories with gaps."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime, timedelta
from statistics import fmean
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from cinepulse.commands import film_groups as commands
from clickhouse.film_groups import read_groups
from clickhouse.tables import FILMS
from tests.clickhouse.popularity_reference import coefficient, metrics_of_day, tolerant
from tests.clickhouse.tables import Filled, filled, ms
from tests.clickhouse.test_popularity import DAY, ago, histories, put
from tests.fixtures.clickhouse import environment_of

if TYPE_CHECKING:
    from cinepulse.settings import Settings
    from clickhouse.film_groups import Grouping
    from tests.clickhouse.popularity_reference import History

__all__ = ["filled"]

pytestmark = pytest.mark.real


def groups(filled: Filled, by: Grouping, day: date = DAY) -> dict[str | None, dict[str, Any]]:
    """Return the groups of a day by name, in their order."""
    return {row["group"]: row for row in read_groups(filled.client, by, day=day, today=DAY).rows}


def catalogue(filled: Filled, films: dict[int, tuple[str | None, tuple[str, ...]]]) -> None:
    """Add films with their release date and genres in one insert."""
    # The catalogue keeps what it saw within half a year.
    seen = ms(datetime.now(UTC).isoformat())
    usual = {
        name: () if kind.startswith("Array") else None if "Null" in kind else "" if "Str" in kind else 0
        for name, kind in FILMS.columns
    }
    rows = [
        {**usual, "tmdb_id": tmdb_id, "release_date": released, "genres": genres, "observed_at": seen, "revision": 1}
        for tmdb_id, (released, genres) in films.items()
    ]
    filled.client.insert(
        FILMS.name,
        [[row[name] for name in FILMS.column_names] for row in rows],
        column_names=FILMS.column_names,
        column_type_names=list(FILMS.column_types),
    )


def test_cohorts_by_hand(filled: Filled) -> None:
    """On the edges: 0 and 30 days are New, 31 and 90 Recent, 91 and 180 Established, 181 Catalog, tomorrow Upcoming.

    No date, a thirtieth of February and a film that the catalogue has not are unknown. New has popularities 10 and 20:
    15 on average, and ages 0 and 30: 15.
    """
    ages = {1: 0, 2: 30, 3: 31, 4: 90, 5: 91, 6: 180, 7: 181, 8: -1}
    catalogue(filled, {film: (str(DAY - timedelta(days=age)), ()) for film, age in ages.items()})
    catalogue(filled, {9: (None, ()), 10: ("2026-02-30", ())})
    put(filled, [(film, DAY, (10.0 * film, 5, 7.0)) for film in range(1, 12)])

    found = groups(filled, "cohort")

    assert {name: row["films"] for name, row in found.items()} == {
        "Upcoming": 1,
        "New": 2,
        "Recent": 2,
        "Established": 2,
        "Catalog": 1,
        None: 3,
    }
    assert list(found) == ["Upcoming", "New", "Recent", "Established", "Catalog", None]
    assert (found["New"]["mean_popularity"], found["New"]["mean_age_days"]) == (15, 15)
    assert (found["New"]["scored"], found["New"]["viral_percent"]) == (0, None)
    assert found[None]["mean_age_days"] is None


def test_genres_by_hand(filled: Filled) -> None:
    """Of ten dramas two are viral: 20 %. Nine comedies are too few to tell; a film counts in each of its genres.

    Two films gain 700 votes in a week, 100 a day, and double in popularity: of nine others eight are lower in both, so
    that their scores are 100 · 8 / 9 = 89. The others gain nothing and score 0. The coefficients of the two, from 100
    votes, are 100. Three weeks ago a third film had such a week: 30 days know of three, 30 %.
    """
    catalogue(filled, {film: (None, ("Drama", "Comedy") if film < 10 else ("Drama",)) for film in range(1, 11)})
    for days, votes, value in ((28, 100, 10.0), (21, 100, 10.0), (7, 100, 10.0), (0, 100, 10.0)):
        put(filled, [(film, ago(days), (value, votes, 7.0)) for film in range(4, 11)])
    put(filled, [(3, ago(days), (10.0, votes, 7.0)) for days, votes in ((28, 100), (21, 800), (7, 800), (0, 800))])
    put(
        filled,
        [
            (film, ago(days), numbers)
            for film in (1, 2)
            for days, numbers in ((7, (10.0, 100, 7.0)), (0, (20.0, 800, 7.0)))
        ],
    )

    found = groups(filled, "genre")

    assert list(found) == ["Drama"]
    drama = found["Drama"]
    assert (drama["films"], drama["viral"], drama["viral_percent"]) == (10, 2, 20)
    assert (drama["films_30d"], drama["viral_30d"], drama["viral_percent_30d"]) == (10, 3, 30)


def test_viral_against_the_rest_by_hand(filled: Filled) -> None:
    """From 100 to 160 votes the coefficient is 36: the rest; to 170 it is 42: viral. Unseen a week ago: unknown.

    Velocities 70 / 7 = 10 and 60 / 7.
    """
    for film, votes in ((1, 170), (2, 160), (3, None)):
        put(filled, [(film, ago(7), (10.0, 100, 7.0))] if votes else [])
        put(filled, [(film, DAY, (10.0, votes or 5, 8.0))])

    found = groups(filled, "viral")

    assert {name: row["films"] for name, row in found.items()} == {"viral": 1, "rest": 1, None: 1}
    assert found["viral"]["mean_vote_velocity"] == 10
    assert found["rest"]["mean_vote_velocity"] == pytest.approx(60 / 7)
    assert (found[None]["mean_vote_velocity"], found[None]["mean_score"]) == (None, 8)


def cohort(released: str | None, day: date) -> str | None:
    """Return the cohort of a release date as plain Python has it."""
    try:
        age = (day - date.fromisoformat(released or "")).days
    except ValueError:
        return None
    if age < 0:
        return "Upcoming"
    return next(
        (name for bound, name in ((30, "New"), (90, "Recent"), (180, "Established")) if age <= bound), "Catalog"
    )


def reached(history: History, film: int, day: date) -> list[float]:
    """Return the coefficients of the weeks that end within 30 days."""
    found = []
    for weeks in range(5):
        end, start = day - timedelta(days=7 * weeks), day - timedelta(days=7 * weeks + 7)
        last = (history.votes(film, end), history.popularity(film, end))
        if weeks:
            last = (tolerant(history.votes, film, end), tolerant(history.popularity, film, end))
        first = tolerant(history.votes, film, start), tolerant(history.popularity, film, start)
        if None in (*first, *last):
            continue
        votes, value = last
        assert votes is not None
        assert value is not None
        assert first[0] is not None
        assert first[1] is not None
        # Not held within 0 and 100, which makes no difference to reaching 60.
        found.append(60 * (votes - first[0]) / max(first[0], 1) + 40 * (value - first[1]) / max(first[1], 1))
        assert coefficient(first[0], votes, first[1], value) == pytest.approx(min(100, max(0, found[-1])))
    return found


def test_queries_agree_with_plain_python(filled: Filled) -> None:
    """On 1,000 random films over 60 days with gaps, every number of every group is plain Python's to 1e-9."""
    source = random.Random(13)  # noqa: S311 - no secret
    history = put(filled, histories(13, 1_000, 40))
    names = ("Drama", "Comedy", "Crime", "Western")
    films = {
        film: (
            source.choice([None, "", str(DAY - timedelta(days=source.randrange(-40, 400)))]),
            tuple(source.sample(names, source.randrange(0, 3))),
        )
        for film in range(1, 951)
    }
    catalogue(filled, films)
    rows = {film: row for film, row in metrics_of_day(history, DAY, 100).items() if row["popularity"] is not None}
    members: dict[tuple[Grouping, str | None], list[int]] = {}
    for film, row in rows.items():
        released, genres = films.get(film, (None, ()))
        viral = row["viral_coefficient"]
        members.setdefault(("cohort", cohort(released, DAY)), []).append(film)
        members.setdefault(("viral", None if viral is None else "viral" if viral >= 40 else "rest"), []).append(film)
        for genre in genres:
            members.setdefault(("genre", genre), []).append(film)

    asked: tuple[Grouping, ...] = ("cohort", "viral", "genre")
    found = {(by, name): row for by in asked for name, row in groups(filled, by).items()}

    assert set(found) == set(members)
    for key, row in found.items():
        mine = [rows[film] for film in members[key]]
        scored = [one for one in mine if one["viral_score"] is not None]
        viral = sum(one["viral_score_category"] in ("Extremely Viral", "Highly Viral") for one in scored)
        assert (row["films"], row["scored"], row["viral"]) == (len(mine), len(scored), viral)
        assert row["viral_percent"] == (pytest.approx(100 * viral / len(scored)) if scored else None)
        for name in ("popularity", "wow_percent", "vote_velocity", "viral_score", "votes", "score"):
            known = [one[name] for one in mine if one[name] is not None]
            assert row[f"mean_{name}"] == (pytest.approx(fmean(known), rel=1e-9, abs=1e-9) if known else None)
    for genre in names:
        weeks = [
            reached(history, film, DAY)
            for film, (_, genres) in films.items()
            if genre in genres and film in history.seen
        ]
        known_weeks = [one for one in weeks if one]
        assert found["genre", genre]["films_30d"] == len(known_weeks)
        assert found["genre", genre]["viral_30d"] == sum(max(one) >= 60 for one in known_weeks)


@pytest.mark.parametrize("name", ["cohorts", "genres", "viral"])
def test_commands_print_their_groups(filled: Filled, migrated_settings: Settings, name: str) -> None:
    """Each has a table, JSON and CSV with all it counts; an empty database is no error."""
    command, environment = getattr(commands, name), environment_of(migrated_settings)
    empty = CliRunner().invoke(command, ["--format", "json"], env=environment)
    catalogue(filled, {film: (str(DAY), ("Drama",)) for film in range(1, 11)})
    put(filled, [(film, DAY, (10.0, 5, 7.0)) for film in range(1, 11)])

    table, document, rows = (
        CliRunner().invoke(command, ["--day", str(DAY), "--format", form], env=environment)
        for form in ("table", "json", "csv")
    )

    assert [empty.exit_code, table.exit_code, document.exit_code, rows.exit_code] == [0, 0, 0, 0]
    assert json.loads(empty.stdout)["rows"] == []
    listed = json.loads(document.stdout)["rows"]
    assert [row["films"] for row in listed] == [10]
    assert len(rows.stdout.splitlines()) == 2
