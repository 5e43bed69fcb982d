from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.partitioning import film_partition, post_partition, text_partition

if TYPE_CHECKING:
    from collections.abc import Callable


# The published check values of CRC-32 (ISO-HDLC) for the ASCII digits.
CRC_OF_1_TO_9 = 0xCBF43926
CRC_OF_1_TO_8 = 0x9AE0DAAF


@pytest.mark.parametrize("partitions", [1, 4, 7, 1024])
def test_partitions_never_move(partitions: int) -> None:
    """Records already in Kafka lie where today's code looks: the function, CRC-32, is part of the contract."""
    digits = int.from_bytes(b"12345678", "big")

    assert post_partition("123456789", partitions) == CRC_OF_1_TO_9 % partitions
    assert text_partition("123456789", partitions) == CRC_OF_1_TO_9 % partitions
    assert film_partition(digits, partitions) == CRC_OF_1_TO_8 % partitions


@given(tmdb_id=st.integers(-(2**63), 2**63 - 1), partitions=st.integers(1, 1024))
def test_any_film_has_a_partition(tmdb_id: int, partitions: int) -> None:
    """Every id that fits the schema's long is within range, negative ones included."""
    assert 0 <= film_partition(tmdb_id, partitions) < partitions


@pytest.mark.parametrize("partition_of", [post_partition, text_partition])
@given(text=st.text(), partitions=st.integers(1, 1024))
def test_any_text_has_a_partition(partition_of: Callable[[str, int], int], text: str, partitions: int) -> None:
    """Every key that is a text is within range."""
    assert 0 <= partition_of(text, partitions) < partitions


def test_neighbouring_films_spread_evenly() -> None:
    """Consecutive ids, as TMDB gives them, do not pile up in one partition."""
    sizes = [0] * 4
    for tmdb_id in range(100_000):
        sizes[film_partition(tmdb_id, 4)] += 1

    assert max(sizes) < 1.05 * min(sizes)
