"""Distinct authors are told within the known error, and no author is kept."""

from __future__ import annotations

import math
from collections import Counter
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinepulse.authors import HIGHEST, MOST_RANK, author_sketch, distinct_authors, observation_of

hashes = st.integers(0, 2**64 - 1)


def observations(authors: int, film: int = 1) -> list[int]:
    """Return the observations of so many accounts of a film."""
    found = [author_sketch(film, f"account{number}") for number in range(authors)]
    return [one for one in found if one is not None]


@pytest.mark.parametrize(
    ("hashed", "register", "rank"),
    [
        (0b1_0000000000, 0, 1),
        (0b1_0000000011, 3, 1),
        (0b1000_1111111111, 1023, 4),
        (0b100000000000_0000000001, 1, 12),
        (0b1000000000000_0000000001, 1, 12),
        (0, 0, 12),
    ],
)
def test_an_observation_by_hand(hashed: int, register: int, rank: int) -> None:
    """Bits 0 to 9 are the register; of the others, 1000 in binary has its lowest one at place 4. Ranks end at 12."""
    assert observation_of(hashed) == register * 64 + rank


def test_few_authors_by_hand() -> None:
    """One register of 1,024 taken: 1024 ln(1024 / 1023) = 1.0005. Three of them: 1024 ln(1024 / 1021) = 3.0044."""
    assert distinct_authors([]) == 0
    assert distinct_authors([65]) == pytest.approx(1.00048876)
    assert distinct_authors([1, 65, 129, 129]) == pytest.approx(3.0044031)


def test_many_authors_by_hand() -> None:
    """All registers at rank 3: 0.7213 / (1 + 1.079 / 1024) * 1024 * 1024 / (1024 / 8) = 0.7205408 * 8192 = 5902.67."""
    assert distinct_authors(register * 64 + 3 for register in range(1024)) == pytest.approx(5902.67, abs=0.01)


def test_an_author_keeps_the_value_for_good() -> None:
    """Values lie in Kafka and in tables: the function may never change. These were computed once."""
    assert author_sketch(603, "spez") == 33_921
    assert author_sketch(604, "spez") == 25_281
    assert author_sketch(603, "Élodie 🎬") == 20_353


@pytest.mark.parametrize("author", [None, "", "[deleted]"])
def test_nobody_has_no_value(author: str | None) -> None:
    """A deleted account is no author, and not one author of all that it wrote either."""
    assert author_sketch(603, author) is None


@given(hashes)
def test_an_observation_is_within_its_bits(hashed: int) -> None:
    """Ten bits of register and a rank from 1 to 12, whatever the hash."""
    one = observation_of(hashed)

    assert 0 <= one <= HIGHEST
    assert 1 <= one & 63 <= MOST_RANK


@given(st.lists(hashes.map(observation_of)), st.randoms(use_true_random=False))
def test_repetition_and_order_do_not_matter(some: list[int], random: object) -> None:
    """The sketch is of a set: the same mention twice, or a replay in another order, changes nothing."""
    shuffled = some * 2
    random.shuffle(shuffled)  # type: ignore[attr-defined] # hypothesis types its randoms as object

    assert distinct_authors(shuffled) == distinct_authors(some)


@given(st.lists(hashes.map(observation_of)), hashes.map(observation_of))
def test_one_more_author_never_lowers_few(some: list[int], more: int) -> None:
    """Among few authors the estimate grows with each, and is never below the registers that are taken."""
    assert distinct_authors([*some, more]) >= distinct_authors(some)
    assert distinct_authors(some) >= len({one >> 6 for one in some})


@pytest.mark.parametrize("authors", [10, 100, 1_000, 5_000])
def test_the_error_is_the_known_one(authors: int) -> None:
    """Over 40 films with so many authors each, the root of the mean squared error is 3.3 % or less, their mean none.

    Bounds are three deviations of what 40 films tell: a root varies by a ninth of itself, a mean by its 40th root.
    """
    errors = [distinct_authors(observations(authors, film)) / authors - 1 for film in range(40)]

    assert math.sqrt(fmean(error**2 for error in errors)) < 0.033 * (1 + 3 / math.sqrt(2 * len(errors)))
    assert abs(fmean(errors)) < 0.033 * 3 / math.sqrt(len(errors))


def test_an_account_cannot_be_followed_from_film_to_film() -> None:
    """Of 20,000 accounts, those that share a value under one film are spread under another as all accounts are."""
    first = Counter(observations(20_000, film=1))
    shared, _ = first.most_common(1)[0]
    there = [author_sketch(2, f"account{number}") for number in range(20_000)]
    others = [there[number] for number in range(20_000) if author_sketch(1, f"account{number}") == shared]

    assert len(others) >= 10
    assert len(set(others)) >= len(others) - 1


def test_a_value_is_shared_by_many() -> None:
    """Half of all accounts have rank 1, and then share their value with 1 in 2,048: of 100,000 accounts with 48."""
    found = Counter(observations(100_000))
    first_ranks = [count for one, count in found.items() if one & 63 == 1]

    assert sum(first_ranks) / 100_000 == pytest.approx(0.5, abs=0.01)
    assert fmean(first_ranks) == pytest.approx(100_000 / 2_048, rel=0.03)
