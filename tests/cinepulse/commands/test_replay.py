"""Replays beside a real pipeline: broker, engine, workers and sink; what they find, promote and leave behind."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from cinepulse.commands.replay import replay as command
from cinepulse.commands.replaying import Console, Plan, Replayer
from cinepulse.commands.verify import COUNT_GROUP
from cinepulse.errors import ConfigurationInvalid
from clickhouse.ask import ask
from clickhouse.shadow import Shadow, abandoned, drop
from clickhouse.verification import verify_pipeline
from schemas.codec import Codec
from schemas.events import CoverageKey, Mention, MentionKey, Movie, PollReport, RedditPost
from schemas.provision import admin_client, create_topics
from schemas.publisher import Publisher
from schemas.registry import ManifestIds
from schemas.topics import MOVIE_MENTIONS, PIPELINE_COVERAGE, REDDIT_POSTS, TMDB_MOVIES, TOPICS
from stream_processors.resending import Resender
from tests.clickhouse.pipeline import PARTITIONS, Pipeline, eventually
from tests.stream_processors.running import Workers, workers_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from confluent_kafka.admin import AdminClient

    from cinepulse.commands.replaying import ReplayReport
    from cinepulse.settings import Settings
    from stream_processors.replaying import Observation
    from tests.fixtures.kafka import BrokerProcess

pytestmark = pytest.mark.real

BUDAPEST, MAD_MAX = "The Grand Budapest Hotel", "Mad Max: Fury Road"
HOTEL_ID, MAX_ID = 1, 2
# The linker is sure of the hotel, and doubts the short name of the other film.
BOTH, DOUBTFUL = f"Mad Max and {BUDAPEST}", "i saw mad max yesterday"
STRICT, LENIENT = 0.95, 0.1

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
YESTERDAY = TODAY - timedelta(days=1)
CODEC = Codec(ManifestIds())


def at(day: datetime, hours: float = 0.0) -> int:
    """Return an instant of a day, milliseconds."""
    return round((day + timedelta(hours=hours)).timestamp() * 1_000)


class Live:
    """A running pipeline and what a test sends into it."""

    def __init__(self, pipeline: Pipeline, workers: Workers) -> None:
        self.pipeline = pipeline
        self.workers = workers
        self.settings = pipeline.settings
        self.publisher = Publisher.connected(self.settings, "test")
        self.observed = at(TODAY, -1)

    def worker(self, name: str, **options: object) -> Any:
        """Start a worker and return it once it works."""
        arguments = [text for option, value in options.items() for text in (f"--{option}", str(value))]
        return self.workers.ready(name, *arguments, CINEPULSE_PARTITIONS=str(PARTITIONS))

    def catalogue(self) -> None:
        """Send two films, and that there are no more."""
        for tmdb_id, title in ((HOTEL_ID, BUDAPEST), (MAX_ID, MAD_MAX)):
            known = {"release_date": "2019-05-01", "popularity": 40.0, "vote_count": 5_000}
            film = Movie(tmdb_id=tmdb_id, title=title, observed_at=1, source="details", **known)  # type: ignore[arg-type]  # fields of the record
            self.publisher.publish(TMDB_MOVIES, tmdb_id, film)
        report = PollReport(started_at=1, finished_at=2, outcome="ok", requests=1, items=2, known=0)
        self.publisher.publish(PIPELINE_COVERAGE, CoverageKey(source="tmdb", listing="catalog"), report)
        self.publisher.flush()

    def post(self, name: str, title: str | None, **changes: Any) -> None:
        """Send an observation of a post of yesterday, each later than those before."""
        self.observed += 1
        seen = RedditPost(
            fullname=name,
            kind="submission",
            subreddit="movies",
            title=title,
            body="",
            created_at=at(YESTERDAY, 10),
            observed_at=self.observed,
            score=1,
            state="live" if title else "deleted",
        )
        self.publisher.publish(REDDIT_POSTS, name, replace(seen, **changes))
        self.publisher.flush()

    def mention(self, tmdb_id: int, post_id: str, *, gone: bool = False, **changes: Any) -> None:
        """Send a mention, or its retraction, as the link stage would."""
        key = MentionKey(tmdb_id=tmdb_id, platform="reddit", post_id=post_id, created_at=at(YESTERDAY, 10))
        mention = Mention(
            community="movies",
            kind="comment",
            location="body",
            method="name",
            confidence=0.9,
            score=1,
            observed_at=at(TODAY, -1),
            linker_version="test",
        )
        self.publisher.publish(MOVIE_MENTIONS, replace(key, **changes), None if gone else mention)

    def replay(self, topic: str, *, threshold: float = STRICT, **options: Any) -> ReplayReport:
        """Replay yesterday."""
        settings = self.settings.model_copy(update={"link_threshold": threshold})
        plan = Plan(topic, YESTERDAY.date(), TODAY.date(), **{"wait_seconds": 60, **options})
        return Replayer(settings, plan, Console()).run()

    def served(self) -> set[tuple[str, int]]:
        """Return the mentions that queries show, by post and film."""
        return set(self.pipeline.rows("SELECT post_id, tmdb_id FROM mentions FINAL"))

    def counts(self) -> dict[int, int]:
        """Return yesterday's counts that queries show, by film."""
        query = "SELECT tmdb_id, mentions FROM mention_counts FINAL WHERE mentions > 0 AND day = {day:Date}"
        found = self.pipeline.client.query(query, parameters={"day": YESTERDAY.date()})
        return dict(found.result_rows)

    def await_counts(self, expected: dict[int, int]) -> None:
        """Return once queries show these counts, and the tables have all of the topics: either may be there first."""
        eventually(lambda: self.counts() == expected and self.pipeline.settled(), f"counts are {expected}")

    def shadows(self) -> list[str]:
        """Return the shadow databases there are."""
        prefix = {"prefix": f"{self.settings.clickhouse_database}_replay_"}
        return [row["name"] for row in ask(self.pipeline.client, "shadow_databases", **prefix)]

    def verified(self) -> bool:
        """Return whether `cinepulse verify` finds everything right."""
        outcome = verify_pipeline(self.settings, COUNT_GROUP, wait_seconds=60, settle_seconds=30, say=lambda _: None)
        assert outcome.ok, outcome
        return outcome.ok


