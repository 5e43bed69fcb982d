"""The two workers as processes on a broker of their own: killed, paused, joined, fed with poison."""

from __future__ import annotations

import random
import signal
import time
from dataclasses import replace
from itertools import count
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer

from cinepulse.settings import Settings
from schemas.events import CoverageKey, DeadLetter, Movie, PollReport, RedditPost
from schemas.provision import admin_client, create_topics
from schemas.publisher import Publisher
from schemas.topics import (
    MOVIE_MENTION_COUNTS,
    MOVIE_MENTIONS,
    PIPELINE_COVERAGE,
    PIPELINE_DEAD_LETTERS,
    REDDIT_POSTS,
    TMDB_MOVIES,
    TOPICS,
)
from stream_processors.workers import COUNT_APP, LINK_APP
from tests.stream_processors.running import (
    CODEC,
    PARTITIONS,
    Workers,
    exact_counts,
    lag,
    read_all,
    read_counts,
    send_mentions,
    some_mentions,
    told_counts,
    workers_of,
)
from tests.stream_processors.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fixtures.kafka import BrokerProcess

pytestmark = pytest.mark.real

RECOVERED = "worker.recovered"
YEAR_2150 = 5_680_281_600_000


@pytest.fixture
def workers(fresh_broker: BrokerProcess, tmp_path: Path) -> Iterator[Workers]:
    """Return a starter of workers on a broker whose topics are empty."""
    admin = admin_client(fresh_broker.bootstrap)
    existing = [name for name in admin.list_topics(timeout=10).topics if not name.startswith("__")]
    if existing:
        for deleted in admin.delete_topics(existing, operation_timeout=10).values():
            deleted.result()
        groups = admin.delete_consumer_groups([COUNT_APP, LINK_APP])
        for group in groups.values():
            group.exception()
    create_topics(admin, TOPICS, partitions=PARTITIONS, replication_factor=1)
    with workers_of(fresh_broker.bootstrap, tmp_path) as running:
        yield running


def counted(workers: Workers) -> bool:
    """Return whether every mention is counted and committed."""
    return lag(workers.bootstrap, COUNT_APP, MOVIE_MENTIONS.name) == 0


def test_counts_are_exact_through_joins_a_kill_and_a_pause(workers: Workers) -> None:
    """30,000 mentions with duplicates and retractions, compared film-day by film-day with the sets themselves.

    Two workers join live. Then, in mid-work, the first is killed with -9 and the second paused past its session, so
    that the third takes over everything; the second wakes as one who no longer owns what it holds.
    """
    said = some_mentions(30_000, seed=5)
    sending = Thread(target=send_mentions, args=(workers.bootstrap, said), kwargs={"a_second": 2_500})
    first = workers.ready("count")
    sending.start()
    second, third = workers.start("count"), workers.start("count")
    wait_until(lambda: second.said(RECOVERED) and third.said(RECOVERED), "two more workers joined")
    first.kill()
    second.signal(signal.SIGSTOP)
    wait_until(lambda: third.said('"partitions": [0, 1, 2, 3]'), "third worker took over")
    second.signal(signal.SIGCONT)
    before = second.log.read_text().count(RECOVERED)
    wait_until(lambda: second.log.read_text().count(RECOVERED) > before, "paused worker came back")

    sending.join()
    wait_until(lambda: counted(workers), "all counted")
    codes = [second.stop(), third.stop()]

    assert told_counts(workers.bootstrap) == exact_counts(said)
    assert codes == [0, 0]


def test_a_restarted_worker_counts_on_from_its_whole_state(workers: Workers) -> None:
    """What was counted before is still in the sets: duplicates stay duplicates, retractions meet their mention."""
    said = some_mentions(6_000, seed=8)
    send_mentions(workers.bootstrap, said[:4_000])
    first = workers.ready("count")
    wait_until(lambda: counted(workers), "first part counted")
    assert first.stop() == 0

    send_mentions(workers.bootstrap, said[:1_000] + said[4_000:])
    workers.ready("count")
    wait_until(lambda: counted(workers), "second part counted")

    assert told_counts(workers.bootstrap) == exact_counts(said[:4_000] + said[:1_000] + said[4_000:])


def test_a_worker_outlives_its_broker(workers: Workers, fresh_broker: BrokerProcess) -> None:
    """A broker killed with -9 and started again within seconds delays counts and loses none."""
    said = some_mentions(6_000, seed=13)
    worker = workers.ready("count")
    send_mentions(workers.bootstrap, said[:3_000])
    fresh_broker.kill()
    fresh_broker.start()

    send_mentions(workers.bootstrap, said[3_000:])
    wait_until(lambda: counted(workers), "all counted")

    assert told_counts(workers.bootstrap) == exact_counts(said)
    assert worker.stop() == 0


