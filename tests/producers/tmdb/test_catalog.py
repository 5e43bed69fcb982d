from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from producers.tmdb.catalog import CATALOG_DAY
from producers.tmdb.run import produce, read_catalog
from schemas.publisher import Publisher
from schemas.topics import TMDB_MOVIES, TMDB_POPULARITY
from tests.fakes.kafka import MemoryBroker
from tests.fixtures.world import running_world
from tests.producers.tape import CODEC
from tests.producers.tmdb.bench import TooLong, with_parts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from producers.tmdb.parts import Parts
    from schemas.events import Movie
    from tests.fixtures.world import RunningWorld
    from tests.producers.tape import Tape

pytestmark = pytest.mark.real

MATRIX = 603
AVATAR = 19995


@pytest.fixture(scope="module")
def shared_world() -> Iterator[RunningWorld]:
    """Return one world for all tests of the module."""
    with running_world(seed=1) as world:
        yield world


@pytest.fixture
def tmdb(shared_world: RunningWorld) -> RunningWorld:
    """Return the shared world without faults."""
    shared_world.clear_faults()
    return shared_world


class Ready(Exception):
    """The producer said that it is ready."""


def bootstrap(
    tmdb: RunningWorld, data_dir: Path, publisher: Publisher, *, most_pauses: int = 100_000, **changes: Any
) -> None:
    """Read the whole catalogue once."""
    settings = tmdb.settings(**{"tmdb_tracked_titles": 20} | changes)
    with_parts(settings, data_dir, publisher, read_catalog, most_pauses=most_pauses)


def films(tape: Tape) -> dict[int, Movie]:
    """Return each film as its topic's compaction would keep it."""
    return dict(tape.read(TMDB_MOVIES))


class TestCatalog:
    """The first pass over everything."""

    def test_every_film_is_published(
        self, tmdb: RunningWorld, tmp_path: Path, publisher: Publisher, tape: Tape
    ) -> None:
        """All films are there once, the most popular with details, and the marker comes after all of them."""
        bootstrap(tmdb, tmp_path, publisher)

        known = films(tape)
        assert len(known) == tmdb.state()["films"]
        sources = [movie.source for movie in known.values()]
        assert (sources.count("details"), sources.count("list")) == (20, len(known) - 20)
        assert [report.outcome for report in tape.reports("catalog")] == ["ok"]
        assert tape.reports("catalog")[0].items == len(known)

    def test_details_say_more_than_lists(
        self, tmdb: RunningWorld, tmp_path: Path, publisher: Publisher, tape: Tape
    ) -> None:
        """A tracked film has people and genres by name, and a revenue beyond 32 bits survives."""
        bootstrap(tmdb, tmp_path, publisher, tmdb_tracked_titles=1000)

        avatar = films(tape)[AVATAR]
        assert avatar.source == "details"
        assert avatar.revenue_usd == 2_923_706_026
        assert avatar.directors
        assert "Adventure" in avatar.genres

    def test_every_title_has_a_popularity(
        self, tmdb: RunningWorld, tmp_path: Path, publisher: Publisher, tape: Tape
    ) -> None:
        """The export gives one snapshot a film, all of the same instant: the start of the file's day."""
        bootstrap(tmdb, tmp_path, publisher)

        exported = [one for _, one in tape.read(TMDB_POPULARITY) if one.source == "export"]
        assert len(exported) == len({one.tmdb_id for one in exported}) == tmdb.state()["films"]
        (instant,) = {one.observed_at for one in exported}
        assert datetime.fromtimestamp(instant / 1000, UTC).time().isoformat() == "00:00:00"
        assert all(one.popularity is not None and one.rank is None for one in exported)

    def test_a_second_pass_publishes_no_film(
        self, tmdb: RunningWorld, tmp_path: Path, publisher: Publisher, tape: Tape
    ) -> None:
        """Nothing changed, so nothing is said again of any film."""
        bootstrap(tmdb, tmp_path, publisher)
        tape.rewind()

        bootstrap(tmdb, tmp_path, publisher)

        assert tape.read(TMDB_MOVIES) == []
        assert len(tape.reports("catalog")) == 1

    def test_the_size_is_a_setting(self, tmdb: RunningWorld, tmp_path: Path, publisher: Publisher, tape: Tape) -> None:
        """Only the most popular films make the catalogue; all titles keep their popularity."""
        bootstrap(tmdb, tmp_path, publisher, tmdb_catalog_titles=50)

        exported = [one for _, one in tape.read(TMDB_POPULARITY) if one.source == "export"]
        top = sorted(exported, key=lambda one: -one.popularity)[:50]
        assert set(films(tape)) == {one.tmdb_id for one in top}
        assert len(exported) == tmdb.state()["films"]

    def test_films_that_no_list_shows(
        self, tmdb: RunningWorld, tmp_path: Path, publisher: Publisher, tape: Tape
    ) -> None:
        """When discover shows nothing, the export's original titles make the catalogue."""
        empty = '{"page": 1, "results": [], "total_pages": 1, "total_results": 0}'
        tmdb.fault("not_json", body=empty, path="/discover/", count=1000)

        bootstrap(tmdb, tmp_path, publisher)

        sources = [movie.source for movie in films(tape).values()]
        assert sources.count("export") == tmdb.state()["films"] - 20
        assert all(movie.title for movie in films(tape).values())

    def test_without_any_export(self, tmdb: RunningWorld, tmp_path: Path, publisher: Publisher, tape: Tape) -> None:
        """When TMDB has no file of the last week, the lists alone make the catalogue."""
        tmdb.fault("status", status=404, path="/exports/", count=1000)

        bootstrap(tmdb, tmp_path, publisher)

        assert len(films(tape)) == tmdb.state()["films"]
        assert [movie.source for movie in films(tape).values()].count("details") == 20
        assert len(tape.reports("catalog")) == 1