@pytest.fixture
def live(fresh_broker: BrokerProcess, clickhouse_settings: Settings, tmp_path: Path) -> Iterator[Live]:
    """Give a pipeline on the topics' own names whose sink runs; workers are the test's to start."""
    admin = admin_client(fresh_broker.bootstrap)
    eventually(lambda: created(admin), "topics created")
    pipeline = Pipeline(fresh_broker.bootstrap, clickhouse_settings, prefix="")
    pipeline.group = "cinepulse-sink"
    with workers_of(fresh_broker.bootstrap, tmp_path) as workers, pipeline.sinking():
        made = Live(pipeline, workers)
        yield made
    for shadow in made.shadows():
        drop(pipeline.settings, shadow)
    ours = [name for name in admin.list_topics(timeout=10).topics if not name.startswith("__")]
    for answer in admin.delete_topics(ours, operation_timeout=10).values():
        answer.result(30)
    for group in admin.delete_consumer_groups(["cinepulse-sink", "cinepulse-link", "cinepulse-count"]).values():
        group.exception(30)


def created(admin: AdminClient) -> bool:
    """Return whether the topics are there; right after a deletion the broker may still mean the old ones."""
    try:
        create_topics(admin, TOPICS, partitions=PARTITIONS, replication_factor=1)
    except (ConfigurationInvalid, KeyError):
        return False
    return True


def totals(report: ReplayReport) -> tuple[int, int, int, int]:
    """Return how many mentions are only in the replay, only live, differ, and how many film-days differ."""
    found = report.comparison.totals
    kinds = ("mentions_only_replay", "mentions_only_live", "mentions_differing", "film_days_differing")
    return tuple(found[kind] for kind in kinds)  # type: ignore[return-value]  # four of them


