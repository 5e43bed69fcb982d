"""Key figures of films: each formula by hand, and the query against plain Python on random catalogues."""

from __future__ import annotations

import json
import random
from datetime import date, timedelta
from statistics import fmean, median, quantiles
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from cinepulse.commands.kpi import kpi as command
from clickhouse.kpis import GEM_VOTES, KPIS, NO_SERIES, KpiQuestion, read_kpi
from clickhouse.tables import FILMS, POPULARITY
from tests.clickhouse.tables import Filled, filled, ms
from tests.fixtures.clickhouse import environment_of

if TYPE_CHECKING:
    from cinepulse.settings import Settings
    from clickhouse.listing import Listing

__all__ = ["filled"]

pytestmark = pytest.mark.real

DAY = date(2024, 2, 28)
"""The day before a leap day."""


def film(filled: Filled, tmdb_id: int, **values: Any) -> None:
    """Add a film with 100 votes of 6.0 on average, unless told otherwise."""
    filled.film(tmdb_id, f"film {tmdb_id}", **{"vote_count": 100, "vote_average": 6.0, **values})


def asked(filled: Filled, name: str, **options: Any) -> Listing:
    """Return a key figure on the day."""
    return read_kpi(filled.client, KpiQuestion(**{"name": name, "today": DAY, "day": DAY, "limit": 10_000, **options}))


def ids(listing: Listing) -> list[int]:
    """Return the films listed, in their order."""
    return [row["tmdb_id"] for row in listing.rows]


def test_weighted_rating_by_hand(filled: Filled) -> None:
    """Votes 100 to 1,000 in hundreds: the 90 % quantile lies a tenth past 900, at 910. Means 6, one of them 9.

    C = (9 · 6 + 9) / 10 = 6.3. The film with 100 votes of 9: 100 / 1010 · 9 + 910 / 1010 · 6.3 = 6.567. With m = 100
    and C = 6 given: 100 / 200 · 9 + 100 / 200 · 6 = 7.5. A film without votes has none and counts for nothing.
    """
    for number in range(1, 11):
        film(filled, number, vote_count=100 * number, vote_average=9.0 if number == 1 else 6.0)
    film(filled, 11, vote_count=0, vote_average=0.0)
    film(filled, 12, vote_count=None, vote_average=None)

    listing = asked(filled, "weighted-rating")
    given = asked(filled, "weighted-rating", m=100.0, c=6.0)

    assert listing.parameters == {
        "qualified": 10,
        "rated": 10,
        "m": pytest.approx(910),
        "c": pytest.approx(6.3),
        "median_votes": 550,
    }
    assert ids(listing)[0] == 1
    assert listing.rows[0]["weighted_rating"] == pytest.approx(100 / 1010 * 9 + 910 / 1010 * 6.3)
    assert (given.rows[0]["weighted_rating"], given.parameters["m"], given.parameters["c"]) == (7.5, 100, 6)


def test_hidden_gems_by_hand(filled: Filled) -> None:
    """Of 8.6 with 60 votes at C = 6 and m = 50, 60 / 110 · 8.6 + 50 / 110 · 6 = 7.42; with 49 votes it is too few.

    With 100 votes of 8: 100 / 150 · 8 + 50 / 150 · 6 = 7.33: listed second, as it has more votes. With 101 votes, one
    more than the median of all, it is not hidden.
    """
    film(filled, 1, vote_count=60, vote_average=8.6)
    film(filled, 2, vote_count=49, vote_average=9.9)
    film(filled, 3, vote_count=100, vote_average=8.0)
    film(filled, 4, vote_count=101, vote_average=9.9)
    film(filled, 5, vote_count=9_000)

    listing = asked(filled, "hidden-gems", c=6.0)

    assert ids(listing) == [1, 3]
    assert [row["weighted_rating"] for row in listing.rows] == [
        pytest.approx((60 * 8.6 + 300) / 110),
        pytest.approx((800 + 300) / 150),
    ]
    assert (listing.parameters["m"], listing.parameters["median_votes"]) == (GEM_VOTES, 100)


def test_quick_watches_by_hand(filled: Filled) -> None:
    """At 90 minutes and 7.0 a film is one; at 91 or 6.9, or of a length unknown or 0, it is none."""
    for tmdb_id, minutes, score in [(1, 90, 7.0), (2, 91, 9.0), (3, 89, 6.9), (4, None, 9.0), (5, 0, 9.0), (6, 1, 9.0)]:
        film(filled, tmdb_id, runtime_minutes=minutes, vote_average=score)

    assert ids(asked(filled, "quick-watch")) == [6, 1]


