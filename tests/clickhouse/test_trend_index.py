"""Talk and popularity together: the formulas by hand, and the query against plain Python on random films with gaps."""

from __future__ import annotations

import json
import math
import random
from datetime import date, timedelta
from statistics import fmean, median, variance
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from cinepulse.authors import author_sketch, distinct_authors
from cinepulse.commands.together import divergence, quadrants
from cinepulse.commands.trends import trends
from clickhouse.kpis import KpiQuestion, read_kpi
from clickhouse.tables import MENTIONS
from clickhouse.trend_index import WEIGHTS, TogetherQuestion, read_together
from tests.clickhouse.popularity_reference import metrics_of_day, percent_ranks, tolerant
from tests.clickhouse.tables import Filled, filled, ms
from tests.clickhouse.talk import count, know, start_of
from tests.clickhouse.talk import put as put_rows
from tests.clickhouse.test_mention_trends import asked as mentions_asked
from tests.clickhouse.test_popularity import DAY, ago, histories, put
from tests.clickhouse.test_then import stored
from tests.fixtures.clickhouse import environment_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cinepulse.settings import Settings
    from clickhouse.listing import Listing
    from clickhouse.trend_index import Together
    from tests.clickhouse.popularity_reference import Seen

__all__ = ["filled"]

pytestmark = pytest.mark.real


def asked(filled: Filled, by: Together = "index", *, limit: int = 100_000, day: date = DAY) -> Listing:
    """Return what is said of the day."""
    return read_together(filled.client, TogetherQuestion(by=by, today=DAY, day=day, limit=limit))


def posts(filled: Filled, authors: Mapping[int, Iterable[str | None]]) -> None:
    """Add a mention of the day by each of the authors given of a film; None is one of whom nothing is kept."""
    put_rows(
        filled,
        MENTIONS,
        (
            {
                "tmdb_id": film,
                "platform": "reddit",
                "post_id": f"t1_{film}_{number}",
                "created_at": start_of(DAY) + number,
                "community": "movies",
                "kind": "comment",
                "author_sketch": author_sketch(film, author),
                "revision": 1,
                "is_deleted": 0,
            }
            for film, names in authors.items()
            for number, author in enumerate(names)
        ),
    )


def test_index_by_hand(filled: Filled) -> None:
    """Three films in the same order in all parts: percent ranks 0, 0.5 and 1, and so the index 0, 50 and 100.

    Film 2 has all parts in the middle. Its burst: 28 known days with one mention each, but the day 9: the mean is 1,
    the variance 0, (9 - 1) / √(0 + 1 + 1) = 5.66. A film that nobody talks of has the burst (0 - 0) / √(0 + 0 + 1) = 0.
    """
    know(filled, [ago(days) for days in range(29)])
    usual = {ago(days): (0, 1) for days in range(1, 29)}
    count(filled, {2: {**usual, DAY: (0, 9)}, 3: {**usual, DAY: (0, 30)}})
    posts(filled, {2: ["a"] * 9, 3: ["b", "c", "d"] * 10})
    put(filled, [(film, ago(7), (10.0, 100, 7.0)) for film in (1, 2, 3)])
    put(filled, [(film, DAY, (10.0 * film, 100 * film, 7.0)) for film in (1, 2, 3)])

    listing = asked(filled)

    assert [(row["tmdb_id"], row["trend_index"]) for row in listing.rows] == [
        (3, pytest.approx(100)),
        (2, pytest.approx(50)),
        (1, 0),
    ]
    middle, last = listing.rows[1], listing.rows[2]
    assert middle["burst"] == pytest.approx(8 / 2**0.5)
    assert [middle[name] for name in ("burst_rank", "popularity_growth_rank", "votes_growth_rank", "authors_rank")] == [
        0.5
    ] * 4
    assert (last["burst"], last["authors"], last["mentions"]) == (0, 0, 0)
    assert listing.parameters["weights"] == "v1: 0.45 burst, 0.25 popularity, 0.2 votes, 0.1 authors"


def test_weights_by_hand(filled: Filled) -> None:
    """Two films: one leads in talk and authors, 45 + 10 = 55, the other in popularity and votes, 25 + 20 = 45."""
    know(filled, [ago(days) for days in range(29)])
    count(filled, {1: {DAY: (0, 5)}})
    posts(filled, {1: ["a", "b"]})
    put(filled, [(film, ago(7), (10.0, 100, 7.0)) for film in (1, 2)])
    put(filled, [(1, DAY, (10.0, 100, 7.0)), (2, DAY, (20.0, 200, 7.0))])

    found = {row["tmdb_id"]: row["trend_index"] for row in asked(filled).rows}

    assert found == {1: pytest.approx(55), 2: pytest.approx(45)}
    assert sum((WEIGHTS.mentions, WEIGHTS.popularity, WEIGHTS.votes, WEIGHTS.authors)) == pytest.approx(1)


