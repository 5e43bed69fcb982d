"""Which listings are polled: the configured communities, joined so that one request reads many."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from cinepulse.errors import ConfigurationInvalid
from producers.reddit.errors import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Feed = Literal["new", "comments"]
FEEDS: Final[tuple[Feed, ...]] = ("new", "comments")

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]{1,23}")

# A request's address must stay well below the 2,000 characters that proxies and servers commonly take.
MAX_JOINED_CHARS: Final = 1_400


@dataclass(frozen=True, slots=True)
class Listing:
    """Submissions or comments of some communities, read as one.

    `key` names the poller's memory of it and stays the same when communities are dropped or added.
    """

    key: str
    feed: Feed
    members: tuple[str, ...]

    @property
    def name(self) -> str:
        """How coverage names the listing, for example `new:movies+scifi`."""
        return f"{self.feed}:{'+'.join(self.members)}"

    @property
    def path(self) -> str:
        """Path of the request."""
        return f"r/{'+'.join(self.members)}/{self.feed}"

    def only(self, members: Iterable[str]) -> Listing:
        """Return the same listing, with the same memory, of these communities."""
        return Listing(self.key, self.feed, tuple(members))

    def without(self, dropped: Iterable[str]) -> Listing:
        """Return the same listing without some communities."""
        left_out = set(dropped)
        return self.only(member for member in self.members if member not in left_out)


def listings_of(subreddits: Iterable[str]) -> tuple[Listing, ...]:
    """Return the listings that cover the communities: each feed, in as few requests as addresses allow.

    Raises ConfigurationInvalid when there are none, or one has a name that no community can have.
    """
    chunks: list[list[str]] = []
    for name in _clean(subreddits):
        if not chunks or len("+".join([*chunks[-1], name])) > MAX_JOINED_CHARS:
            chunks.append([])
        chunks[-1].append(name)
    return tuple(
        Listing(f"{feed}/{number}", feed, tuple(chunk)) for number, chunk in enumerate(chunks) for feed in FEEDS
    )


def find_refused(members: Sequence[str], probe: Callable[[Sequence[str]], object]) -> dict[str, RequestRefused]:
    """Return which members make a request fail, each with its refusal, by halving.

    Args:
        members: names of which the request with all was refused.
        probe: makes the request with some of the names; raises RequestRefused.
    """
    refused: dict[str, RequestRefused] = {}
    half = len(members) // 2
    for part in (members[:half], members[half:]):
        try:
            if part:
                probe(part)
        except RequestRefused as error:
            refused |= {part[0]: error} if len(part) == 1 else find_refused(part, probe)
    return refused


def _clean(subreddits: Iterable[str]) -> list[str]:
    names: dict[str, str] = {}
    for given in subreddits:
        name = given.strip().removeprefix("/").removeprefix("r/").rstrip("/")
        if not NAME.fullmatch(name):
            raise ConfigurationInvalid(f"CINEPULSE_SUBREDDITS: {given[:80]!r} is not the name of a community")
        names.setdefault(name.lower(), name)
    if not names:
        raise ConfigurationInvalid("CINEPULSE_SUBREDDITS: name at least one community, for example movies,scifi")
    return list(names.values())
