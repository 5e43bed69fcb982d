"""Dead letters as `cinepulse dlq` reads them: those whose bytes the topic still has, by what one looks for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from cinepulse.errors import Poison
from schemas.letters import letter_key
from schemas.reader import TopicReader
from schemas.topics import PIPELINE_DEAD_LETTERS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from cinepulse.settings import Settings
    from schemas.codec import Codec
    from schemas.events import DeadLetter

SPAN: Final = re.compile(r"(\d+)([smhd])")
SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
ID: Final = re.compile(r"(\d+)-(\d+)")


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter and where it is in its topic."""

    partition: int
    offset: int
    letter: DeadLetter

    @property
    def id(self) -> str:
        """What a user calls it: partition and offset."""
        return f"{self.partition}-{self.offset}"

    @property
    def origin(self) -> str:
        """Return which record failed, whoever gave up on it: what is put through again once."""
        letter = self.letter
        if letter.partition is None or letter.offset is None:
            return letter_key(letter)
        return f"{letter.source}/{letter.partition}/{letter.offset}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters; `since` in milliseconds since 1970-01-01 UTC, `ids` empty for any."""

    reason: str | None = None
    stage: str | None = None
    source: str | None = None
    since: int = 0
    limit: int | None = None
    ids: Collection[str] = field(default_factory=frozenset)

    def choose(self, letters: Iterable[Letter]) -> list[Letter]:
        """Return those that are wanted, the oldest first; of more than `limit`, the newest."""
        chosen = [
            one
            for one in letters
            if self.reason in (None, one.letter.reason)
            and self.stage in (None, one.letter.stage)
            and self.source in (None, one.letter.source)
            and one.letter.failed_at >= self.since
            and (not self.ids or one.id in self.ids)
        ]
        chosen.sort(key=lambda one: (one.letter.failed_at, one.partition, one.offset))
        return chosen if self.limit is None else chosen[-self.limit :]


def read_letters(settings: Settings, codec: Codec) -> list[Letter]:
    """Return every letter that the topic holds: one a key, as it was last written."""
    held: dict[bytes | None, Letter] = {}
    with TopicReader(settings, PIPELINE_DEAD_LETTERS.name, "dlq") as reader:
        for record in reader.to_end():
            if record.value is None:
                held.pop(record.key, None)
                continue
            try:
                letter: DeadLetter = codec.decode(PIPELINE_DEAD_LETTERS.value_subject, record.value)
            except Poison as error:
                click.echo(f"note: letter {record.partition}-{record.offset} cannot be read: {error.reason}", err=True)
            else:
                # Letters of before each had a key of its own share theirs.
                key = letter_key(letter).encode()
                held[key if record.key is None or not record.key.endswith(key) else record.key] = Letter(
                    record.partition, record.offset, letter
                )
    return list(held.values())


def since_ms(text: str | None, now_ms: int) -> int:
    """Return an instant from `90m`, `6h` or `2d` ago, or from ISO 8601, UTC where it names no zone; 0 for None.

    Raises click.BadParameter for anything else.
    """
    if text is None:
        return 0
    span = SPAN.fullmatch(text)
    if span is not None:
        return now_ms - int(span[1]) * SECONDS[span[2]] * 1_000
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r}: give 90m, 6h, 2d or 2026-10-01T12:00", param_hint="--since") from None
    return round((instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp() * 1_000)


def instant_of(milliseconds: int) -> datetime:
    """Return an instant as a datetime, UTC."""
    return datetime.fromtimestamp(milliseconds / 1_000, UTC)
