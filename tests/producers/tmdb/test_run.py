"""The TMDB producer as a process: killed, stopped, misconfigured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schemas.topics import TMDB_MOVIES
from tests.fixtures.world import eventually
from tests.producers.process import running

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.world import RunningWorld
    from tests.producers.tape import Tape

pytestmark = pytest.mark.real


def environment(world: RunningWorld, bootstrap: str) -> dict[str, str]:
    """Return the variables with which a producer reads the world into the broker."""
    return {
        "CINEPULSE_KAFKA_BOOTSTRAP": bootstrap,
        "CINEPULSE_TMDB_URL": world.tmdb_url,
        "CINEPULSE_TMDB_FILES_URL": world.tmdb_files_url,
        "TMDB_READ_TOKEN": world.read_token,
        "CINEPULSE_TMDB_POLL_SECONDS": "1",
    }


def test_killed_on_the_way_it_still_delivers_the_catalogue(
    world: RunningWorld, topics: str, tape: Tape, tmp_path: Path
) -> None:
    """Kill -9 in mid-catalogue, then a restart: ready means that every film is there; SIGTERM ends it with 0."""
    variables = environment(world, topics)
    with running("tmdb", tmp_path, variables) as producer:
        eventually(lambda: len(tape.keys(TMDB_MOVIES)) > 0, 30)
        producer.kill()

    with running("tmdb", tmp_path, variables) as producer:
        producer.wait_ready()

        assert len(set(tape.keys(TMDB_MOVIES))) == world.state()["films"]
        assert tape.reports("catalog")
        eventually(lambda: bool(tape.reports("trending_day")))
        assert producer.stop() == 0
        assert "tmdb.stopped" in producer.log()


def test_sigterm_during_a_request(world: RunningWorld, topics: str, tmp_path: Path) -> None:
    """A request that TMDB does not answer does not hold up the exit."""
    fault = world.fault("slow", seconds=60, where="headers", count=100, side="tmdb")
    with running("tmdb", tmp_path, environment(world, topics)) as producer:
        eventually(
            lambda: next(one["hits"] for one in world.get("/_world/faults").json() if one["id"] == fault["id"]) > 0, 20
        )

        assert producer.stop() == 0


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("TMDB_READ_TOKEN", "wrong", "TMDB_READ_TOKEN"),
        ("CINEPULSE_TMDB_URL", "http://tmdb.example/3", "CINEPULSE_TMDB_URL"),
    ],
)
def test_wrong_settings_end_it(  # noqa: PLR0913, PLR0917 - the case's fields beside the fixtures
    world: RunningWorld, topics: str, tmp_path: Path, variable: str, value: str, said: str
) -> None:
    """A wrong setting ends the process with exit code 2 and one line that names it."""
    with running("tmdb", tmp_path, environment(world, topics) | {variable: value}) as producer:
        assert producer.wait() == 2
        assert said in producer.log().splitlines()[-1]
        assert "Traceback" not in producer.log()