def test_no_index_without_a_part(filled: Filled) -> None:
    """Where the day is not known, or too few days before it, or a week ago, or no author, there is none."""
    put(filled, [(film, ago(7), (10.0, 100, 7.0)) for film in (1, 2)])
    put(filled, [(film, DAY, (10.0, 100, 7.0)) for film in (1, 2, 3)])
    unknown = asked(filled)
    count(filled, {2: {DAY: (0, 2)}})
    posts(filled, {2: [None, None]})
    know(filled, [ago(days) for days in range(7)])
    short = asked(filled)
    know(filled, [ago(7)])
    known = asked(filled)

    assert (unknown.rows, short.rows) == ((), ())
    assert (unknown.note is not None, known.note, known.parameters["usual_days"]) == (True, None, 7)
    assert [row["tmdb_id"] for row in known.rows] == [1]


def test_quadrants_by_hand(filled: Filled) -> None:
    """Mentions 1, 2, 3 and 4 have the median 2.5; weighted ratings order as the means do where all have 100 votes.

    Ratings 9, 5, 8 and 4: film 4 has much talk and a low rating, film 3 both, film 1 a high rating alone, film 2
    neither. Film 5, which nobody mentioned, and film 6, without votes, are in no quadrant and in no median.
    """
    know(filled, [DAY])
    count(filled, {film: {DAY: (0, film)} for film in (1, 2, 3, 4)} | {6: {DAY: (0, 50)}})
    ratings: dict[int, float | None] = {1: 9.0, 2: 5.0, 3: 8.0, 4: 4.0, 5: 10.0, 6: None}
    put(filled, [(film, DAY, (10.0, 100 if mean else 0, mean)) for film, mean in ratings.items()])

    listing = asked(filled, "quadrants")

    assert {row["tmdb_id"]: row["quadrant"] for row in listing.rows} == {4: "Hype", 3: "Hit", 2: "Quiet", 1: "Gem"}
    assert listing.parameters["median_mentions"] == 2.5
    ordered = sorted(row["weighted_rating"] for row in listing.rows)
    assert listing.parameters["median_rating"] == pytest.approx((ordered[1] + ordered[2]) / 2)
    assert len(asked(filled, "quadrants", limit=1).rows) == 4


def test_divergence_by_hand(filled: Filled) -> None:
    """Five films, popularity 50 to 10 and mentions 0 to 4: percent ranks 1 to 0 and 0 to 1.

    Film 5 has all others below it in talk and none in popularity: 100 (1 - 0) = 100; film 4 0.75 and 0.25: 50. The
    other way round film 1 and film 2. Film 3 is in the middle of both.
    """
    know(filled, [DAY])
    count(filled, {film: {DAY: (0, film - 1)} for film in (2, 3, 4, 5)})
    put(filled, [(film, DAY, (60.0 - 10 * film, 5, 7.0)) for film in (1, 2, 3, 4, 5)])

    talked, untalked = asked(filled, "talked"), asked(filled, "untalked")

    assert [(row["tmdb_id"], row["divergence"]) for row in talked.rows] == [(5, 100), (4, 50)]
    assert [(row["tmdb_id"], row["divergence"]) for row in untalked.rows] == [(1, -100), (2, -50)]


