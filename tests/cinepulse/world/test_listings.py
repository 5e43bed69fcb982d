"""Listings against a plain list, and how they notice what has been read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cinepulse.world.fields import base36, submission_data
from cinepulse.world.listings import LISTING_ITEMS, Listing
from cinepulse.world.post import Post


def posts(count: int, *, first: int = 1, step: int = 1) -> list[Post]:
    """Return submissions with ascending sequences."""
    made = []
    for number in range(first, first + count * step, step):
        data = submission_data({"id": base36(number), "subreddit": "Movies", "created_utc": number})
        made.append(Post("t3", data, float(number), sequence=number))
    return made


def listing_of(items: list[Post]) -> Listing:
    """Return a listing that holds the items."""
    listing = Listing("t3", frozenset({"movies"}))
    listing.add(items)
    return listing


@given(
    count=st.integers(0, 60),
    removed=st.sets(st.integers(0, 59)),
    limit=st.integers(1, 20),
    cursor=st.integers(0, 59),
    newer=st.booleans(),
)
def test_pages_are_slices_of_what_is_left(
    *, count: int, removed: set[int], limit: int, cursor: int, newer: bool
) -> None:
    """Whatever was removed, a page is the slice next to its cursor; the cursor's own removal empties it."""
    made = posts(count)
    listing = listing_of(made)
    for index in removed & set(range(count)):
        listing.discard(made[index])
    left = [post for index, post in enumerate(made) if index not in removed]
    item = made[cursor] if cursor < count else posts(1, first=1000)[0]

    page = listing.page(limit=limit, before=item) if newer else listing.page(limit=limit, after=item)

    place = left.index(item) if item in left else None
    expected = [] if place is None else left[place + 1 :][:limit] if newer else left[:place][-limit:]
    assert list(page.posts) == expected[::-1]
    assert list(listing.page(limit=limit).posts) == left[-limit:][::-1]


def test_a_walk_from_the_top_reaches_exactly_a_thousand() -> None:
    """`after` leads through the newest thousand items once each, and then to nothing."""
    made = posts(1_700)
    listing = listing_of(made[:1_500])
    listing.add(made[1_500:])
    by_name = {post.name: post for post in made}

    walked: list[Post] = []
    page = listing.page(limit=100)
    while page.posts:
        walked += page.posts
        if page.after is None:
            break
        page = listing.page(limit=100, after=by_name[page.after])

    assert walked == made[: -LISTING_ITEMS - 1 : -1]
    assert len(listing) == LISTING_ITEMS


def test_only_its_own_kind_and_communities_are_listed() -> None:
    """Other communities' posts and comments stay out; the case of a community's name does not matter."""
    listing = Listing("t3", frozenset({"movies"}))
    foreign = Post("t3", submission_data({"id": "a", "subreddit": "cooking", "created_utc": 1}), 1.0)
    comment = Post("t1", submission_data({"id": "b", "subreddit": "movies", "created_utc": 1}), 1.0)

    assert [listing.takes(post) for post in (*posts(1), foreign, comment)] == [True, False, False]


def test_unread_falls_only_when_a_walk_closes_the_hole() -> None:
    """Reading the newest page leaves older items unread; walking down to known items, or up from one, reads all."""
    made = posts(300, step=3)
    listing = listing_of(made[:50])
    listing.page(limit=100)
    listing.add(made[50:250])

    top = listing.page(limit=100)
    still = listing.unread
    listing.page(limit=100, after=top.posts[-1])
    closed = listing.unread
    listing.add(made[250:])
    listing.page(limit=100, before=made[249])

    assert (still, closed, listing.unread) == (200, 0, 0)
