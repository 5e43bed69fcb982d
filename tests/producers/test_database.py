from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cinepulse.errors import DataDirectoryBusy, StackUnavailable
from producers.database import FOLDER
from producers.reddit.records import Stub
from producers.reddit.state import SEEN_KEPT, Dropped, Recheck, RedditState
from producers.tmdb.state import Published, TmdbState

if TYPE_CHECKING:
    from pathlib import Path


class TestDatabase:
    """What all memories share."""

    def test_two_producers_do_not_share_a_memory(self, tmp_path: Path) -> None:
        """A second process on the same data directory is told so."""
        with RedditState(tmp_path), pytest.raises(DataDirectoryBusy, match="stop it first"):
            RedditState(tmp_path)

    def test_the_lock_goes_with_the_memory(self, tmp_path: Path) -> None:
        """After one has closed it, the next may open it."""
        with RedditState(tmp_path):
            pass

        with RedditState(tmp_path) as state:
            assert state.dropped() == []

    def test_a_damaged_file_says_what_to_do(self, tmp_path: Path) -> None:
        """Bytes that are no database raise an error that names the file and the way out."""
        path = tmp_path / FOLDER / "reddit.sqlite"
        path.parent.mkdir()
        path.write_bytes(b"not a database" * 100)

        with pytest.raises(StackUnavailable, match="remove it"):
            RedditState(tmp_path)

    def test_another_topic_another_memory(self, tmp_path: Path) -> None:
        """Bound to a new topic, everything of the old one is forgotten; bound to the same, kept."""
        with TmdbState(tmp_path) as state:
            state.bind("a")
            state.save_published([(603, Published("list", b"x"))])
            state.bind("a")
            kept = state.count()
            state.bind("b")

            assert (kept, state.count(), state.get("topic")) == (1, 0, "b")


class TestRedditState:
    """Seen ids, times, re-checks, dropped communities."""

    def test_the_newest_ids_are_kept(self, tmp_path: Path) -> None:
        """Each listing keeps as many ids as bridge its thousand items, the newest of them."""
        with RedditState(tmp_path) as state:
            state.save_poll("new/0", [f"t3_{number}" for number in range(2_000)], 5, [])
            state.save_poll("new/1", ["t3_other"], 7, [])

            assert state.seen("new/0") == {f"t3_{number}" for number in range(2_000 - SEEN_KEPT, 2_000)}
            assert state.seen("new/1") == {"t3_other"}

    def test_the_newest_time_never_falls(self, tmp_path: Path) -> None:
        """A poll of older items, or of none, does not take back how far the listing was read."""
        with RedditState(tmp_path) as state:
            assert not state.polled_before("new/0")
            for newest in (None, 5, 3, None):
                state.save_poll("new/0", [], newest, [])

            assert state.polled_before("new/0")
            assert state.newest_at("new/0") == 5

    def test_rechecks_come_by_time(self, tmp_path: Path) -> None:
        """Due posts come longest overdue first, as they were remembered; done ones do not come again."""
        stubs = [Stub(f"t1_{number}", "comment", "movies", 1, 2, "t3_x") for number in range(4)]
        with RedditState(tmp_path) as state:
            state.save_poll("new/0", [], 1, [Recheck(stub, 100 - number) for number, stub in enumerate(stubs)])

            assert state.next_recheck_at() == 97
            assert state.due_rechecks(99, 2) == [stubs[3], stubs[2]]
            state.save_rechecks([stub.fullname for stub in stubs], [Recheck(stubs[0], 500)])
            assert state.due_rechecks(499, 10) == []
            assert state.next_recheck_at() == 500

    def test_a_dropped_community_keeps_its_first_time(self, tmp_path: Path) -> None:
        """Refused again, it stays out since the first time: the length decides about the next retry."""
        with RedditState(tmp_path) as state:
            state.drop(Dropped("horror", "forbidden", 10, 20))
            state.drop(Dropped("horror", "not_found", 20, 40))
            again = state.dropped()
            state.readmit("horror")

            assert again == [Dropped("horror", "not_found", 10, 40)]
            assert state.dropped() == []

    def test_no_text_and_no_author_on_disk(self, tmp_path: Path) -> None:
        """The file's columns have room for neither: Reddit's terms bind them to 48 hours."""
        with RedditState(tmp_path) as state:
            tables = [row[0] for row in state.connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")]

        words = {word.strip("(),") for table in tables for word in table.split()}
        assert words.isdisjoint({"title", "body", "author", "selftext"})


class TestTmdbState:
    """Published films and what is due for details."""

    def test_published_films(self, tmp_path: Path) -> None:
        """Many films are found by id, whatever SQLite's limit on bound values."""
        films = [(number, Published("list", bytes([number % 251]))) for number in range(1, 5_000)]
        with TmdbState(tmp_path) as state:
            state.save_published(films)

            assert state.published(range(1, 9_000)) == dict(films)
            assert state.count() == len(films)

    def test_details_due(self, tmp_path: Path) -> None:
        """Of the most popular, those never asked for come first, then the oldest; fresh ones not at all."""
        with TmdbState(tmp_path) as state:
            state.save_popularity([(number, float(number)) for number in range(1, 11)], replace=True)
            state.save_asked([10], 50)
            state.save_asked([9], 20)
            state.save_asked([8], 900)

            assert state.without_details(tracked=4, limit=10, asked_before=100) == [7, 9, 10]
            assert state.without_details(tracked=4, limit=1, asked_before=100) == [7]
            assert state.never_asked([7, 8, 9]) == [7]
            assert state.asked([7, 8, 9]) == [8, 9]

    def test_a_new_export_replaces_the_old(self, tmp_path: Path) -> None:
        """Films that left the catalogue are tracked no more."""
        with TmdbState(tmp_path) as state:
            state.save_popularity([(1, 9.0), (2, 8.0)], replace=True)
            state.save_popularity([(2, 7.0), (3, 6.0)], replace=True)
            state.save_popularity([(4, 99.0)], replace=False)

            assert state.without_details(tracked=10, limit=10, asked_before=1) == [2, 3, 4]
