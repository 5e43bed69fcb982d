"""A film's sentiment by day: numbers by hand, nothing below 20 mentions, and the registry names them all."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from dataclasses import fields
from datetime import date, timedelta
from statistics import fmean, stdev
from typing import TYPE_CHECKING

import pytest

from cinepulse.closing import ClosingRule
from clickhouse.ask import ask
from clickhouse.closed import Closer
from clickhouse.films import find_film
from clickhouse.measures import SENTIMENT
from clickhouse.movie import read_movie
from clickhouse.movie_view import movie_rows, render_movie
from clickhouse.sentiment import UNKNOWN, Felt, Sentiment, Sentiments, sentiments_of
from tests.clickhouse.tables import PARTITIONS, filled, ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.clickhouse.tables import Filled

__all__ = ["filled"]

pytestmark = pytest.mark.real

SINCE = date(2026, 11, 1)


def say(tables: Filled, day: str, compounds: Sequence[float | None], *, film: int = 841) -> None:
    """Mention a film with these sentiments on a day."""
    tell(tables, [(film, f"t1_{day[-2:]}{number}", f"{day}T10:00", one) for number, one in enumerate(compounds)])


def tell(tables: Filled, rows: list[tuple[int, str, str, float | None]]) -> None:
    """Insert mentions of a film, post, time and sentiment at once."""
    tables.client.insert(
        "mentions",
        [[film, "reddit", post, ms(created), compound, 1] for film, post, created, compound in rows],
        column_names=["tmdb_id", "platform", "post_id", "created_at", "sentiment", "revision"],
        column_type_names=["Int64", "String", "String", "DateTime64(3, 'UTC')", "Nullable(Float64)", "UInt64"],
    )


def felt(tables: Filled, since: date = SINCE) -> Sentiments:
    """Return the sentiments of the film's mentions on a day and the hundred after it."""
    days = [since + timedelta(days=later) for later in range(101)]
    told = ask(tables.client, "movie_mentions", tmdb_id=841, rows=days, at_ms=0, cut_ms=0)
    return sentiments_of({row["day"]: Felt.from_row(row) for row in told})


def test_a_day_by_hand(filled: Filled) -> None:
    """Ten times 0.6 and ten times -0.2: mean 0.2, s = √(20 · 0.4² / 19) = 0.41039, margin 1.96 s / √20 = 0.17986."""
    say(filled, "2026-11-20", [0.6, -0.2] * 10)

    found = felt(filled).of(date(2026, 11, 20))

    assert (found.n, found.positive_share, found.negative_share) == (20, 0.5, 0.5)
    assert found.mean == pytest.approx(0.2)
    assert found.margin == pytest.approx(0.17986, abs=1e-5)
    assert found.text == "+0.20 ± 0.18 (n 20)"


def test_below_twenty_nothing_is_said(filled: Filled) -> None:
    """19 mentions with a sentiment say nothing, however many have none: null, not zero. Two such days together do."""
    say(filled, "2026-11-20", [0.5] * 19 + [None] * 5)
    say(filled, "2026-11-19", [0.1])

    found = felt(filled)

    assert found.of(date(2026, 11, 20)) == Sentiment(19, None, None, None, None)
    assert found.of(date(2026, 11, 20)).text == ""
    assert found.of(date(2026, 11, 18)) == UNKNOWN
    assert (found.together.n, found.together.positive_share) == (20, 1.0)
    assert found.together.mean == pytest.approx(0.48)


def test_classes_begin_at_their_bounds(filled: Filled) -> None:
    """0.05 is positive, -0.05 negative, what lies between neither; of one value alone the margin is none."""
    say(filled, "2026-11-20", [0.05, -0.05, 0.04, -0.04] * 5)
    say(filled, "2026-11-21", [0.0] * 20)

    found = felt(filled)

    assert (found.of(date(2026, 11, 20)).positive_share, found.of(date(2026, 11, 20)).negative_share) == (0.25, 0.25)
    assert (found.of(date(2026, 11, 21)).mean, found.of(date(2026, 11, 21)).margin) == (0, 0)


def test_retracted_mentions_and_other_films_do_not_count(filled: Filled) -> None:
    """What was taken back has no voice, and neither has another film."""
    say(filled, "2026-11-20", [0.5] * 21)
    say(filled, "2026-11-20", [-0.5] * 30, film=438631)
    filled.mention(841, "t1_other", "2026-11-20T10:00")
    filled.mention(841, "t1_200", "2026-11-20T10:00", gone=True)

    found = felt(filled).of(date(2026, 11, 20))

    assert (found.n, found.mean) == (20, 0.5)


def test_days_agree_with_plain_python(filled: Filled) -> None:
    """60 days of random sentiments with gaps, month and year ends and a leap day within: equal to 1e-9."""
    rng = random.Random(6)  # noqa: S311 - the same numbers each time, no secret
    first = date(2027, 12, 31).toordinal()
    said: defaultdict[date, list[float]] = defaultdict(list)
    rows: list[tuple[int, str, str, float | None]] = []
    for number in range(1_500):
        day = date.fromordinal(first + rng.choice([0, 1, 30, 31, 59, 60, rng.randrange(62)]))
        compound = rng.choice([None, rng.uniform(-1, 1), 0.05])
        rows.append((841, f"t1_{number}", f"{day.isoformat()}T{rng.randrange(24):02}:59:59.999", compound))
        if compound is not None:
            said[day].append(compound)
    tell(filled, rows)

    found = felt(filled, date(2027, 12, 31))

    assert {day: one.n for day, one in found.by_day.items() if one.n} == {day: len(some) for day, some in said.items()}
    for day, some in said.items():
        one = found.of(day)
        if len(some) < 20:
            assert one == Sentiment(len(some), None, None, None, None)
        else:
            assert one.mean == pytest.approx(fmean(some), abs=1e-9)
            assert one.margin == pytest.approx(1.96 * stdev(some) / math.sqrt(len(some)), abs=1e-9)
            assert one.positive_share == pytest.approx(sum(each >= 0.05 for each in some) / len(some), abs=1e-9)


def test_a_film_shows_its_sentiment(filled: Filled) -> None:
    """The table, the rows and the record of a film say mean, margin and n of a day that has enough."""
    from tests.clickhouse.test_movie import render_text

    filled.film(841, "Dune")
    say(filled, "2026-11-20", [0.6, -0.2] * 10)
    say(filled, "2026-11-21", [0.6])
    filled.count_all(watermark="2026-11-22T00:00")

    report = read_movie(filled.client, find_film(filled.client, "841"), closer=Closer(ClosingRule(0, 0, 0), PARTITIONS))

    text = render_text(render_movie(report))
    assert "+0.20 ± 0.18 (n 20)" in text
    assert "sentiment of these days +0.22 ± 0.18 (n 21)" in text
    assert [row["sentiment_mean"] for row in movie_rows(report)] == [None, pytest.approx(0.2)]


def test_the_registry_names_what_is_told() -> None:
    """Each metric in the docs is one of a sentiment's, and each of a sentiment's is in the docs."""
    named = {one.name.removeprefix("sentiment_") for one in SENTIMENT}

    assert named == {field.name for field in fields(Sentiment)}
