"""Reading JSON that may be missing, null, of another type, huge or a lie.

Each method returns a value of the asked type within its bounds, or None for unknown. A value that is there but unusable
is told to `wrong` by its field's name, so that a drift of the API shows in a metric instead of in an exception.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LONG_MAX: Final = 2**63 - 1
INT_MAX: Final = 2**31 - 1


def ignore(_field: str) -> None:
    """Tell nobody about a field's value."""


class Fields:
    """The fields of one JSON object.

    Args:
        raw: the object; anything else reads as an object without fields.
        wrong: called with the name of each field whose value is unusable.
    """

    __slots__ = ("raw", "wrong")

    def __init__(self, raw: object, wrong: Callable[[str], None] = ignore) -> None:
        self.raw: Mapping[str, Any] = raw if isinstance(raw, dict) else {}
        self.wrong = wrong

    def text(self, name: str, limit: int) -> str | None:
        """Return a text of 1 to `limit` characters without lone surrogates, which no UTF-8 can carry."""
        value = self.raw.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str) or len(value) > limit:
            self.wrong(name)
            return None
        return encodable(value)

    def number(self, name: str, low: float = -math.inf, high: float = math.inf) -> float | None:
        """Return a finite number from `low` to `high`; a text that spells one counts, as in older dumps."""
        value = self.raw.get(name)
        if value is None:
            return None
        found = _float(value)
        if found is None or not low <= found <= high:
            self.wrong(name)
            return None
        return found

    def integer(self, name: str, low: int = -LONG_MAX - 1, high: int = LONG_MAX) -> int | None:
        """Return a whole number from `low` to `high`, exactly; a float without a fraction counts."""
        value = self.raw.get(name)
        if value is None:
            return None
        found = _int(value)
        if found is None or not low <= found <= high:
            self.wrong(name)
            return None
        return found

    def flag(self, name: str) -> bool:
        """Return a boolean; False when it is missing or something else."""
        value = self.raw.get(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        self.wrong(name)
        return False

    def objects(self, name: str) -> list[Fields]:
        """Return the objects of a list, each to be read in turn; other members are left out."""
        value = self.raw.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(member, dict) for member in value):
            self.wrong(name)
        members = value if isinstance(value, list) else []
        return [Fields(member, self.wrong) for member in members if isinstance(member, dict)]

    def object(self, name: str) -> Fields:
        """Return a nested object; one without fields when it is missing or something else."""
        value = self.raw.get(name)
        if value is not None and not isinstance(value, dict):
            self.wrong(name)
        return Fields(value, self.wrong)


def encodable(text: str) -> str:
    """Return the text with each lone surrogate, which JSON escapes can spell, replaced by U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _float(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and len(value) > 40:  # noqa: PLR2004 - no instant or amount is that long
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def _int(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    found = _float(value)
    return int(found) if found is not None and found.is_integer() else None