def test_query_agrees_with_plain_python(filled: Filled) -> None:
    """On 1,000 random films over 60 days with gaps every part and list is plain Python's to 1e-9.

    Burst and authors are those of the trends of mentions, too.
    """
    source = random.Random(17)  # noqa: S311 - no secret
    history = put(filled, histories(17, 1_000, 40))
    days = [ago(back) for back in range(29) if back == 0 or source.random() < 0.8]
    know(filled, days)
    counts = {
        film: {ago(back): (0, source.randrange(1, 30)) for back in range(29) if source.random() < 0.5}
        for film in range(1, 1_001, 3)
    }
    count(filled, counts)
    names = {
        film: [
            source.choice([None, *(f"user {film} {number}" for number in range(9))]) for _ in range(sum(days_of[DAY]))
        ]
        for film, days_of in counts.items()
        if DAY in days_of
    }
    posts(filled, names)
    rows = {film: row for film, row in metrics_of_day(history, DAY, 100).items() if row["popularity"] is not None}

    parts: dict[str, dict[int, float | None]] = {
        "mentions": {film: sum(counts.get(film, {}).get(DAY, (0, 0))) for film in rows},
        "burst": {film: burst(counts.get(film, {}), days) for film in rows},
        "authors": {film: distinct(film, names.get(film, [])) for film in rows},
        "popularity": {film: row["popularity"] for film, row in rows.items()},
    }
    ranked = {name: percent_ranks(values) for name, values in parts.items()}
    growths = growth_ranks(history)
    expected = {
        film: 100 * (0.45 * ranked["burst"][film] + 0.25 * growths[0][film] + 0.2 * growths[1][film])
        + 10 * ranked["authors"][film]
        for film in rows
        if film in ranked["burst"] and film in ranked["authors"] and film in growths[0] and film in growths[1]
    }

    found = {row["tmdb_id"]: row for row in asked(filled).rows}

    assert len(found) > 100
    assert {film: row["trend_index"] for film, row in found.items()} == pytest.approx(expected, rel=1e-9, abs=1e-9)
    talk = {film["tmdb_id"]: film for film in mentions_asked(filled, day=DAY).films}
    for film, row in found.items():
        assert row["burst"] == pytest.approx(parts["burst"][film], rel=1e-9, abs=1e-9)
        assert row["authors"] == pytest.approx(parts["authors"][film], rel=1e-9)
        if film in talk:
            assert (row["burst"], row["authors"]) == pytest.approx((talk[film]["burst"], talk[film]["authors"]))
    apart = {film: 100 * (ranked["mentions"][film] - ranked["popularity"][film]) for film in rows}
    much = {film for film in rows if ranked["mentions"][film] >= 0.75 and ranked["popularity"][film] < 0.5}
    assert {row["tmdb_id"]: row["divergence"] for row in asked(filled, "talked").rows} == pytest.approx(
        {film: apart[film] for film in much}, rel=1e-9, abs=1e-9
    )
    assert much
    quadrants_agree(asked(filled, "quadrants"), rows, parts["mentions"])


def quadrants_agree(listing: Listing, rows: dict[int, dict[str, Any]], mentions: dict[int, float | None]) -> None:
    """Hold quadrants and medians against plain Python; the catalogue is empty, so m and C are given by the listing."""
    m, c = 0.0, 0.0
    assert (listing.parameters["m"], listing.parameters["c"]) == (None, None)
    ratings = {
        film: (row["votes"] * row["score"] + m * c) / (row["votes"] + m)
        for film, row in rows.items()
        if row["votes"] and row["score"] is not None and (mentions[film] or 0) > 0
    }
    talk = {film: mentions[film] or 0 for film in ratings}
    loud, good = median(talk.values()), median(ratings.values())
    names = {(True, True): "Hit", (True, False): "Hype", (False, True): "Gem", (False, False): "Quiet"}
    assert listing.parameters["median_mentions"] == loud
    assert listing.parameters["median_rating"] == pytest.approx(good)
    assert {row["tmdb_id"]: row["quadrant"] for row in listing.rows} == {
        film: names[talk[film] > loud, rating > good] for film, rating in ratings.items()
    }


def burst(counted: dict[date, tuple[int, int]], known: list[date]) -> float:
    """Return the burst score of the day over the known days before it."""
    before = [sum(counted.get(day, (0, 0))) for day in known if day != DAY]
    mean = fmean(before)
    now = sum(counted.get(DAY, (0, 0)))
    return float((now - mean) / (variance(before) + mean + 1) ** 0.5)


def distinct(film: int, authors: list[str | None]) -> float | None:
    """Return the estimate of distinct authors: zero without a mention, None where no mention kept any."""
    seen = [sketch for author in authors if (sketch := author_sketch(film, author)) is not None]
    if not authors:
        return 0.0
    return distinct_authors(seen) if seen else None


def growth_ranks(history: Any) -> tuple[dict[int, float], dict[int, float]]:
    """Return the percent ranks of the growth of popularity and of votes over the week."""
    look: dict[int, float | None] = {}
    votes: dict[int, float | None] = {}
    for film in metrics_of_day(history, DAY, 100):
        p, p7 = history.popularity(film, DAY), tolerant(history.popularity, film, ago(7))
        v, v7 = history.votes(film, DAY), tolerant(history.votes, film, ago(7))
        look[film] = None if p is None or p7 is None else math.log((p + 1) / (p7 + 1))
        votes[film] = None if v is None or v7 is None else (v - v7) / (v7 + 50)
    return percent_ranks(look), percent_ranks(votes)


