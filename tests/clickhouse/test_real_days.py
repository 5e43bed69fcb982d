"""32 real days of TMDB's lists through `cinepulse backfill`, Kafka and the sink: every metric of every day.

The data lies beside the checkout and is no part of the project.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import pytest

from clickhouse.film_groups import read_groups
from clickhouse.kpis import KpiQuestion, read_kpi
from clickhouse.measures import POPULARITY as MEASURES
from clickhouse.popularity import PopularityQuestion, read_popularity
from tests.clickhouse.pipeline import Pipeline
from tests.clickhouse.popularity_reference import History, metrics_of_day
from tests.clickhouse.real_days import REAL_DAYS, gainers, lines, load_films, seen, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cinepulse.settings import Settings
    from clickhouse.client import Client
    from clickhouse.popularity import PopularityReport, Ranking
    from tests.fixtures.kafka import BrokerProcess

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not REAL_DAYS.exists(), reason="the 32 days of TMDB's lists are not beside the checkout"),
]

FIRST: Final = date(2026, 1, 21)
DAYS: Final = [FIRST + timedelta(days=number) for number in range(32)]
TOPS: Final = (10, 50, 100)
# A metric looks back so many days; on earlier days it is unknown, and from then on some film has it each day.
LOOKS_BACK: Final = {
    **dict.fromkeys(("dod", "dod_percent", "votes_dod", "rank_before", "rank_change"), 1),
    **dict.fromkeys(("mean_7d", "deviation_7d", "volatility_7d"), 3),
    **dict.fromkeys(("week_mean_before", "week_percent"), 5),
    **dict.fromkeys(("wow", "wow_percent", "vote_velocity", "engagement", "trend", "viral_coefficient"), 7),
    **dict.fromkeys(("viral_category", "viral_score", "viral_score_category"), 7),
    **dict.fromkeys(("votes_dod_before", "engagement_trend"), 8),
    **dict.fromkeys(("vote_acceleration", "emerging", "viral_coefficient_before"), 14),
}
# No film need break out on a day.
RARE: Final = frozenset({"breakout"})


@pytest.fixture(scope="module")
def pipeline(
    fresh_broker: BrokerProcess, clickhouse_server: Settings, clickhouse_admin: Client, tmp_path_factory: Any
) -> Iterator[Pipeline]:
    """Yield a pipeline into which the command has sent the file, and whose sink has stored all of it."""
    name = f"test_{uuid4().hex[:12]}"
    clickhouse_admin.command("CREATE DATABASE {name:Identifier}", parameters={"name": name})
    settings = clickhouse_server.model_copy(update={"clickhouse_database": name})
    made = Pipeline(fresh_broker.bootstrap, settings, prefix="")
    row = backfill(fresh_broker.bootstrap, tmp_path_factory.mktemp("backfill"))
    assert (row["ending"], row["lines"], row["broken"]) == ("done", 8_321, 0)
    assert (row["first_day"], row["last_day"]) == (str(DAYS[0]), str(DAYS[-1]))
    made.drain()
    yield made
    clickhouse_admin.command("DROP DATABASE {name:Identifier}", parameters={"name": name})


def backfill(bootstrap: str, directory: Path) -> dict[str, Any]:
    """Run `cinepulse backfill tmdb` on the file and return what it tells."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CINEPULSE_")}
    settings = {
        "CINEPULSE_DATA_DIR": str(directory),
        "CINEPULSE_KAFKA_BOOTSTRAP": bootstrap,
        "CINEPULSE_PARTITIONS": "2",
    }
    done = subprocess.run(
        [sys.executable, "-m", "cinepulse", "backfill", "tmdb", str(REAL_DAYS), "--format", "json"],
        env=clean | settings,
        check=True,
        capture_output=True,
        text=True,
    )
    (row,) = json.loads(done.stdout)
    told: dict[str, Any] = row
    return told


@pytest.fixture(scope="module")
def peaks() -> dict[tuple[int, date], tuple[float, date]]:
    """Return the highest value of each film up to each day, and its first day: of all lines, not the last of a day."""
    highest: dict[tuple[int, date], tuple[float, date]] = {}
    told = [(int(line["tmdb_id"]), float(line["popularity"]), date.fromisoformat(line["date"])) for line in lines()]
    for film, value, on in told:
        for day in DAYS[(on - FIRST).days :]:
            if (film, day) not in highest or highest[film, day][0] < value:
                highest[film, day] = (value, on)
    return highest


@pytest.fixture(scope="module")
def history() -> History:
    """Return the file as the reference wants it: the last line of a film and day."""
    history = History()
    for tmdb_id, day, numbers in seen():
        history.add(tmdb_id, day, numbers)
    return history


def asked(pipeline: Pipeline, day: date, by: Ranking = "popularity", top: int = 100) -> PopularityReport:
    """Return the day's films."""
    return read_popularity(pipeline.client, PopularityQuestion(by=by, day=day, top=top, limit=100_000))


