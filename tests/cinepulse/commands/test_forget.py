"""`cinepulse forget` on a whole pipeline: broker, workers as processes, sink, engine and a poller's memory."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from cinepulse.commands.forget import forget as command
from cinepulse.commands.forget import fullname_of
from clickhouse.client import connect
from clickhouse.migrate import load_migrations, migrate
from clickhouse.service import run_sink
from clickhouse.verification import verify_pipeline
from producers.reddit.records import stub_of
from producers.reddit.state import Recheck, RedditState
from schemas.events import CoverageKey, Movie, PollReport, RedditPost
from schemas.provision import admin_client, create_topics
from schemas.publisher import Publisher
from schemas.reader import TopicReader
from schemas.topics import (
    MOVIE_MENTIONS,
    MOVIE_TERMS,
    PIPELINE_COVERAGE,
    PIPELINE_DEAD_LETTERS,
    REDDIT_POSTS,
    TMDB_MOVIES,
    TOPICS,
)
from stream_processors.changelog_store import changelog_topic
from stream_processors.identity import pack_fullname
from stream_processors.workers import COUNT_APP, LINK_APP
from tests.stream_processors.running import PARTITIONS, Workers, workers_of
from tests.stream_processors.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

    from cinepulse.settings import Settings
    from clickhouse.client import Client
    from schemas.events import PostKind
    from tests.fixtures.kafka import BrokerProcess

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

BUDAPEST, MAD_MAX = "The Grand Budapest Hotel", "Mad Max: Fury Road"
SECRET = "a sentence that only the forgotten post has"
LISTING = "new:movies"


@dataclass
class Stage:
    """A running pipeline."""

    settings: Settings
    workers: Workers
    client: Client
    publisher: Publisher
    now: int

    def post(self, name: str, title: str | None, *, later: int = 0, **changes: Any) -> RedditPost:
        """Publish an observation of a post."""
        kind: PostKind = "submission" if name.startswith("t3") else "comment"
        usual: dict[str, Any] = {"body": "", "author": "somebody", "score": 1, "state": "live"}
        seen = RedditPost(
            fullname=name, kind=kind, subreddit="movies", title=title if kind == "submission" else None,
            created_at=self.now - 60_000, observed_at=self.now + later, **(usual | changes),
        )  # fmt: skip
        self.publisher.publish(REDDIT_POSTS, name, seen)
        self.publisher.flush()
        return seen

    def counts(self) -> dict[int, int]:
        """Return the counts that are served, by film."""
        rows = self.client.query("SELECT tmdb_id, sum(mentions) FROM mention_counts FINAL GROUP BY tmdb_id").result_rows
        return {film: count for film, count in rows if count}

    def evidence(self) -> set[str]:
        """Return the posts that are shown as evidence."""
        return {post for (post,) in self.client.query("SELECT DISTINCT post_id FROM mentions FINAL").result_rows}

    def forget(self, *arguments: str) -> Result:
        """Run the command."""
        settings = self.settings
        where = [
            *("--data-dir", str(settings.data_dir), "--kafka-bootstrap", settings.kafka_bootstrap),
            *("--clickhouse-port", str(settings.clickhouse_port)),
            *("--clickhouse-database", settings.clickhouse_database),
        ]
        environment = {"CINEPULSE_CLICKHOUSE_PASSWORD": settings.clickhouse_password.get_secret_value()}
        return CliRunner().invoke(
            command, [*where, "--format", "json", *arguments], env=environment, standalone_mode=False,
            catch_exceptions=False,
        )  # fmt: skip

    def bytes_of_topics(self) -> bytes:
        """Return every key and value that the broker hands out of the topics that a post goes through."""
        parts: list[bytes] = []
        logs = [changelog_topic(app) for app in (LINK_APP, COUNT_APP)]
        for topic in (REDDIT_POSTS, PIPELINE_DEAD_LETTERS, MOVIE_MENTIONS, MOVIE_TERMS, *logs):
            with TopicReader(self.settings, topic.name, "test") as reader:
                for record in reader.to_end():
                    parts += [record.key or b"", record.value or b""]
        return b"\n".join(parts)


@pytest.fixture(scope="module")
def stage(
    fresh_broker: BrokerProcess, clickhouse_server: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """Yield a pipeline that knows two films, with every part at work."""
    directory = tmp_path_factory.mktemp("forget")
    settings = clickhouse_server.model_copy(
        update={
            "data_dir": directory, "kafka_bootstrap": fresh_broker.bootstrap, "clickhouse_database": "test_forget",
            "sink_flush_seconds": 0.05,
        }
    )  # fmt: skip
    create_topics(admin_client(fresh_broker.bootstrap), TOPICS, partitions=PARTITIONS, replication_factor=1)
    migrate(settings, load_migrations())
    publisher = Publisher.connected(settings, "test")
    now = time.time_ns() // 1_000_000
    for tmdb_id, title in ((1, BUDAPEST), (2, MAD_MAX)):
        film = Movie(
            tmdb_id=tmdb_id, title=title, observed_at=now, source="details", release_date="2015-05-01",
            popularity=40.0, vote_count=5_000,
        )  # fmt: skip
        publisher.publish(TMDB_MOVIES, tmdb_id, film)
    report = PollReport(started_at=1, finished_at=2, outcome="ok", requests=1, items=2, known=0)
    publisher.publish(PIPELINE_COVERAGE, CoverageKey(source="tmdb", listing="catalog"), report)
    publisher.flush()
    stop, client = Event(), connect(settings)
    sink = Thread(target=run_sink, args=(settings, stop), daemon=True)
    sink.start()
    with workers_of(fresh_broker.bootstrap, directory) as workers:
        workers.start("link")
        workers.ready("count")
        yield Stage(settings, workers, client, publisher, now)
        stop.set()
        sink.join(30)
    client.command("DROP DATABASE test_forget")


@pytest.fixture
def memory(stage: Stage) -> Iterator[RedditState]:
    """Yield the memory of a producer that runs."""
    with RedditState(stage.settings.data_dir) as state:
        yield state


def found(result: Result) -> dict[str, int]:
    """Return what the command says it found, by place and kind."""
    return {f"{row['where']}: {row['what']}": row["found"] for row in json.loads(result.stdout) if row["found"]}


def test_a_post_is_gone_from_everything_at_once(stage: Stage, memory: RedditState) -> None:
    """A submission of two films, edited, quoted by a comment, dead-lettered and remembered by the poller.

    Afterwards the counts and the evidence are without it, no topic hands out a byte of its id or its text, the tables
    hold no row of it, retracted ones included, and whatever is read from Reddit again does not bring it back.
    """
    stage.post("t3_gone", f"{BUDAPEST} and {MAD_MAX}", body=SECRET)
    edited = stage.post("t3_gone", f"{BUDAPEST} and {MAD_MAX}!", body=SECRET, later=1_000, score=7)
    stage.post("t1_under", None, body=f"I prefer {MAD_MAX}", thread_id="t3_gone", thread_title=SECRET)
    stage.post("t3_kept", BUDAPEST)
    stage.publisher.dead_letter(
        stage="link", source=REDDIT_POSTS.name, reason="link_failed", error="t3_gone: ZeroDivisionError", partition=0,
        offset=7, key=b"t3_gone", value=SECRET.encode(),
    )  # fmt: skip
    stage.publisher.flush()
    memory.save_poll(LISTING, ["t3_gone", "t3_kept"], stage.now, [Recheck(stub_of(edited), stage.now + 3_600_000)])
    wait_until(lambda: stage.counts() == {1: 2, 2: 2} and "t3_gone" in stage.evidence(), "both films counted")
    wait_until(lambda: stage.client.command("SELECT count() FROM dead_letters") == 1, "dead letter stored")

    dry = stage.forget("t3_gone", "--dry-run")
    untouched = stage.counts()
    result = stage.forget("t3_gone")

    assert set(found(dry)) == {
        "reddit.posts: records", "reddit.posts: comments with its title", "pipeline.dead_letters: dead letters",
        "movie.mentions: mentions and retractions", "cinepulse-link-changelog: bodies of the state",
        "cinepulse-count-changelog: bodies of the state", "table mentions: rows", "table dead_letters: messages",
        "producer's memory: rows", "movie.terms: words near films", "table mention_terms: rows",
    }  # fmt: skip
    assert (dry.return_value, untouched) == (0, {1: 2, 2: 2})
    assert (found(result), result.stderr, result.return_value) == ({}, "", 0)
    assert stage.counts() == {1: 1, 2: 1}
    assert stage.evidence() == {"t1_under", "t3_kept"}
    kept = stage.bytes_of_topics()
    assert b"t3_kept" in kept
    assert SECRET.encode() not in kept
    assert b"sentence" not in kept
    assert pack_fullname(b"t3_gone").to_bytes(8, "little") not in kept
    # The id of the thread is part of a comment's own address, and stays with the comment's mention.
    assert kept.count(b"t3_gone") == 1
    assert stage.client.command("SELECT count() FROM mentions WHERE post_id = 't3_gone'") == 0
    words = "SELECT countIf(has(terms, 'sentence')) AS told, count() > 0 AS others FROM mention_terms"
    assert stage.client.query(words).first_row == (0, 1)
    assert "t3_gone" not in set(memory.seen(LISTING))
    assert memory.due_rechecks(stage.now * 2, 10) == []

    stage.post("t3_gone", BUDAPEST, later=9_000)
    stage.post("t3_after", BUDAPEST, later=9_000)
    wait_until(lambda: "t3_after" in stage.evidence() and stage.counts()[1] > 1, "another post counted")
    assert "t3_gone" in memory.seen(LISTING)
    assert stage.counts() == {1: 2, 2: 1}
    assert stage.evidence() == {"t1_under", "t3_kept", "t3_after"}
    outcome = verify_pipeline(
        stage.settings, COUNT_APP, wait_seconds=30, settle_seconds=10, say=lambda _: None, deep=True
    )
    assert [check.problems for check in outcome.checks if not check.ok] == []


def test_an_authors_posts_are_found_by_his_name(stage: Stage) -> None:
    """All of an account's posts go, in whatever case the name is given; those of others with a like name stay."""
    stage.post("t3_his", MAD_MAX, author="Some_One")
    stage.post("t1_his", None, author="Some_One", body=f"{MAD_MAX} again")
    stage.post("t3_other", MAD_MAX, author="Some_One-else")
    wait_until(lambda: {"t3_his", "t3_other", "t1_his"} <= stage.evidence(), "posts counted")

    result = stage.forget("--author", "u/some_one")

    assert (found(result), result.return_value) == ({}, 0)
    assert not {"t3_his", "t1_his"} & stage.evidence()
    assert "t3_other" in stage.evidence()