def test_money_by_hand(filled: Filled) -> None:
    """300 against 100 is a return of 2 and a profit of 200; 500 million are a global reach; zero is unknown."""
    film(filled, 1, budget_usd=100, revenue_usd=300)
    film(filled, 2, budget_usd=100, revenue_usd=50)
    film(filled, 3, budget_usd=0, revenue_usd=500_000_000)
    film(filled, 4, budget_usd=1_000, revenue_usd=0)
    film(filled, 5, budget_usd=None, revenue_usd=499_999_999)

    roi = asked(filled, "roi")

    assert [(row["tmdb_id"], row["roi"], row["profit_usd"]) for row in roi.rows] == [(1, 2, 200), (2, -0.5, -50)]
    assert ids(asked(filled, "global-reach")) == [3]
    assert asked(filled, "global-reach").rows[0]["budget_usd"] is None
    assert asked(filled, "global-reach").rows[0]["profit_usd"] is None


def test_oncoming_by_hand(filled: Filled) -> None:
    """From 2024-02-28 it is one day to the leap day, two to March and 308 to the new year; today is out already.

    A thirtieth of February, half a date and none are unknown. Of two on one day the more popular comes first.
    """
    dates = {
        1: "2024-03-01",
        2: "2024-02-29",
        3: "2025-01-01",
        4: "2024-02-28",
        5: "2024-02-30",
        6: "2024-03",
        7: None,
        8: "",
        9: "2024-02-29",
    }
    for tmdb_id, released in dates.items():
        film(filled, tmdb_id, release_date=released, popularity=float(tmdb_id))

    rows = asked(filled, "oncoming").rows

    assert [(row["tmdb_id"], row["days_left"]) for row in rows] == [(9, 1), (2, 1), (1, 2), (3, 308)]


def test_contents_raise_by_hand(filled: Filled) -> None:
    """Third yesterday and first today is a rise of two; who fell or stays does not rise."""
    for day, order in ((DAY - timedelta(days=1), (1, 2, 3, 4)), (DAY, (3, 1, 2, 4))):
        for place, tmdb_id in enumerate(order):
            filled.popularity(tmdb_id, f"{day}T12:00", 10.0 - place)

    listing = asked(filled, "contents-raise")

    assert [(row["tmdb_id"], row["rank_change"]) for row in listing.rows] == [(3, 2)]
    assert listing.parameters == {"risen": 1, "compared_days": 1}


def test_series_are_not_invented(filled: Filled) -> None:
    """The catalogue has films alone: the question about series says so instead of listing films."""
    film(filled, 1, runtime_minutes=40, vote_average=9.0)

    listing = asked(filled, "binge-worthy")

    assert (listing.rows, listing.note) == ((), NO_SERIES)


def test_snapshots_of_the_day_count_before_the_catalogue(filled: Filled) -> None:
    """Votes seen on the day or the day before replace the catalogue's, with their own mean; older ones do not."""
    film(filled, 1, vote_count=10, vote_average=5.0)
    film(filled, 2, vote_count=10, vote_average=5.0)
    film(filled, 3, vote_count=10, vote_average=5.0)
    for tmdb_id, days, votes, mean in ((1, 1, 200, 8.0), (2, 2, 200, 8.0), (3, 0, 0, None)):
        seen = ms(f"{DAY - timedelta(days=days)}T12:00")
        filled.insert(
            POPULARITY,
            tmdb_id=tmdb_id,
            observed_at=seen,
            source="list",
            vote_count=votes,
            vote_average=mean,
            revision=1,
        )

    rows = {row["tmdb_id"]: (row["votes"], row["score"]) for row in asked(filled, "weighted-rating").rows}

    assert rows == {1: (200, 8), 2: (10, 5)}


