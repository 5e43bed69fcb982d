from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinepulse.errors import ConfigurationInvalid
from producers.reddit.errors import RequestRefused
from producers.reddit.listings import MAX_JOINED_CHARS, find_refused, listings_of

if TYPE_CHECKING:
    from collections.abc import Sequence


class TestListings:
    """Communities joined into few requests."""

    def test_each_feed_once(self) -> None:
        """Submissions and comments of all communities are two listings."""
        listings = listings_of(("movies", "r/scifi", "/r/Horror/", "MOVIES"))

        assert [listing.path for listing in listings] == ["r/movies+scifi+Horror/new", "r/movies+scifi+Horror/comments"]
        assert [listing.name for listing in listings] == ["new:movies+scifi+Horror", "comments:movies+scifi+Horror"]

    def test_many_communities_are_split(self) -> None:
        """Addresses stay short enough, and no community is left out or doubled."""
        names = [f"community_{number:04}" for number in range(400)]

        listings = listings_of(names)

        assert all(len(listing.path) < MAX_JOINED_CHARS + 20 for listing in listings)
        for feed in ("new", "comments"):
            assert [name for listing in listings if listing.feed == feed for name in listing.members] == names
        assert len({listing.key for listing in listings}) == len(listings)

    @pytest.mark.parametrize("names", [(), ("a b",), ("movies", "x/../y"), ("movies?limit=1",), ("a",), ("é" * 5,)])
    def test_names_that_no_community_has(self, names: tuple[str, ...]) -> None:
        """A wrong name is a wrong setting, before any request."""
        with pytest.raises(ConfigurationInvalid, match="CINEPULSE_SUBREDDITS"):
            listings_of(names)

    def test_left_out_communities_keep_the_memory(self) -> None:
        """Without some members a listing has another path and the same key."""
        (listing, _) = listings_of(("movies", "scifi", "horror"))

        left = listing.without(["scifi"])

        assert (left.key, left.path) == (listing.key, "r/movies+horror/new")


@given(count=st.integers(2, 60), bad=st.sets(st.integers(0, 59)))
def test_halving_finds_exactly_the_refused(count: int, bad: set[int]) -> None:
    """Whatever the bad members, they are found, the good ones are not accused, and few requests are made."""
    members = [f"m{number}" for number in range(count)]
    refused = {f"m{number}" for number in bad if number < count}
    requests = 0

    def probe(part: Sequence[str]) -> None:
        nonlocal requests
        requests += 1
        if refused & set(part):
            raise RequestRefused("no", reason="forbidden", dead_letter=False)

    found = find_refused(members, probe)

    assert set(found) == refused
    assert requests <= 2 + 2 * len(refused) * count.bit_length()