def test_what_is_left_is_told_with_its_end(stage: Stage) -> None:
    """With a worker that does not run, the post is in its state: exit code 1, the place, and until when at the latest.

    Run again once the worker is back, it goes on to the end.
    """
    stage.post("t3_half", MAD_MAX)
    wait_until(lambda: "t3_half" in stage.evidence(), "post counted")
    counter = stage.workers.started[1]
    assert counter.stop() == 0

    half = stage.forget("t3_half", "--wait", "3")
    rows = {row["where"]: row for row in json.loads(half.stdout) if row["found"]}
    stage.workers.started[1] = stage.workers.ready("count")
    whole = stage.forget("t3_half")

    assert half.return_value == 1
    assert "cinepulse-count-changelog" in rows
    assert all(row["until"] for row in rows.values())
    assert "count has not come so far" in half.stderr
    assert (found(whole), whole.return_value) == ({}, 0)


@pytest.mark.parametrize(
    ("text", "fullname"),
    [
        ("t3_1abcde", "t3_1abcde"),
        ("t1_x", "t1_x"),
        ("https://www.reddit.com/r/movies/comments/1abcde/some_title/", "t3_1abcde"),
        ("https://old.reddit.com/comments/1abcde", "t3_1abcde"),
        ("https://www.reddit.com/r/movies/comments/1abcde/some_title/kx2/?context=3", "t1_kx2"),
    ],
)
def test_a_post_is_named_by_id_or_address(text: str, fullname: str) -> None:
    """What a user copies from Reddit is understood."""
    assert fullname_of(text) == fullname


@pytest.mark.parametrize("arguments", [["1abcde"], ["t2_account"], ["t3_%"], [], ["--author", "no name"]])
def test_what_names_no_post_is_refused(arguments: list[str], tmp_path: Path) -> None:
    """Before anything is asked or removed."""
    result = CliRunner().invoke(command, ["--data-dir", str(tmp_path), *arguments])

    assert result.exit_code == 2
    assert "Usage" in result.stderr
