"""Counts of terms follow the words that are there, settle when those go, and are all that stays."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from clickhouse.erasure import erase_posts, rows_of_posts
from clickhouse.terms import count_terms, sweep_terms
from tests.clickhouse.tables import filled, ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.clickhouse.tables import Filled

__all__ = ["filled"]

pytestmark = pytest.mark.real

DAY = "2026-11-20"
Counts = dict[tuple[int, str, str], int]


def near(  # noqa: PLR0913 - one argument a column
    tables: Filled, post: str, terms: Sequence[str], *, film: int = 7, day: str = DAY, hours_ago: float = 0
) -> None:
    """Store the words near a film in a post, none of them when it is retracted."""
    tables.offsets[0] += 1
    seen = datetime.now(UTC) - timedelta(hours=hours_ago)
    names = ["tmdb_id", "platform", "post_id", "created_at", "terms", "kafka_timestamp", "revision", "is_deleted"]
    row = [film, "reddit", post, ms(f"{day}T10:00"), list(terms), seen, tables.offsets[0], int(not terms)]
    instant = "DateTime64(3, 'UTC')"
    kinds = ["Int64", "String", "String", instant, "Array(String)", instant, "UInt64", "UInt8"]
    row[3] = datetime.fromtimestamp(ms(f"{day}T10:00") / 1_000, UTC)
    tables.client.insert("mention_terms", [row], column_names=names, column_type_names=kinds)


def counts(tables: Filled) -> Counts:
    """Return the posts of each film, day and term; the row with the empty term has the sum over all terms."""
    rows = tables.client.query(
        "SELECT tmdb_id, toString(day), term, posts FROM term_counts FINAL WHERE posts > 0 AND tmdb_id"
    )
    return {(film, day, term): posts for film, day, term, posts in rows.result_rows}


def test_terms_of_two_posts_are_counted_by_hand(filled: Filled) -> None:
    """Of three posts `ending` is in three, `twist` in two, `popcorn` in one and not told. The sum is 3 + 2 + 1 = 6."""
    near(filled, "t3_a", ["ending", "twist", "popcorn"])
    near(filled, "t3_b", ["ending", "twist"])
    near(filled, "t3_c", ["ending"])

    count_terms(filled.client)

    assert counts(filled) == {(7, DAY, "ending"): 3, (7, DAY, "twist"): 2, (7, DAY, ""): 6}


def test_all_films_together_are_film_0(filled: Filled) -> None:
    """Two films' posts make the usual of all films, where a term of one post of each is told: 1 + 1 = 2."""
    near(filled, "t3_a", ["ending", "twist"])
    near(filled, "t3_b", ["ending"], film=8)

    count_terms(filled.client)

    together = "SELECT term, posts FROM term_counts FINAL WHERE tmdb_id = 0 ORDER BY term"
    assert filled.client.query(together).result_rows == [("", 3), ("ending", 2)]


def test_counting_again_writes_nothing(filled: Filled) -> None:
    """What is counted already is left alone, so that any number of sinks may count."""
    near(filled, "t3_a", ["ending", "twist"])
    near(filled, "t3_b", ["ending"])
    count_terms(filled.client)
    rows = filled.client.command("SELECT count() FROM term_counts")

    count_terms(filled.client)

    assert filled.client.command("SELECT count() FROM term_counts") == rows


def test_the_same_post_twice_is_one(filled: Filled) -> None:
    """A record that is delivered again, or says more later, replaces the earlier one."""
    near(filled, "t3_a", ["ending"])
    near(filled, "t3_a", ["ending"])
    near(filled, "t3_b", ["ending"])

    count_terms(filled.client)

    assert counts(filled)[7, DAY, "ending"] == 2


