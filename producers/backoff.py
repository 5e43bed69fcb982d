"""How long to wait after failures in a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from random import Random

FIRST_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 60.0


def backoff_seconds(failures: int, random: Random, retry_after: float | None = None) -> float:
    """Return the pause after the n-th failure in a row, in seconds.

    Doubles from 1 s to 60 s; the jitter of up to a half keeps clients that failed together from coming back together
    (https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/). What the other side asked for
    is never undercut.

    Args:
        failures: failures in a row, from 1.
        random: source of the jitter.
        retry_after: seconds the other side asked to wait, None where it did not.
    """
    longest = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(failures - 1, 16))
    own = longest * random.uniform(0.5, 1.0)
    return own if retry_after is None else max(retry_after * random.uniform(1.0, 1.1), min(own, retry_after))
