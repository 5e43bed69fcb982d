from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from cinepulse.errors import DeadLetterRateExceeded
from producers.reddit.state import RedditState
from producers.reddit.waiting import Stopped
from schemas.partitioning import post_partition
from schemas.publisher import Publisher
from schemas.topics import REDDIT_POSTS
from tests.fakes.kafka import MemoryBroker
from tests.producers.tape import CODEC

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fixtures.world import RunningWorld
    from tests.producers.reddit.bench import Bench
    from tests.producers.tape import Tape

pytestmark = pytest.mark.real


def dies(*_: object) -> None:
    """End as a process does that is killed."""
    raise Stopped("killed")


def served(world: RunningWorld) -> set[str]:
    """Return the fullnames of all posts that ever appeared."""
    return {post["name"] for post in world.posts()}


class TestReading:
    """Every post arrives, once."""

    def test_the_first_poll_takes_the_whole_listing(self, world: RunningWorld, bench: Bench, tape: Tape) -> None:
        """An empty memory reads all that the listings hold, and calls nothing a gap."""
        bench.run()

        keys = tape.keys(REDDIT_POSTS)
        assert set(keys) == served(world)
        assert len(keys) == len(set(keys))
        assert [report.outcome for report in tape.reports("new:") + tape.reports("comments:")] == ["ok", "ok"]

    def test_records_come_oldest_first(self, bench: Bench, tape: Tape) -> None:
        """Within a partition and feed, posts come in the order in which they were written."""
        bench.run()

        submissions = [post for _, post in tape.read(REDDIT_POSTS) if post.kind == "submission"]
        by_partition: dict[int, list[int]] = {}
        for post in submissions:
            by_partition.setdefault(post_partition(post.fullname, 4), []).append(post.created_at)
        assert all(times == sorted(times) for times in by_partition.values())

    def test_350_posts_after_an_idle_poll_lose_none(self, world: RunningWorld, bench: Bench, tape: Tape) -> None:
        """More than a page between two polls arrives whole, in as many requests as it has pages."""
        bench.run(2)
        names = world.fault("burst", count=350, subreddit="movies")["names"]

        bench.run()

        assert set(names) <= set(tape.keys(REDDIT_POSTS))
        report = tape.reports("new:")[-1]
        assert (report.items, report.requests) == (350, 4)

    def test_a_burst_beyond_the_listing_is_a_gap(self, world: RunningWorld, bench: Bench, tape: Tape) -> None:
        """Of 1,200 posts the 1,000 that Reddit shows arrive, and the report says that some before them may be lost."""
        bench.run(2)
        newest = max(post.created_at for _, post in tape.read(REDDIT_POSTS) if post.kind == "submission")
        names = world.fault("burst", count=1200, subreddit="movies")["names"]

        bench.run()

        keys = set(tape.keys(REDDIT_POSTS))
        report = tape.reports("new:")[-1]
        assert len(keys & set(names)) == 1000
        assert (report.outcome, report.items, report.known) == ("overflowed", 1000, 0)
        assert report.gap_from == newest
        assert report.gap_to is not None
        assert newest <= report.gap_to

    def test_a_removed_cursor_loses_none(self, world: RunningWorld, bench: Bench, tape: Tape) -> None:
        """The newest known posts vanish from Reddit and 250 new ones come: all of them arrive, no gap."""
        bench.run(2)
        world.fault("gone", count=3, post_kind="t3")
        names = world.fault("burst", count=250, subreddit="movies")["names"]

        bench.run()

        assert set(names) <= set(tape.keys(REDDIT_POSTS))
        assert tape.reports("new:")[-1].outcome == "ok"

    def test_an_idle_poll_is_one_request_a_feed(self, bench: Bench, tape: Tape) -> None:
        """Nothing new costs a page of each feed and sends nothing."""
        bench.run()
        sent = len(tape.keys(REDDIT_POSTS))

        bench.run()

        assert [tape.reports(f"{feed}:")[-1].requests for feed in ("new", "comments")] == [1, 1]
        assert len(tape.keys(REDDIT_POSTS)) == sent


