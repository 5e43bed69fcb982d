"""The Reddit producer as a process: killed, stopped, misconfigured."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from cinepulse.settings import Settings
from schemas.provision import admin_client, create_topics
from schemas.topics import REDDIT_POSTS, TOPICS
from tests.fixtures.world import eventually
from tests.producers.process import running
from tests.producers.tape import Tape

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fixtures.kafka import BrokerProcess
    from tests.fixtures.world import RunningWorld

pytestmark = pytest.mark.real


def environment(world: RunningWorld, bootstrap: str) -> dict[str, str]:
    """Return the variables with which a producer reads the world into the broker."""
    return {
        "CINEPULSE_KAFKA_BOOTSTRAP": bootstrap,
        "CINEPULSE_REDDIT_URL": world.url,
        "REDDIT_CLIENT_SECRET": world.client_secret,
        "CINEPULSE_SUBREDDITS": ",".join(world.state()["subreddits"]),
        "CINEPULSE_REDDIT_POLL_SECONDS": "0.2",
    }


def test_killed_again_and_again_it_loses_nothing(
    make_world: Callable[..., RunningWorld], topics: str, tape: Tape, tmp_path: Path
) -> None:
    """Three kill -9 while posts pour in: every post that Reddit showed is in Kafka, at least once.

    What came and went while no producer ran was shown to nobody.
    """
    world = make_world(seed=3, rate=50)
    world.start()

    for enough in (1_000, 1_080, 1_160):
        with running("reddit", tmp_path, environment(world, topics)) as producer:
            eventually(partial(arrived, tape, enough), 60)
            producer.kill()
    world.freeze()
    served = {post["name"] for post in world.posts() if post["_state"] == "live"}

    with running("reddit", tmp_path, environment(world, topics)) as producer:
        producer.wait_ready()
        eventually(lambda: served <= set(tape.keys(REDDIT_POSTS)), 60)

        assert producer.stop() == 0


def test_sigterm_during_a_request(world: RunningWorld, topics: str, tmp_path: Path) -> None:
    """A request that Reddit does not answer holds up the exit no longer than its grace."""
    with running("reddit", tmp_path, environment(world, topics)) as producer:
        producer.wait_ready()
        fault = world.fault("slow", seconds=30, where="headers", count=100)
        eventually(lambda: hits(world, fault["id"]) > 0)

        assert producer.stop() == 0
        assert "reddit.stopped" in producer.log()


def test_kafka_dies_and_comes_back(world: RunningWorld, tmp_path: Path, fresh_broker: BrokerProcess) -> None:
    """Kafka is killed and started again: the producer waits, and what Reddit showed meanwhile arrives."""
    settings = Settings(kafka_bootstrap=fresh_broker.bootstrap)
    create_topics(admin_client(fresh_broker.bootstrap), TOPICS, partitions=settings.partitions, replication_factor=1)
    tape = Tape(settings)
    tape.rewind()
    with running("reddit", tmp_path, environment(world, fresh_broker.bootstrap)) as producer:
        eventually(lambda: len(tape.keys(REDDIT_POSTS)) >= 900, 60)

        fresh_broker.kill()
        names = world.fault("burst", count=50, subreddit="movies")["names"]
        eventually(lambda: "producer.broker_unavailable" in producer.log(), 30)
        fresh_broker.start()

        eventually(lambda: set(names) <= set(tape.keys(REDDIT_POSTS)), 60)
        assert producer.stop() == 0
    tape.close()


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("CINEPULSE_REDDIT_URL", "http://reddit.example", "CINEPULSE_REDDIT_URL"),
        ("CINEPULSE_SUBREDDITS", "not a name", "CINEPULSE_SUBREDDITS"),
        ("REDDIT_CLIENT_SECRET", "wrong", "REDDIT_CLIENT_ID"),
    ],
)
def test_wrong_settings_end_it(  # noqa: PLR0913, PLR0917 - the case's fields beside the fixtures
    world: RunningWorld, topics: str, tmp_path: Path, variable: str, value: str, said: str
) -> None:
    """A wrong setting ends the process with exit code 2 and one line that names it."""
    with running("reddit", tmp_path, environment(world, topics) | {variable: value}) as producer:
        assert producer.wait() == 2
        assert said in producer.log().splitlines()[-1]
        assert "Traceback" not in producer.log()


def arrived(tape: Tape, enough: int) -> bool:
    """Return whether so many different posts have arrived."""
    return len(set(tape.keys(REDDIT_POSTS))) >= enough


def hits(world: RunningWorld, number: int) -> int:
    """Return how many requests a fault has taken."""
    return int(next(fault["hits"] for fault in world.get("/_world/faults").json() if fault["id"] == number))
