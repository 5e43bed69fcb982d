"""A dead letter's bytes for a reader: decoded as far as they can be, and harmless on a terminal."""

from __future__ import annotations

import json
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any, Final

from cinepulse.errors import ConfigurationInvalid, Poison
from schemas.topics import topic_named

if TYPE_CHECKING:
    from schemas.codec import Codec
    from schemas.events import DeadLetter

DUMP_WIDTH: Final = 16
PRINTABLE: Final = range(0x20, 0x7F)


def escaped(text: str) -> str:
    r"""Return a text in which whatever steers a terminal, or hides, is spelt out: `\x1b`, `\u202e`; lines stay."""
    return "".join(
        character if character.isprintable() or character == "\n" else ascii(character)[1:-1] for character in text
    )


def value_text(codec: Codec, letter: DeadLetter, *, limit: int) -> str:
    """Return a letter's value: a record of the contract or JSON where it is one, a dump of `limit` bytes if not."""
    if letter.value is None:
        return "none: a tombstone" if letter.partition is not None else "none"
    return _text(codec, letter, letter.value, "value", limit)


def key_text(codec: Codec, letter: DeadLetter, *, limit: int) -> str:
    """Return a letter's key in the same way."""
    return "none" if letter.key is None else _text(codec, letter, letter.key, "key", limit)


def _text(codec: Codec, letter: DeadLetter, data: bytes, part: str, limit: int) -> str:
    if letter.partition is None:
        return _producers(data, limit)
    try:
        topic = topic_named(letter.source)
        decoded = codec.decode(topic.key_subject if part == "key" else topic.value_subject, data)
    except (ConfigurationInvalid, Poison):
        return dump(data, limit)
    return _pretty(asdict(decoded) if is_dataclass(decoded) and not isinstance(decoded, type) else decoded)


def _producers(data: bytes, limit: int) -> str:
    """Return what a producer wrote: the source's own JSON, or a text."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return dump(data, limit)
    try:
        return _pretty(json.loads(text))
    except ValueError:
        return escaped(text[:limit])


def _pretty(value: Any) -> str:
    if isinstance(value, str):
        return escaped(value)
    return escaped(json.dumps(value, ensure_ascii=False, indent=2, default=repr))


def dump(data: bytes, limit: int) -> str:
    """Return bytes as offsets, hexadecimal and letters, `limit` of them at most."""
    lines = []
    for start in range(0, min(len(data), limit), DUMP_WIDTH):
        row = data[start : min(start + DUMP_WIDTH, limit)]
        letters = "".join(chr(byte) if byte in PRINTABLE else "." for byte in row)
        lines.append(f"{start:08x}  {row.hex(' '):<{DUMP_WIDTH * 3}} {letters}")
    if len(data) > limit:
        lines.append(f"... {len(data) - limit} bytes more")
    return "\n".join(lines) or "empty"