class TestMemory:
    """What survives the process."""

    def test_a_restart_goes_on_where_it_was(
        self, world: RunningWorld, benches: Callable[..., Bench], tape: Tape
    ) -> None:
        """A new process with the old memory sends what came meanwhile, and nothing twice."""
        benches().run(2)
        names = world.fault("burst", count=150, subreddit="scifi", post_kind="t1")["names"]

        benches().run()

        keys = tape.keys(REDDIT_POSTS)
        assert set(names) <= set(keys)
        assert len(keys) == len(set(keys))

    def test_nothing_is_remembered_before_kafka_has_it(
        self, world: RunningWorld, benches: Callable[..., Bench], tape: Tape
    ) -> None:
        """A process that dies while Kafka is away has written nothing down: the next one sends everything."""
        broker = MemoryBroker(down=True)
        dying = Publisher(broker.connect, CODEC, partitions=4, flush_seconds=0.01)
        bench = benches(dying)
        bench.waiting.stop_after = 10
        with pytest.raises(Stopped):
            bench.run()
        assert not bench.state.polled_before("new/0")

        benches().run()

        assert set(tape.keys(REDDIT_POSTS)) == served(world)

    def test_what_is_sent_is_looked_at_again_whatever_dies(
        self, world: RunningWorld, benches: Callable[..., Bench], tape: Tape, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A process dies after Kafka has its posts and before it has written them down, and some of them vanish.

        No listing shows those again. The next process tells Kafka all the same that they are gone.
        """
        world.fault("burst", count=5, subreddit="movies", post_kind="t3")
        monkeypatch.setattr(RedditState, "save_poll", dies)
        with pytest.raises(Stopped):
            benches(reddit_recheck_seconds=(60.0,)).run()
        monkeypatch.undo()
        gone = world.fault("gone", count=3, post_kind="t3")["names"]

        bench = benches(reddit_recheck_seconds=(60.0,))
        bench.clock.advance(61)
        bench.run(3)

        states = {post.fullname: post.state for _, post in tape.read(REDDIT_POSTS)}
        assert {states[name] for name in gone} == {"deleted"}

    def test_a_poll_cut_short_remembers_nothing(
        self, world: RunningWorld, benches: Callable[..., Bench], tape: Tape
    ) -> None:
        """A listing of which a later page fails is read anew, not continued past the missing page."""
        bench = benches()
        bench.run()
        world.fault("burst", count=450, subreddit="movies")
        world.fault("status", status=503, path=r"/new\?.*after=", count=3, skip=1)

        bench.run()
        failed = tape.reports("new:")[-1]
        bench.clock.advance(60)
        bench.run()

        assert failed.outcome == "failed"
        assert tape.reports("new:")[-1].outcome == "ok"
        assert set(tape.keys(REDDIT_POSTS)) == served(world)

    def test_a_topic_made_anew_gets_everything_again(self, bench: Bench) -> None:
        """A memory of another topic's contents is no memory of this one's."""
        bench.state.bind("first")
        bench.run()
        assert bench.state.polled_before("new/0")

        bench.state.bind("first")
        kept = bench.state.polled_before("new/0")
        bench.state.bind("second")

        assert kept
        assert not bench.state.polled_before("new/0")
        assert bench.state.seen("new/0") == set()


class TestRefusals:
    """One bad community does not stop the others."""

    def test_private_and_banned_communities_are_dropped(self, benches: Callable[..., Bench], tape: Tape) -> None:
        """Communities that Reddit leaves out of a joined listing are found one by one, reported and dropped."""
        bench = benches(subreddits=("movies", "private_screening", "scifi", "banned_films", "nosuchfilms", "horror"))

        bench.run(7)

        dropped = {one.subreddit: one.reason for one in bench.state.dropped()}
        assert dropped == {
            "private_screening": "forbidden",
            "banned_films": "not_found",
            "nosuchfilms": "redirected",
        }
        arrived = {post.subreddit for _, post in tape.read(REDDIT_POSTS)}
        assert arrived == {"movies", "scifi", "horror"}
        assert tape.reports("new:private_screening")[-1].outcome == "failed"
        assert tape.reports("comments:movies+scifi+horror")[-1].outcome == "ok"

    def test_a_misspelt_community_alone(self, benches: Callable[..., Bench], tape: Tape) -> None:
        """A community that does not exist redirects to the search: it is dropped and the poller waits."""
        bench = benches(subreddits=("nosuchcommunityhere",))

        bench.run()

        assert [one.reason for one in bench.state.dropped()] == ["redirected"]
        assert "Redirect" in str(tape.reports("new:nosuchcommunityhere")[-1].error)
        assert tape.keys(REDDIT_POSTS) == []

    def test_a_community_comes_back_with_what_it_missed(
        self, world: RunningWorld, benches: Callable[..., Bench], tape: Tape
    ) -> None:
        """When a dropped community answers again, its posts of the time between arrive too."""
        bench = benches(subreddits=("movies", "scifi", "horror"))
        bench.run()
        world.fault("status", status=403, path=r"/r/[^?]*horror", count=100)
        bench.run()
        assert [one.subreddit for one in bench.state.dropped()] == ["horror"]
        names = world.fault("burst", count=120, subreddit="horror")["names"]
        world.clear_faults()
        world.fault("burst", count=10, subreddit="movies")
        bench.run()
        before = set(tape.keys(REDDIT_POSTS))

        bench.clock.advance(24 * 3600)
        bench.run()

        assert before.isdisjoint(names)
        assert set(names) <= set(tape.keys(REDDIT_POSTS))
        assert bench.state.dropped() == []

    def test_a_community_that_stays_bad_is_asked_ever_less_often(self, benches: Callable[..., Bench]) -> None:
        """Retries double from a quarter of an hour up to a day."""
        bench = benches(subreddits=("private_screening", "movies"))
        bench.run()
        waits = []

        for _ in range(9):
            (one,) = bench.state.dropped()
            waits.append((one.retry_at - bench.clock.now_ms()) / 60_000)
            bench.clock.advance(waits[-1] * 60 + 1)
            bench.run()

        assert waits[0] == pytest.approx(15, abs=1)
        assert all(earlier <= later + 1 for earlier, later in pairwise(waits))
        assert waits[-1] == pytest.approx(24 * 60, abs=1)

    def test_all_refused_drops_none(self, world: RunningWorld, benches: Callable[..., Bench], tape: Tape) -> None:
        """When Reddit refuses every community it is not the communities' fault: the poll fails and comes again."""
        bench = benches(subreddits=("movies", "scifi"))
        world.fault("status", status=403, path="/r/", count=1000)

        bench.run()
        world.clear_faults()
        bench.clock.advance(60)
        bench.run()

        assert bench.state.dropped() == []
        assert [report.outcome for report in tape.reports("new:movies+scifi")] == ["failed", "ok"]

    @pytest.mark.parametrize("status", [451, 400, 413, 414])
    def test_refusals_without_appeal_are_kept(
        self, world: RunningWorld, benches: Callable[..., Bench], tape: Tape, status: int
    ) -> None:
        """Legal reasons and requests that Reddit cannot take leave a dead letter that says which community."""
        bench = benches(subreddits=("movies", "scifi", "horror"))
        world.fault("status", status=status, path=r"/r/[^?]*scifi", count=100)

        bench.run()

        letters = [letter for letter in tape.dead_letters() if letter.key == b"scifi"]
        assert letters
        assert letters[0].source == "reddit/new"
        assert {post.subreddit for _, post in tape.read(REDDIT_POSTS)} == {"movies", "horror"}


class TestBadInput:
    """Wrong records go to dead letters with the reason, and the rest goes on."""

    @pytest.mark.parametrize(
        ("kind", "options", "reason"),
        [
            ("huge_text", {"megabytes": 40}, "text_too_large"),
            ("null_title", {}, "missing_title"),
            ("post", {"data": {"created_utc": 5_680_281_600}}, "created_in_future"),
        ],
    )
    def test_a_bad_post(  # noqa: PLR0913, PLR0917 - the cases' fields beside the fixtures
        self, world: RunningWorld, bench: Bench, tape: Tape, kind: str, options: dict[str, object], reason: str
    ) -> None:
        """Each ends in one dead letter that holds the beginning of it; posts around it arrive; it is not read twice."""
        bench.run()
        before = len(tape.keys(REDDIT_POSTS))
        world.fault(kind, **options)
        names = world.fault("burst", count=3, subreddit="movies")["names"]

        bench.run(3)

        (letter,) = tape.dead_letters()
        assert (letter.stage, letter.reason) == ("producer", reason)
        assert letter.value
        assert set(names) == set(tape.keys(REDDIT_POSTS)[before:]) | set(names)
        assert len(tape.keys(REDDIT_POSTS)) == before + 3

    def test_mostly_bad_posts_stop_the_poller(self, world: RunningWorld, bench: Bench, tape: Tape) -> None:
        """When the clock or the format must be wrong, nothing is sent and nothing remembered: no post is lost."""
        bench.run()
        before = len(tape.keys(REDDIT_POSTS))
        world.fault("clock_skew", count=30, seconds=3600)
        names = world.fault("burst", count=30, subreddit="movies")["names"]

        with pytest.raises(DeadLetterRateExceeded, match="30 of 30"):
            bench.run()

        assert tape.dead_letters() == []
        assert len(tape.keys(REDDIT_POSTS)) == before
        assert bench.state.seen("new/0").isdisjoint(names)

    @pytest.mark.parametrize(("kind", "attempts"), [("html", 1), ("not_json", 1), ("truncated", 1), ("reset", 3)])
    def test_an_answer_that_is_no_listing(
        self, world: RunningWorld, bench: Bench, tape: Tape, kind: str, attempts: int
    ) -> None:
        """HTML, broken JSON and broken connections fail the poll, and the next one reads all."""
        bench.run()
        names = world.fault("burst", count=20, subreddit="movies")["names"]
        world.fault(kind, path="/new", count=attempts)

        bench.run()
        bench.clock.advance(60)
        bench.run()

        outcomes = [report.outcome for report in tape.reports("new:")]
        assert outcomes == ["ok", "failed", "ok"]
        assert set(names) <= set(tape.keys(REDDIT_POSTS))

    def test_a_stale_page_delays_and_loses_nothing(self, world: RunningWorld, bench: Bench, tape: Tape) -> None:
        """A listing that shows an old state brings nothing new; what is new comes with the next poll, once."""
        bench.run()
        names = world.fault("burst", count=130, subreddit="movies")["names"]
        world.fault("stale_page", seconds=86_400, path="/new")

        bench.run(2)

        keys = tape.keys(REDDIT_POSTS)
        assert set(names) <= set(keys)
        assert len(keys) == len(set(keys))

    def test_a_repeated_page_fails_the_poll(self, world: RunningWorld, bench: Bench, tape: Tape) -> None:
        """A listing that gives a page twice is not believed: read again later, it is whole."""
        bench.run()
        names = world.fault("burst", count=250, subreddit="movies")["names"]
        world.fault("duplicate_page", path="/new")

        bench.run()
        bench.clock.advance(60)
        bench.run()

        assert [report.outcome for report in tape.reports("new:")] == ["ok", "failed", "ok"]
        assert set(names) <= set(tape.keys(REDDIT_POSTS))


class TestRateLimit:
    """Reddit says how fast to go."""

    def test_429_pauses_everything_as_long_as_asked(self, world: RunningWorld, bench: Bench, tape: Tape) -> None:
        """A 429 with `retry-after` pauses all requests that long, is reported, and the poll comes again."""
        bench.run()
        world.fault("status", status=429, retry_after=120, path="/new")
        before = len(bench.waiting.pauses)

        bench.run(2)

        assert 120 <= max(bench.waiting.pauses[before:]) <= 133
        assert [report.outcome for report in tape.reports("new:")] == ["ok", "failed", "ok"]

    def test_a_used_up_window_is_waited_out(self, world: RunningWorld, bench: Bench) -> None:
        """With no request left the next one waits until the window ends."""
        bench.run()
        world.fault("header_decay", reset=45, path="/comments")

        bench.run(2)

        assert max(bench.waiting.pauses) == pytest.approx(45, abs=7)
