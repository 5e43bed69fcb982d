"""How coverage looks: rows for lists, a share as text, plain values for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from clickhouse.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clickhouse.coverage import Coverage

UNKNOWN: Final = "unknown"
MARK: Final = "!"


def share_text(share: float | None) -> str:
    """Return a share with one decimal; it is rounded down, so that 100.0% is all of it."""
    return UNKNOWN if share is None else f"{int(share * 1_000) / 10:.1f}%"


def marked(coverage: Coverage) -> str:
    """Return the share as text, with a mark where too little is known."""
    text = share_text(coverage.share)
    return text if coverage.complete is not False else f"{text} {MARK}"


def coverage_document(coverage: Coverage) -> dict[str, Any]:
    """Return a coverage as JSON values."""
    return {**plain(coverage), "complete": coverage.complete}


def coverage_rows(source: str, slots: Iterable[tuple[str, Coverage]], *, shown: bool) -> list[dict[str, Any]]:
    """Return one flat row a slot, named by its begin; `shown`: for the eye, the share as marked text."""
    return [
        {
            "source": source,
            "from": begin,
            "polls": coverage.polls,
            "failed": coverage.failed,
            "overflowed": coverage.overflowed,
            "requests": coverage.requests,
            "items": coverage.items,
            "gaps": coverage.gaps,
            "gap_seconds": round(coverage.gap_seconds, 3),
            **(
                {"coverage": marked(coverage)}
                if shown
                else {"coverage_share": coverage.share, "complete": coverage.complete}
            ),
        }
        for begin, coverage in slots
    ]