class TestBadInput:
    """Wrong answers on the way."""

    def test_a_film_with_every_field_null(
        self, tmdb: RunningWorld, tmp_path: Path, publisher: Publisher, tape: Tape
    ) -> None:
        """Its details go to dead letters; what the list said of it stays, and the other films are there."""
        tmdb.fault("null_film", tmdb_id=MATRIX)

        bootstrap(tmdb, tmp_path, publisher, tmdb_tracked_titles=1000)

        (letter,) = tape.dead_letters()
        assert (letter.stage, letter.source, letter.reason) == ("producer", "tmdb/details", "missing_id")
        assert str(MATRIX).encode() in (letter.value or b"")
        assert films(tape)[MATRIX].source == "list"
        assert len(films(tape)) == tmdb.state()["films"]

    @pytest.mark.parametrize(
        "fault",
        [
            {"kind": "truncated", "path": "/exports/"},
            {"kind": "status", "status": 503, "path": "/exports/", "count": 6},
            {"kind": "status", "status": 503, "path": "/discover/", "count": 6},
            {"kind": "html", "path": "/genre/", "count": 6},
            {"kind": "status", "status": 429, "retry_after": 40, "path": "/movie/", "count": 3},
        ],
        ids=str,
    )
    def test_an_outage_delays_the_catalogue(
        self, tmdb: RunningWorld, tmp_path: Path, publisher: Publisher, tape: Tape, fault: dict[str, Any]
    ) -> None:
        """A step that fails is tried again until it succeeds: the marker still comes after a whole catalogue."""
        tmdb.fault(**fault)

        bootstrap(tmdb, tmp_path, publisher)

        assert len(films(tape)) == tmdb.state()["films"]
        assert [report.outcome for report in tape.reports("catalog")] == ["ok"]

    def test_one_film_that_always_fails(
        self, tmdb: RunningWorld, tmp_path: Path, publisher: Publisher, tape: Tape
    ) -> None:
        """A film whose details TMDB cannot give does not hold up the others."""
        tmdb.fault("status", status=500, path=f"/movie/{MATRIX}", count=1000)

        bootstrap(tmdb, tmp_path, publisher, tmdb_tracked_titles=1000)

        known = films(tape)
        assert known[MATRIX].source == "list"
        assert [movie.source for movie in known.values()].count("details") == len(known) - 1


class TestMemory:
    """What survives the process."""

    def test_a_restart_announces_the_catalogue_at_once(
        self, tmdb: RunningWorld, tmp_path: Path, publisher: Publisher, tape: Tape
    ) -> None:
        """With a memory the marker comes before any request to TMDB, and then the producer is ready."""
        bootstrap(tmdb, tmp_path, publisher)
        tape.rewind()

        def on_ready() -> None:
            raise Ready

        async def start(parts: Parts) -> int:
            with pytest.raises(Ready):
                await produce(parts, on_ready)
            return parts.client.requests

        requests = with_parts(tmdb.settings(), tmp_path, publisher, start)

        assert requests == 0
        assert [report.outcome for report in tape.reports("catalog")] == ["ok"]

    def test_nothing_is_remembered_before_kafka_has_it(
        self, tmdb: RunningWorld, tmp_path: Path, publisher: Publisher, tape: Tape
    ) -> None:
        """A process that dies while Kafka is away has written nothing down: the next one publishes everything."""
        dying = Publisher(MemoryBroker(down=True).connect, CODEC, partitions=4, flush_seconds=0.01)
        with pytest.raises(TooLong):
            bootstrap(tmdb, tmp_path, dying, most_pauses=200)

        async def remembered(parts: Parts) -> tuple[int, str | None]:
            return parts.state.count(), parts.state.get(CATALOG_DAY)

        assert with_parts(tmdb.settings(), tmp_path, publisher, remembered) == (0, None)
        bootstrap(tmdb, tmp_path, publisher)
        assert len(films(tape)) == tmdb.state()["films"]
