"""Reading the catalogue through `discover`, which shows at most 500 pages of one question.

The whole is asked in windows of release dates, halved until each fits. https://developer.themoviedb.org/reference/discover-movie
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from producers.fields import Fields
from producers.tmdb.together import together

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from cinepulse.clock import Clock
    from producers.tmdb.client import Answer, TmdbClient

LAST_PAGE: Final = 500

# The first films, and as far ahead as anybody announces one.
FIRST_DAY: Final = date(1870, 1, 1)
YEARS_AHEAD: Final = 12

# Pages asked for at once: enough to keep every connection busy, few enough to stop soon below the threshold.
PAGES_AT_ONCE: Final = 24

# A film's popularity in a list and in the morning's export differ; a few pages too many cost less than missing films.
THRESHOLD_MARGIN: Final = 0.8


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: its films as JSON, when it was received (epoch milliseconds), and the number of pages."""

    films: list[object]
    received_at: int
    pages: int


async def read_page(client: TmdbClient, clock: Clock, path: str, **parameters: str | int) -> Page:
    """Return a page of any list. Raises as the client's `get`; an answer of another form is an empty page."""
    answer: Answer = await client.get(path, **parameters)
    results = answer.get("results")
    pages = Fields(answer).integer("total_pages", 0) or 0
    return Page(results if isinstance(results, list) else [], clock.now_ms(), min(pages, LAST_PAGE))


async def discover(
    client: TmdbClient, clock: Clock, today: date, least_popularity: float, *, windows: bool = True
) -> AsyncIterator[Page]:
    """Yield pages of all released and announced films that are more popular than `least_popularity`.

    Pages shift while they are read: a film may come twice.

    Args:
        client: asks TMDB.
        clock: stamps the pages.
        today: the UTC day.
        least_popularity: where a window's reading ends; each is sorted by falling popularity.
        windows: False to ask once, for the 10,000 most popular, and not by release date.
    """
    pending: list[tuple[date, date] | None] = [None]
    last_day = today + timedelta(days=366 * YEARS_AHEAD)
    while pending:
        window = pending.pop()
        first = await _page(client, clock, window, 1)
        if windows and first.pages >= LAST_PAGE and (halves := _halves(window or (FIRST_DAY, last_day))):
            # The newest first: that is where most popular films are.
            pending += halves
            continue
        yield first
        if _least_popularity(first) < least_popularity * THRESHOLD_MARGIN:
            continue
        numbers = range(2, first.pages + 1)
        for start in range(0, len(numbers), PAGES_AT_ONCE):
            block = numbers[start : start + PAGES_AT_ONCE]
            pages = await together(_page(client, clock, window, number) for number in block)
            for page in pages:
                yield page
            if _least_popularity(pages[-1]) < least_popularity * THRESHOLD_MARGIN:
                break


async def _page(client: TmdbClient, clock: Clock, window: tuple[date, date] | None, number: int) -> Page:
    bounds = (
        {}
        if window is None
        else {"primary_release_date.gte": f"{window[0]}", "primary_release_date.lte": f"{window[1]}"}
    )
    return await read_page(
        client, clock, "discover/movie", sort_by="popularity.desc", include_adult="false", page=number, **bounds
    )


def _halves(window: tuple[date, date]) -> list[tuple[date, date]]:
    """Return a window's older and newer half; nothing for a single day."""
    first, last = window
    if first >= last:
        return []
    middle = first + (last - first) // 2
    return [(first, middle), (middle + timedelta(days=1), last)]


def _least_popularity(page: Page) -> float:
    """Return the popularity at which a page ends; 0 for an empty page, after which nothing follows."""
    return (Fields(page.films[-1]).number("popularity", 0) or 0.0) if page.films else 0.0
