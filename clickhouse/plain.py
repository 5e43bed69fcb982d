"""Values for output: plain JSON values of records, and text from outside made safe for a terminal."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import date, datetime
from typing import Any, Final

NONE: Final = "\N{EN DASH}"


def plain(value: object) -> Any:
    """Return a record as JSON values: dictionaries, lists, ISO 8601 for instants and days."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value


def flat(record: Any) -> dict[str, Any]:
    """Return a record's fields as they are: a row whose days and instants keep their type."""
    return {field.name: getattr(record, field.name) for field in fields(record)}


def printable(text: str) -> str:
    """Return the text without control characters: titles and names come from outside and must not steer a terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def moment(value: datetime | None) -> str:
    """Return an instant to the second, a dash for none."""
    return NONE if value is None else value.strftime("%Y-%m-%d %H:%M:%S")