def test_latest_day_is_one_that_both_have_reached(filled: Filled) -> None:
    """Snapshots of tomorrow do not matter while talk is of today."""
    count(filled, {1: {DAY: (0, 1)}}, watermark=start_of(DAY) + 3_600_000)
    put(filled, [(1, DAY + timedelta(days=days), (10.0, 5, 7.0)) for days in (0, 1)])

    listing = read_together(filled.client, TogetherQuestion(by="index", today=DAY))

    assert (listing.basis.day, listing.basis.state) == (DAY, "final")


def test_as_it_was_known(filled: Filled) -> None:
    """A day after it had ended film 1 had 5 mentions and film 2 had 6; since then film 1 has 50.

    Both medians of two films lie between them: 5 and 6 mentions, ratings of 8 and 9.
    """
    know(filled, [DAY], told=ms("2026-03-05T06:00"))
    put(filled, [(film, DAY, (10.0 * film, 100, 7.0 + film)) for film in (1, 2)])
    stored(filled, (1, 5, "2026-03-05T06:00", 1), (2, 6, "2026-03-05T06:00", 1), day=DAY)
    stored(filled, (1, 50, "2026-03-06T22:00", 2), day=DAY)

    question = TogetherQuestion(by="quadrants", today=DAY, day=DAY, at_ms=ms("2026-03-05T16:00"))
    then = read_together(filled.client, question)

    assert {row["tmdb_id"]: row["mentions"] for row in then.rows} == {1: 5, 2: 6}
    assert {row["tmdb_id"]: row["mentions"] for row in asked(filled, "quadrants").rows} == {1: 50, 2: 6}
    assert {row["tmdb_id"]: row["quadrant"] for row in then.rows} == {1: "Quiet", 2: "Hit"}


def test_commands_print_each(filled: Filled, migrated_settings: Settings) -> None:
    """Each has a table, JSON and CSV; an empty database is no error; other options of trends do not fit the index."""
    environment = environment_of(migrated_settings)
    commands = [(trends, ["--by", "index"]), (quadrants, []), (divergence, []), (divergence, ["--quiet"])]
    empty = [
        CliRunner().invoke(command, [*options, "--format", "json"], env=environment) for command, options in commands
    ]
    test_divergence_by_hand(filled)

    for command, options in commands:
        for form in ("table", "json", "csv"):
            result = CliRunner().invoke(command, [*options, "--day", str(DAY), "--format", form], env=environment)
            assert result.exit_code == 0, result.output
            if form == "json" and options != ["--by", "index"]:
                assert json.loads(result.stdout)["rows"]
    unfit = CliRunner().invoke(trends, ["--by", "index", "--community", "movies"], env=environment)
    assert [result.exit_code for result in empty] == [0] * 4
    assert (unfit.exit_code, "takes --day, --at, --limit and --format alone" in unfit.output) == (2, True)


def test_weight_and_mean_are_those_of_the_key_figure(filled: Filled) -> None:
    """Of films seen on the day, the day before, neither, or never rated, m and c are those of `kpi weighted-rating`."""
    source = random.Random(7)  # noqa: S311 - no secret
    know(filled, [DAY])
    seen: list[tuple[int, date, Seen]] = [(1_000, DAY, (10.0, 9_999, 1.0))]
    for film in range(1, 60):
        votes = source.choice([None, 0, source.randrange(1, 5_000)])
        filled.film(film, f"Film {film}", vote_count=votes, vote_average=source.choice([None, source.uniform(1, 10)]))
        for day in source.choice([[], [DAY], [ago(1)], [DAY, ago(1)], [ago(2)]]):
            cast = source.choice([None, 0, source.randrange(1, 5_000)])
            seen.append((film, day, (10.0, cast, source.choice([None, source.uniform(1, 10)]))))
    put(filled, seen)

    found = asked(filled, "quadrants").parameters

    kpi = read_kpi(filled.client, KpiQuestion(name="weighted-rating", today=DAY, day=DAY)).parameters
    assert (found["m"], found["c"]) == pytest.approx((kpi["m"], kpi["c"]), rel=1e-9)