def test_everything_is_stored(pipeline: Pipeline) -> None:
    """Every film, list and instant of the file is a row, and every film went to the catalogue's topic.

    The table of films has dropped them: they are older than the six months that TMDB allows.
    """
    told = list(lines())

    assert pipeline.count("popularity") == len(told)
    assert pipeline.topic_end("tmdb.movies") == len({row["tmdb_id"] for row in told})
    assert pipeline.rows("SELECT uniqExact(toDate(observed_at)) FROM popularity") == [(32,)]


def test_every_metric_of_every_day(
    pipeline: Pipeline, history: History, peaks: dict[tuple[int, date], tuple[float, date]]
) -> None:
    """On each of the 32 days each metric of each film is what plain Python makes of the file, to 1e-9.

    A metric is unknown while it has no days to look back to, and known of some film on every day from then on.
    """
    names = {measure.name for measure in MEASURES}
    known: Counter[tuple[str, date]] = Counter()

    for day in DAYS:
        expected = metrics_of_day(history, day, 100)
        report = asked(pipeline, day)
        films = {film["tmdb_id"]: film for film in report.films}
        assert films.keys() == {film for film, row in expected.items() if row["popularity"] is not None}
        assert report.seen == len(films) > 100
        for film, row in films.items():
            expected[film] |= dict(zip(("peak", "peak_day"), peaks[film, day], strict=True))
            assert names <= row.keys()
            for name, value in expected[film].items():
                same = row[name] == pytest.approx(value, rel=1e-9, abs=1e-9) if isinstance(value, float) else None
                assert row[name] == value if same is None else same, (day, film, name, row[name], value)
            known.update((name, day) for name in names if row[name] is not None)

    for number, day in enumerate(DAYS):
        told = {name for name in names if known[name, day]}
        must = {name for name in names if LOOKS_BACK.get(name, 0) <= number}
        assert must - RARE <= told, (day, must - told)


@pytest.mark.parametrize("top", TOPS)
def test_joiners_and_leavers_balance(pipeline: Pipeline, top: int) -> None:
    """From each day to the next, the size of the top changes by those who joined less those who left, once each.

    The first day has none, since there is nothing to compare with; the view for SQL says the same.
    """
    inside: set[int] = set()
    changes = 0
    for number, day in enumerate(DAYS):
        now = {film["tmdb_id"] for film in asked(pipeline, day, "rank", top).films if film["rank"] <= top}
        joined = [film["tmdb_id"] for film in asked(pipeline, day, "joiners", top).films]
        departed = [film["tmdb_id"] for film in asked(pipeline, day, "leavers", top).films]
        if number == 0:
            assert (joined, departed) == ([], [])
        else:
            assert len(inside) + len(joined) - len(departed) == len(now) == top
            assert set(joined) == now - inside
            assert set(departed) == inside - now
            view = pipeline.client.query(
                "SELECT change, tmdb_id FROM top_changes(day = {day:Date}, top = {top:UInt32})",
                parameters={"day": day, "top": top},
            ).result_rows
            assert sorted(view) == sorted([("joined", film) for film in joined] + [("left", film) for film in departed])
        changes += len(joined) + len(departed)
        inside = now
    assert changes > 32


def test_groups_and_risers_of_every_day(pipeline: Pipeline, history: History) -> None:
    """On each of the 32 days the groups by age, and the viral against the rest, hold each film that was seen once.

    Their means of popularity, weighted by their films, are the mean of the file; and the films whose rank rose are
    those of plain Python, the one that rose most first.
    """
    load_films(pipeline.client)
    for day in DAYS:
        films = {film: row for film, row in metrics_of_day(history, day, 100).items() if row["popularity"] is not None}
        risen = {film: row["rank_change"] for film, row in films.items() if (row["rank_change"] or 0) > 0}
        for by in ("cohort", "viral"):
            groups = read_groups(pipeline.client, by, day=day, today=day).rows
            assert sum(group["films"] for group in groups) == len(films), (day, by)
            total = sum(group["films"] * group["mean_popularity"] for group in groups)
            assert total == pytest.approx(sum(row["popularity"] for row in films.values()), rel=1e-9)
        listing = read_kpi(pipeline.client, KpiQuestion(name="contents-raise", today=day, day=day, limit=100_000))
        assert {row["tmdb_id"]: row["rank_change"] for row in listing.rows} == risen, day
        assert [row["rank_change"] for row in listing.rows] == sorted(risen.values(), reverse=True)


def test_the_list_in_the_documentation(pipeline: Pipeline) -> None:
    """The gainers of one day, and why, are on the page as the answer has them.

    `python -m tests.clickhouse.real_days` writes them.
    """
    load_films(pipeline.client)

    assert shown() == gainers(pipeline.client)
    assert shown().count("\n") == 12