def test_a_new_linker_is_reported_and_promoted_through_the_live_pipeline(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Posts replayed with the live linker are equal; with another one, what differs is told, then promoted.

    The promotion is refused while the running link stage is the old one. A post that is deleted on Reddit while it is
    being promoted ends deleted, and one that is deleted later takes its promoted mention along.
    """
    live.catalogue()
    strict, _ = live.worker("link", **{"link-threshold": STRICT}), live.worker("count")
    live.post("t3_1a", BOTH)
    live.post("t3_2a", DOUBTFUL)
    live.post("t3_3a", BUDAPEST)
    live.post("t3_4a", DOUBTFUL, created_at=at(YESTERDAY, -1))
    live.post("t3_5a", BUDAPEST)
    live.post("t3_5a", None)
    live.post("t3_6a", DOUBTFUL)

    first, second = (live.replay("reddit.posts", keep=True, jobs=jobs) for jobs in (1, 2))

    assert first.comparison.equal
    assert first.comparison.totals["mentions_replayed"] == 2
    assert (first.records_read, first.records_replayed, first.poison) == (7, 6, 0)
    for table, columns in (("mentions", "* EXCEPT (ingested_at)"), ("mention_counts", "tmdb_id, day, mentions")):
        one, other = (
            f"SELECT {columns} FROM {report.shadow}.{table} FINAL"  # noqa: S608 - names of the test's own
            for report in (first, second)
        )
        assert live.pipeline.rows(f"{one} EXCEPT {other}") == live.pipeline.rows(f"{other} EXCEPT {one}") == []
        assert live.pipeline.rows(one)

    refused = live.replay("reddit.posts", threshold=LENIENT, promote=True)

    assert totals(refused) == (3, 0, 0, 1)
    assert [(row["post_id"], row["tmdb_id"]) for row in refused.comparison.mentions] == [
        ("t3_1a", MAX_ID),
        ("t3_2a", MAX_ID),
        ("t3_6a", MAX_ID),
    ]
    assert [(row["live"], row["replayed"]) for row in refused.comparison.counts] == [(0, 3)]
    assert refused.refused is not None
    assert "running link stage" in refused.refused
    assert live.served() == {("t3_1a", HOTEL_ID), ("t3_3a", HOTEL_ID)}

    assert strict.stop() == 0
    live.worker("link", **{"link-threshold": LENIENT})
    send = Resender.send

    def deleted_meanwhile(self: Resender, posts: Mapping[str, Observation]) -> None:
        if "t3_6a" in posts:
            monkeypatch.setattr(Resender, "send", send)
            live.post("t3_6a", None)
        send(self, posts)

    monkeypatch.setattr(Resender, "send", deleted_meanwhile)
    promoted = live.replay("reddit.posts", threshold=LENIENT, promote=True)

    assert (promoted.refused, promoted.after and promoted.after.equal) == (None, True)
    assert live.served() == {("t3_1a", HOTEL_ID), ("t3_1a", MAX_ID), ("t3_2a", MAX_ID), ("t3_3a", HOTEL_ID)}
    assert live.counts() == {HOTEL_ID: 2, MAX_ID: 2}
    assert live.verified()

    live.post("t3_2a", None)
    live.await_counts({HOTEL_ID: 2, MAX_ID: 1})
    again = live.replay("reddit.posts", threshold=LENIENT, promote=True)

    assert again.comparison.equal
    assert again.promotion is not None
    assert again.promotion.sent_again == 0
    assert live.verified()
    assert sorted(live.shadows()) == sorted([str(first.shadow), str(second.shadow)])


def test_tables_that_are_not_the_logs_are_found_and_mended(live: Live) -> None:
    """Rows lost, altered, invented and not retracted in ClickHouse, and a wrong count, all come back from the log.

    Afterwards the live pipeline goes on: its next revisions win.
    """
    live.worker("count")
    live.mention(HOTEL_ID, "t1_0")
    live.mention(HOTEL_ID, "t1_0", gone=True)
    for number in range(1, 6):
        live.mention(HOTEL_ID, f"t1_{number}")
    live.mention(MAX_ID, "t1_9", created_at=at(YESTERDAY, -5))
    live.publisher.flush()
    live.await_counts({HOTEL_ID: 5})
    # A record of another post, to see what the log cannot speak of any more.
    for statement in (
        "DELETE FROM mentions WHERE post_id = 't1_1'",
        """INSERT INTO mentions SELECT * REPLACE ('t1_77' AS post_id)
            FROM (SELECT * FROM mentions WHERE post_id = 't1_2')""",
        "INSERT INTO mentions SELECT * REPLACE (0.1 AS confidence) FROM mentions FINAL WHERE post_id = 't1_3'",
        """INSERT INTO mentions SELECT * REPLACE (revision + 1 AS revision, 0 AS is_deleted)
            FROM (SELECT * FROM mentions WHERE post_id = 't1_0' AND is_deleted)""",
        """INSERT INTO mention_counts SELECT * REPLACE (9 AS mentions) FROM mention_counts FINAL
            WHERE day = {day:Date}""",
    ):
        live.pipeline.client.command(statement, parameters={"day": YESTERDAY.date()})

    report = live.replay("movie.mentions")

    assert totals(report) == (1, 2, 1, 1)
    assert live.counts() == {HOTEL_ID: 9}
    (altered,) = [row for row in report.comparison.mentions if row["difference"] == "differing"]
    assert (altered["post_id"], altered["columns"], altered["live"]) == ("t1_3", ["confidence"], ["0.1"])

    before = parts(live)
    promoted = live.replay("movie.mentions", promote=True)

    assert (promoted.refused, promoted.after and promoted.after.equal) == (None, True)
    assert {post for post, film in live.served() if film == HOTEL_ID} == {f"t1_{number}" for number in range(1, 6)}
    assert live.counts() == {HOTEL_ID: 5}
    assert parts(live) - before == 2, "one part a table, so that a reader sees a promotion as a whole"
    assert live.verified()

    live.mention(HOTEL_ID, "t1_6")
    live.mention(HOTEL_ID, "t1_1", gone=True)
    live.publisher.flush()
    gone_on = {(f"t1_{number}", HOTEL_ID) for number in range(2, 7)} | {("t1_9", MAX_ID)}
    eventually(lambda: live.served() == gone_on and live.counts() == {HOTEL_ID: 5}, "live goes on")
    assert live.verified()


def parts(live: Live) -> int:
    """Return how many inserts the two tables have seen."""
    query = """
        SELECT sum(inserts) FROM
        (
            SELECT max(max_block_number) AS inserts FROM system.parts
            WHERE database = currentDatabase() AND table IN ('mentions', 'mention_counts')
            GROUP BY table, partition
        )"""
    ((found,),) = live.pipeline.rows(query)
    return int(found)


def test_posts_that_the_log_no_longer_has_are_kept(live: Live) -> None:
    """Text lives for 48 hours: mentions of older posts are told, counted along, and neither differ nor go."""
    live.catalogue()
    live.worker("link", **{"link-threshold": STRICT})
    live.worker("count")
    live.mention(HOTEL_ID, "t3_old")
    live.publisher.flush()
    live.post("t3_1a", BUDAPEST)
    live.await_counts({HOTEL_ID: 2})

    report = live.replay("reddit.posts", promote=True)

    assert (report.comparison.equal, report.comparison.totals["mentions_beyond_log"]) == (True, 1)
    assert ("t3_old", HOTEL_ID) in live.served()


def test_a_pipeline_that_stands_still_is_told_and_nothing_promoted(live: Live) -> None:
    """Without workers the live tables lag: the report says so, and a promotion is refused."""
    live.mention(HOTEL_ID, "t1_1")
    live.publisher.flush()

    report = live.replay("movie.mentions", promote=True, wait_seconds=0.5)

    assert report.comparison.behind > 0
    assert "behind" in str(report.refused)


def test_an_interrupted_replay_leaves_nothing_behind(live: Live) -> None:
    """Ctrl-C drops the shadow at once; what kill -9 left is dropped by the next replay, unless it is kept."""
    live.mention(HOTEL_ID, "t1_1")
    live.publisher.flush()

    def interrupt(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    plan = Plan("movie.mentions", YESTERDAY.date(), TODAY.date(), wait_seconds=0)
    with pytest.raises(KeyboardInterrupt):
        Replayer(live.settings, plan, Console(advance=interrupt)).run()
    assert live.shadows() == []

    ids = ManifestIds()
    killed, working = (Shadow.create(live.settings, ids, CODEC) for _ in range(2))
    kept = live.replay("movie.mentions", keep=True, wait_seconds=0).shadow
    for name in (killed.name, kept):
        for statement in (
            f"CREATE TABLE {name}.old AS {name}.shadow_leases",
            f"INSERT INTO {name}.old SELECT beat - 3600, kept FROM {name}.shadow_leases",  # noqa: S608 - a test's own name
            f"EXCHANGE TABLES {name}.old AND {name}.shadow_leases",
        ):
            live.pipeline.client.command(statement)
    assert abandoned(live.settings) == [killed.name]

    live.replay("movie.mentions", wait_seconds=0)

    assert sorted(live.shadows()) == sorted([working.name, str(kept)])


def run(settings: Settings, *arguments: str) -> tuple[int, str]:
    """Run the command and return its exit code and output."""
    environment = {
        "CINEPULSE_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "CINEPULSE_PARTITIONS": str(PARTITIONS),
        "CINEPULSE_CLICKHOUSE_HOST": settings.clickhouse_host,
        "CINEPULSE_CLICKHOUSE_PORT": str(settings.clickhouse_port),
        "CINEPULSE_CLICKHOUSE_USER": settings.clickhouse_user,
        "CINEPULSE_CLICKHOUSE_PASSWORD": settings.clickhouse_password.get_secret_value(),
        "CINEPULSE_CLICKHOUSE_DATABASE": settings.clickhouse_database,
    }
    outcome = CliRunner(env=environment).invoke(command, arguments)
    return outcome.exit_code, outcome.output


def test_the_command_prints_every_format(live: Live) -> None:
    """A table for people, JSON with all totals, CSV with the rows that differ."""
    live.worker("count")
    live.mention(HOTEL_ID, "t1_1")
    live.publisher.flush()
    live.await_counts({HOTEL_ID: 1})
    live.pipeline.client.command("DELETE FROM mentions WHERE post_id = 't1_1'")
    days = ["--topic", "movie.mentions", "--from", f"{YESTERDAY:%Y-%m-%d}", "--to", f"{TODAY:%Y-%m-%d}"]

    code, table = run(live.settings, *days)
    assert code == 0
    assert "1 mentions only in the replay" in table
    assert "t1_1" in table

    code, document = run(live.settings, *days, "--format", "json")
    found = json.loads(document)
    assert (code, found["comparison"]["mentions_only_replay"], found["comparison"]["equal"]) == (0, 1, False)

    code, rows = run(live.settings, *days, "--format", "csv", "--promote")
    assert code == 0
    assert rows.splitlines()[0].startswith("what,difference,day,tmdb_id")
    assert "only_replay" in rows
    assert live.served() == {("t1_1", HOTEL_ID)}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--from", "2026-11-20", "--to", "2026-11-20"], "--to must lie behind --from"),
        (["--from", "2026-11-20T10:00", "--to", "2026-11-21"], "--from must be the beginning of a UTC day"),
        (["--from", "yesterday", "--to", "2026-11-21"], "'yesterday' does not match"),
    ],
)
def test_wrong_days_are_refused(arguments: list[str], told: str) -> None:
    """Half days cannot be counted, and an empty range is a mistake."""
    outcome = CliRunner().invoke(command, ["--topic", "movie.mentions", *arguments])

    assert outcome.exit_code == 2
    assert told in outcome.output