class Reddit:
    """Sends posts, films and reports as the producers do."""

    def __init__(self, workers: Workers, tmp_path: Path) -> None:
        settings = Settings(data_dir=tmp_path, kafka_bootstrap=workers.bootstrap)
        self.publisher = Publisher.connected(settings, "test")
        self.bootstrap = workers.bootstrap
        self.now = time.time_ns() // 1_000_000
        self.ticks = count(1)

    def film(self, tmdb_id: int, title: str) -> None:
        """Add a film to the catalogue."""
        film = Movie(
            tmdb_id=tmdb_id,
            title=title,
            observed_at=self.now,
            source="details",
            release_date="2019-05-01",
            popularity=40.0,
            vote_count=5_000,
        )
        self.publisher.publish(TMDB_MOVIES, tmdb_id, film)
        self.publisher.flush()

    def open_gate(self) -> None:
        """Say that the catalogue is whole."""
        report = PollReport(started_at=1, finished_at=2, outcome="ok", requests=1, items=2, known=0)
        self.publisher.publish(PIPELINE_COVERAGE, CoverageKey(source="tmdb", listing="catalog"), report)
        self.publisher.flush()

    def post(self, name: str, title: str | None, **changes: object) -> None:
        """Send an observation of a post; each is later than those before."""
        seen = self._observation(name, title, **changes)
        self.publisher.publish(REDDIT_POSTS, seen.fullname, seen)
        self.publisher.flush()

    def _observation(self, name: str, title: str | None, **changes: object) -> RedditPost:
        seen = RedditPost(
            fullname=f"t3_{name}",
            kind="submission",
            subreddit="movies",
            title=title,
            body="",
            created_at=self.now - 60_000,
            observed_at=self.now + next(self.ticks),
            score=1,
            state="live",
        )
        return replace(seen, **changes)  # type: ignore[arg-type]  # fields of the record

    def many_posts(self, number: int, *, seed: int) -> dict[str, str]:
        """Send observations of some hundreds of posts; return each one's last title, empty where it was deleted."""
        rng = random.Random(seed)  # noqa: S311 - reproducible test data
        last = {}
        for _ in range(number):
            name = f"{rng.randrange(700):x}a"
            deleted = rng.random() < DELETED_SHARE
            title = "" if deleted else " and ".join(["Seen today:", *rng.sample(TITLES, rng.randrange(3))])
            seen = self._observation(name, title or None, state="deleted" if deleted else "live")
            self.publisher.publish(REDDIT_POSTS, seen.fullname, seen)
            last[seen.fullname] = title
        self.publisher.flush()
        return last

    def raw(self, value: bytes) -> None:
        """Send bytes as a post."""
        producer = Producer({"bootstrap.servers": self.bootstrap})
        producer.produce(REDDIT_POSTS.name, value, CODEC.encode(REDDIT_POSTS.key_subject, "t3_raw"), partition=0)
        producer.flush(10)

    def films(self) -> dict[int, int]:
        """Return the counts by film."""
        return {film: count.mentions for (film, _), count in read_counts(self.bootstrap).items() if count.mentions}

    def reasons(self) -> list[str]:
        """Return the reasons in the dead letters."""
        letters: list[DeadLetter] = [
            CODEC.decode(PIPELINE_DEAD_LETTERS.value_subject, value or b"")
            for _, _, value in read_all(self.bootstrap, PIPELINE_DEAD_LETTERS.name)
        ]
        return sorted(letter.reason for letter in letters)


TITLES = ("The Grand Budapest Hotel", "Mad Max: Fury Road", "Everything Everywhere All at Once")
DELETED_SHARE = 0.15
BUDAPEST, MAD_MAX, PORTRAIT = "The Grand Budapest Hotel", "Mad Max: Fury Road", "Portrait of a Lady on Fire"