def expected(films: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Return every film's figures as plain Python has them."""
    rated = [one for one in films if one["vote_count"]]
    m = quantiles([one["vote_count"] for one in rated], n=10, method="inclusive")[8]
    c = fmean(one["vote_average"] for one in rated)
    rows = {}
    for one in films:
        votes, score = one["vote_count"], one["vote_average"] if one["vote_count"] else None
        budget, revenue = one["budget_usd"] or None, one["revenue_usd"] or None
        profit = revenue - budget if revenue and budget else None
        try:
            left = (date.fromisoformat(one["release_date"] or "") - DAY).days
        except ValueError:
            left = 0
        rows[one["tmdb_id"]] = {
            "weighted_rating": None if score is None else (votes * score + m * c) / (votes + m),
            "votes": votes,
            "score": score,
            "profit_usd": profit,
            "roi": None if profit is None or budget is None else profit / budget,
            "days_left": left if left > 0 else None,
        }
    return rows


def test_query_agrees_with_plain_python(filled: Filled) -> None:
    """On 1,000 random films every figure is the one of plain Python to 1e-9, and every list holds who qualifies."""
    source = random.Random(11)  # noqa: S311 - no secret
    films: list[dict[str, Any]] = [
        {
            "tmdb_id": number,
            "vote_count": source.choice([None, 0, source.randrange(1, 60), source.randrange(1, 20_000)]),
            "vote_average": round(source.uniform(1, 10), 1),
            "runtime_minutes": source.choice([None, 0, source.randrange(1, 200)]),
            "budget_usd": source.choice([None, 0, source.randrange(1, 10**9)]),
            "revenue_usd": source.choice([None, 0, source.randrange(1, 3 * 10**9)]),
            "release_date": source.choice(
                [None, "", "2024", "2023-02-29", str(DAY + timedelta(source.randrange(-900, 900)))]
            ),
        }
        for number in range(1, 1_001)
    ]
    for one in films:
        one["vote_average"] = one["vote_average"] if one["vote_count"] else None
    now, names = ms("2024-02-27T00:00"), FILMS.column_names
    kinds = dict(FILMS.columns)
    filler: dict[str, Any] = {"observed_at": ms(f"{date.today()}T00:00"), "kafka_timestamp": now, "revision": 1}  # noqa: DTZ011 - any day
    usual = {
        name: () if kind.startswith("Array") else None if "Null" in kind else "" if "Str" in kind else 0
        for name, kind in kinds.items()
    }
    filled.client.insert(
        "films",
        [[{**usual, **filler, "title": "x", **one}[name] for name in names] for one in films],
        column_names=names,
        column_type_names=list(FILMS.column_types),
    )
    truth = expected(films)

    found: dict[int, dict[str, Any]] = {}
    for name in KPIS:
        listing = asked(filled, name)
        if name not in ("contents-raise", "hidden-gems", "binge-worthy"):
            found |= {row["tmdb_id"]: row for row in listing.rows}

    assert len(found) > 500
    for tmdb_id, row in found.items():
        for name, value in truth[tmdb_id].items():
            assert row[name] == (pytest.approx(value, rel=1e-9) if value is not None else None), (tmdb_id, name)
    assert set(ids(asked(filled, "roi"))) == {one for one, row in truth.items() if row["roi"] is not None}
    assert set(ids(asked(filled, "oncoming"))) == {one for one, row in truth.items() if row["days_left"]}
    votes = [one["vote_count"] for one in films if one["vote_count"]]
    assert asked(filled, "roi").parameters["median_votes"] == median(votes)


@pytest.mark.parametrize("name", list(KPIS))
def test_command_prints_each_figure(filled: Filled, migrated_settings: Settings, name: str) -> None:
    """Each figure has a table, JSON with the parameters, and rows; an empty database is no error."""
    empty = CliRunner().invoke(command, [name, "--format", "json"], env=environment_of(migrated_settings))
    film(filled, 1, budget_usd=1, revenue_usd=10**9, runtime_minutes=80, vote_average=9.0, release_date="2099-01-01")

    table, document, rows = (
        CliRunner().invoke(command, [name, "--day", str(DAY), "--format", form], env=environment_of(migrated_settings))
        for form in ("table", "json", "csv")
    )

    assert [empty.exit_code, table.exit_code, document.exit_code, rows.exit_code] == [0, 0, 0, 0]
    listed = json.loads(document.stdout)
    assert json.loads(empty.stdout)["rows"] == []
    assert (listed["name"], listed["day"]) == (name, str(DAY))
    assert ("film 1" in table.stdout) == bool(listed["rows"])
    assert (NO_SERIES in table.stdout) == (name == "binge-worthy")
