from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinepulse.errors import SourceUnavailable
from producers.reddit.client import Page
from producers.reddit.harvest import KNOWN_IN_A_ROW, harvest, identity_of

PAGE = 100
LISTING_HOLDS = 1000


def thing(number: int) -> dict[str, object]:
    """Return the child of post number so and so."""
    return {"kind": "t3", "data": {"name": f"t3_{number}"}}


@dataclass
class Reddit:
    """A listing of posts, newest first, that shows a page at a time and counts the requests."""

    numbers: list[int]
    page_size: int = PAGE
    requests: int = 0

    def page(self, after: str | None) -> Page:
        """Return the page after a cursor."""
        self.requests += 1
        shown = self.numbers[:LISTING_HOLDS]
        start = 0 if after is None else shown.index(int(after)) + 1
        page = shown[start : start + self.page_size]
        more = start + self.page_size < len(shown)
        return Page(tuple(thing(number) for number in page), str(page[-1]) if page and more else None, self.requests)


def names(numbers: range) -> set[str]:
    """Return the identities of posts."""
    return {f"t3_{number}" for number in numbers}


class TestHarvest:
    """Reading back to what is known."""

    def test_the_first_poll_reads_all(self) -> None:
        """Without anything known the whole listing comes, oldest first, and nothing is missing."""
        found = harvest(Reddit(list(range(250, 0, -1))).page, set(), polled_before=False)

        assert [item.identity for item in found.items] == [f"t3_{number}" for number in range(1, 251)]
        assert (found.known, found.overflowed) == (0, False)

    def test_idle_is_one_request(self) -> None:
        """Nothing new shows on the first page."""
        reddit = Reddit(list(range(1000, 0, -1)))

        found = harvest(reddit.page, names(range(1, 1001)), polled_before=True)

        assert (found.items, reddit.requests) == ((), 1)

    @pytest.mark.parametrize("burst", [1, 99, 100, 101, 350, 995])
    def test_a_burst_is_read_whole(self, burst: int) -> None:
        """However many came, up to what the listing holds, all are read and no more pages than needed."""
        reddit = Reddit(list(range(1000 + burst, 0, -1)))

        found = harvest(reddit.page, names(range(1, 1001)), polled_before=True)

        assert {item.identity for item in found.items} == names(range(1001, 1001 + burst))
        assert not found.overflowed
        assert reddit.requests <= (burst + KNOWN_IN_A_ROW - 1) // PAGE + 1

    def test_more_than_the_listing_holds_is_a_gap(self) -> None:
        """Of 1200 new posts the newest 1000 come, and the cut is seen."""
        found = harvest(Reddit(list(range(2200, 0, -1))).page, names(range(1, 1001)), polled_before=True)

        assert len(found.items) == LISTING_HOLDS
        assert found.overflowed

    def test_removed_posts_do_not_hide_the_overlap(self) -> None:
        """The newest known posts are gone from Reddit; the ones below them still tell where to stop."""
        numbers = [*range(350, 250, -1), *range(200, 0, -1)]
        reddit = Reddit(numbers)

        found = harvest(reddit.page, names(range(1, 251)), polled_before=True)

        assert {item.identity for item in found.items} == names(range(251, 351))
        assert (found.overflowed, reddit.requests) == (False, 2)

    def test_a_post_approved_late_stops_nothing(self) -> None:
        """One known item among new ones is no overlap: five in a row are."""
        numbers = [*range(300, 250, -1), 5, *range(250, 100, -1), *range(100, 0, -1)]

        found = harvest(Reddit(numbers).page, names(range(1, 101)), polled_before=True)

        assert {item.identity for item in found.items} == names(range(101, 301))

    def test_a_late_approval_below_the_overlap_is_seen(self) -> None:
        """A page is read to its end, so a post that appears below known ones on it is not lost."""
        numbers = [*range(100, 50, -1), 1000, *range(50, 0, -1)]

        found = harvest(Reddit(numbers).page, names(range(1, 101)), polled_before=True)

        assert [item.identity for item in found.items] == ["t3_1000"]

    def test_a_short_listing_without_known_items_is_no_gap(self) -> None:
        """A quiet community whose old posts were all removed: its listing was not cut off."""
        found = harvest(Reddit([7, 6, 5]).page, {"t3_1"}, polled_before=True)

        assert not found.overflowed

    def test_a_repeated_page_is_not_believed(self) -> None:
        """A server that gives the same page for every cursor raises instead of going on for ever."""
        page = Page(tuple(thing(number) for number in range(100)), "t3_99", 1)

        with pytest.raises(SourceUnavailable):
            harvest(lambda _after: page, set(), polled_before=False)

    def test_each_item_keeps_the_time_of_its_page(self) -> None:
        """Freshness is measured from the answer that brought the item."""
        found = harvest(Reddit(list(range(250, 0, -1))).page, set(), polled_before=False)

        assert [found.items[index].received_at for index in (0, 100, 249)] == [3, 2, 1]

    def test_things_without_a_name_are_remembered_too(self) -> None:
        """A child without a fullname has an identity of its content, the same each time."""
        assert identity_of({"kind": "t3", "data": {"title": "x"}}) == identity_of(
            {"data": {"title": "x"}, "kind": "t3"}
        )
        assert identity_of(None) != identity_of(7)

    @given(
        known=st.integers(0, 1500), burst=st.integers(0, 1300), removed=st.sets(st.integers(0, 1500), max_size=60),
        page_size=st.sampled_from([25, 100]),
    )  # fmt: skip
    def test_nothing_lost_without_saying_so(self, known: int, burst: int, removed: set[int], page_size: int) -> None:
        """Whatever came and went: every new post that Reddit shows is read, or the poll says that it overflowed."""
        everything = range(1, known + burst + 1)
        shown = [number for number in reversed(everything) if number not in removed]
        seen = names(range(max(1, known - 1499), known + 1))
        reddit = Reddit(shown, page_size)

        found = harvest(reddit.page, seen, polled_before=True)

        fresh = {f"t3_{number}" for number in range(known + 1, known + burst + 1)} - {f"t3_{n}" for n in removed}
        missing = fresh - {item.identity for item in found.items}
        assert not missing or found.overflowed
        assert len(fresh) < LISTING_HOLDS or found.overflowed
