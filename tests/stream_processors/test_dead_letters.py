from __future__ import annotations

from dataclasses import dataclass

import pytest

from cinepulse.clock import ManualClock
from cinepulse.errors import CorruptRecord, DeadLetterRateExceeded
from schemas.codec import Codec
from schemas.partitioning import text_partition
from schemas.registry import ManifestIds
from schemas.topics import PIPELINE_DEAD_LETTERS
from stream_processors.dead_letters import VALUE_BYTES, DeadLetters

CODEC = Codec(ManifestIds())
LETTER_KEY = "link/reddit.posts/3/42"


@dataclass(frozen=True)
class Broken:
    """A record that failed."""

    offset: int = 42
    key: bytes | None = b"key"
    value: bytes | None = b"value"


def dead_letters(max_share: float = 0.5) -> DeadLetters:
    """Return the dead letters of a link stage."""
    return DeadLetters("link", "reddit.posts", CODEC, ManualClock(wall_ms=1_000), partitions=4, max_share=max_share)


def test_a_letter_holds_the_bytes_the_place_and_the_reason() -> None:
    """Whoever reads it can find the record, see it and put it through again."""
    sent = dead_letters().letter(3, Broken(), CorruptRecord("too short"))

    letter = CODEC.decode(PIPELINE_DEAD_LETTERS.value_subject, sent.value or b"")
    assert sent.topic == PIPELINE_DEAD_LETTERS.name
    assert sent.partition == text_partition(LETTER_KEY, 4)
    assert CODEC.decode(PIPELINE_DEAD_LETTERS.key_subject, sent.key) == LETTER_KEY
    assert (letter.stage, letter.source, letter.partition, letter.offset) == ("link", "reddit.posts", 3, 42)
    assert (letter.reason, letter.error, letter.failed_at) == ("corrupt_record", "too short", 1_000)
    assert (letter.key, letter.value, letter.value_size) == (b"key", b"value", 5)


def test_a_huge_record_is_cut_and_its_size_told() -> None:
    """A dead letter fits into a Kafka record whatever failed."""
    sent = dead_letters().letter(0, Broken(value=b"x" * 5_000_000, key=None), CorruptRecord("x" * 9_999))

    letter = CODEC.decode(PIPELINE_DEAD_LETTERS.value_subject, sent.value or b"")
    assert (len(letter.value), letter.value_size, letter.key) == (VALUE_BYTES, 5_000_000, None)
    assert len(sent.value or b"") < 100_000


def test_a_few_poisoned_records_pass() -> None:
    """Single bad records are no reason to stop, and neither are the first ones of a quiet partition."""
    letters = dead_letters()

    letters.observe(0, 50, 50)
    letters.observe(1, 1_000, 500)


def test_too_large_a_share_of_poison_stops_the_worker() -> None:
    """A wrong configuration must not drain a topic into the dead letters."""
    letters = dead_letters()
    letters.observe(0, 900, 0)
    letters.observe(0, 700, 700)
    with pytest.raises(DeadLetterRateExceeded, match=r"reddit.posts, partition 0.*CINEPULSE_DEAD_LETTER_MAX_SHARE"):
        letters.observe(0, 300, 300)
    letters.observe(1, 1_000, 0)


def test_the_share_is_that_of_the_latest_records() -> None:
    """A long good past does not hide that everything fails now."""
    letters = dead_letters()
    letters.observe(0, 1_000_000, 0)
    letters.observe(0, 900, 0)

    with pytest.raises(DeadLetterRateExceeded):
        letters.observe(0, 1_000, 1_000)