def test_a_deletion_takes_its_terms_out(filled: Filled) -> None:
    """A post that is retracted leaves the counts; a term of one post is not told any more, and the last leaves none."""
    for post in ("t3_a", "t3_b", "t3_c"):
        near(filled, post, ["ending"])
    count_terms(filled.client)

    near(filled, "t3_a", [])
    count_terms(filled.client)
    two = counts(filled)
    near(filled, "t3_b", [])
    count_terms(filled.client)
    one = counts(filled)
    near(filled, "t3_c", [])
    count_terms(filled.client)

    assert two == {(7, DAY, "ending"): 2, (7, DAY, ""): 2}
    assert one == {(7, DAY, ""): 1}
    assert counts(filled) == {}


@pytest.mark.parametrize("day", ["2008-02-29", DAY])
def test_forgotten_posts_leave_words_and_counts(filled: Filled, day: str) -> None:
    """What `cinepulse forget` erases is in no row of words, and the next counting is without it, however old it is."""
    near(filled, "t3_a", ["ending"], day=day)
    near(filled, "t3_b", ["ending"], day=day)
    near(filled, "t3_b", [], day=day)
    near(filled, "t3_b", ["ending"], day=day)
    count_terms(filled.client)
    assert rows_of_posts(filled.client, ["t3_a", "t3_b"])["mention_terms"] >= 2

    erase_posts(filled.client, ["t3_a", "t3_b"])
    count_terms(filled.client)

    assert rows_of_posts(filled.client, ["t3_a", "t3_b"])["mention_terms"] == 0
    assert counts(filled) == {}


def test_a_settled_day_stays_as_it_was(filled: Filled) -> None:
    """Once words of a day have expired, its counts stay: what is left would be too few, and later posts do not add."""
    near(filled, "t3_a", ["ending"], hours_ago=30)
    near(filled, "t3_b", ["ending"], hours_ago=1)
    near(filled, "t3_c", ["ending"], film=8, hours_ago=1)
    near(filled, "t3_d", ["ending"], film=8, hours_ago=1)
    count_terms(filled.client)
    before = counts(filled)

    near(filled, "t3_e", ["ending"], hours_ago=0)
    near(filled, "t3_e", ["ending"], film=8, hours_ago=0)
    count_terms(filled.client, life_seconds=20 * 3_600)

    assert before == {(7, DAY, "ending"): 2, (7, DAY, ""): 2, (8, DAY, "ending"): 2, (8, DAY, ""): 2}
    assert counts(filled) == before | {(8, DAY, "ending"): 3, (8, DAY, ""): 3}


def test_a_sweep_deletes_words_that_are_due_and_no_counts(filled: Filled) -> None:
    """After 46 hours the words are gone from every part, retractions too; the counts made of them stay."""
    near(filled, "t3_a", ["ending"], hours_ago=45)
    near(filled, "t3_b", ["ending"], hours_ago=45)
    count_terms(filled.client)
    near(filled, "t3_old", ["ending"], hours_ago=47)
    near(filled, "t3_new", ["ending"], hours_ago=1)

    swept = sweep_terms(filled.client)

    # The engine may have come first: its TTL is the same, and applies when a part is written or merged.
    assert swept in {0, 1}
    assert sweep_terms(filled.client, life_seconds=40 * 3_600) == 2
    assert filled.client.command("SELECT groupArray(post_id) FROM mention_terms") == "['t3_new']"
    count_terms(filled.client, life_seconds=40 * 3_600)
    assert counts(filled)[7, DAY, "ending"] == 2


def test_days_are_utc_days(filled: Filled) -> None:
    """Month and year ends and a leap day: each post counts on the day on which it was written."""
    for day in ("2027-12-31", "2028-01-01", "2028-02-29", "2028-03-01"):
        near(filled, f"t3_a{day}", ["ending"], day=day)
        near(filled, f"t3_b{day}", ["ending"], day=day)

    count_terms(filled.client)

    assert {date.fromisoformat(day) for _, day, term in counts(filled) if term} == {
        date(2027, 12, 31),
        date(2028, 1, 1),
        date(2028, 2, 29),
        date(2028, 3, 1),
    }