def test_posts_become_counts_and_edits_deletions_and_new_films_move_them(workers: Workers, tmp_path: Path) -> None:
    """From post to count: the gate, poison, an edit, a deletion, and a film added while the worker runs."""
    reddit = Reddit(workers, tmp_path)
    linker, counter = workers.start("link"), workers.ready("count")
    reddit.film(1, BUDAPEST)
    reddit.film(2, MAD_MAX)
    reddit.post("a", f"{BUDAPEST} and {MAD_MAX}")
    reddit.post("b", MAD_MAX)
    reddit.open_gate()
    wait_until(lambda: reddit.films() == {1: 1, 2: 2}, "posts before the gate linked with the whole catalogue")

    reddit.raw(b"\0\0\0\0\x01cut")
    reddit.raw(b"\0\0\0\xff\xff" + b"x" * 40)
    reddit.post("c", None)
    reddit.post("d", MAD_MAX, created_at=YEAR_2150)
    reddit.post("e", MAD_MAX, body="x" * 300_000)
    reddit.post("a", BUDAPEST)
    reddit.post("b", None, state="deleted")
    wait_until(lambda: reddit.films() == {1: 1}, "edit and deletion counted")

    reddit.film(3, PORTRAIT)
    posted = count()

    def counted_after_another_post() -> bool:
        reddit.post(f"new{next(posted)}", PORTRAIT)
        return 3 in reddit.films()

    wait_until(counted_after_another_post, "posts about the new film counted")

    assert reddit.reasons() == [
        "corrupt_record",
        "created_in_future",
        "text_too_long",
        "title_missing",
        "unknown_schema_id",
    ]
    assert [linker.stop(), counter.stop()] == [0, 0]


def test_mentions_are_exact_through_a_killed_linker(workers: Workers, tmp_path: Path) -> None:
    """Thousands of posts, edited and deleted, while one linker is killed with -9 and another goes on.

    What stands in `movie.mentions` in the end is what each post's last observation names, no more and no less.
    """
    reddit = Reddit(workers, tmp_path)
    for tmdb_id, title in enumerate(TITLES, 1):
        reddit.film(tmdb_id, title)
    reddit.open_gate()
    doomed = workers.ready("link")
    last = reddit.many_posts(4_000, seed=21)
    heir = workers.start("link")
    wait_until(lambda: heir.said(RECOVERED), "second linker joined")
    last |= reddit.many_posts(2_000, seed=22)
    doomed.kill()
    last |= reddit.many_posts(2_000, seed=23)
    wait_until(lambda: lag(workers.bootstrap, LINK_APP, REDDIT_POSTS.name) == 0, "all posts linked")

    standing = {key: value for _, key, value in read_all(workers.bootstrap, MOVIE_MENTIONS.name)}
    keys = [CODEC.decode(MOVIE_MENTIONS.key_subject, key or b"") for key, value in standing.items() if value]
    expected = {
        (name, tmdb_id) for name, title in last.items() for tmdb_id, film in enumerate(TITLES, 1) if film in title
    }
    assert {(key.post_id, key.tmdb_id) for key in keys} == expected
    assert heir.stop() == 0


def test_a_topic_full_of_poison_stops_the_worker_and_says_why(workers: Workers) -> None:
    """The worker ends with one line that names the topic and the setting, and the letters are there to look at."""
    producer = Producer({"bootstrap.servers": workers.bootstrap})
    for _ in range(300):
        producer.produce(MOVIE_MENTIONS.name, b"junk", b"junk", partition=1)
    producer.flush(10)

    worker = workers.start("count")

    assert worker.popen.wait(30) == 1
    assert worker.said("cinepulse: cinepulse-count: ")
    assert worker.said("CINEPULSE_DEAD_LETTER_MAX_SHARE")
    assert read_all(workers.bootstrap, PIPELINE_DEAD_LETTERS.name)
    assert not read_all(workers.bootstrap, MOVIE_MENTION_COUNTS.name)


def test_wrong_settings_end_a_worker_with_one_line(workers: Workers) -> None:
    """Another number of partitions than the topic has would look for films where they are not."""
    worker = workers.start("count", "--partitions", "5")

    assert worker.popen.wait(30) == 2
    assert worker.said("CINEPULSE_PARTITIONS: topic movie.mentions has 4 partitions, not 5")


def test_all_workers_end_together(workers: Workers) -> None:
    """One that dies takes the others along; told to stop, all stop cleanly."""
    import psutil

    doomed, calm = workers.start("all"), None
    children = psutil.Process(doomed.popen.pid)
    wait_until(lambda: len(children.children()) == 3, "all workers started")
    linking, counting, _ = children.children()
    linking.kill()
    code = doomed.popen.wait(30)
    calm = workers.start("all")
    wait_until(lambda: calm.said("worker.recovered"), "counting worker recovered")

    assert code == 1
    assert not counting.is_running()
    assert calm.stop() == 0
