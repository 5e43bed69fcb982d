from __future__ import annotations

from typing import TYPE_CHECKING, cast

from cinepulse.settings import Settings
from stream_processors.app import SESSION_SECONDS, make_app
from stream_processors.outbox import PROMPT_MS

if TYPE_CHECKING:
    from pathlib import Path

    from stream_processors.batch_worker import BatchWorker


def test_every_bootstrap_server_is_passed_on(tmp_path: Path) -> None:
    """A cluster is reached by whichever of its brokers is up."""
    settings = Settings(data_dir=tmp_path, kafka_bootstrap="one:9092, two:9093")

    app = make_app("cinepulse-count", "movie.mentions", cast("BatchWorker", None), settings)

    assert [(url.scheme, url.host, url.port) for url in app.conf.broker] == [
        ("cinepulse", "one", 9092),
        ("cinepulse", "two", 9093),
    ]


def test_what_a_paused_worker_holds_expires_before_its_partitions_move(tmp_path: Path) -> None:
    """Kafka gives partitions away after the session less one heartbeat; unsent records are void well before."""
    app = make_app("cinepulse-count", "movie.mentions", cast("BatchWorker", None), Settings(data_dir=tmp_path))

    assert app.conf.broker_session_timeout == SESSION_SECONDS
    assert SESSION_SECONDS - app.conf.broker_heartbeat_interval - 1 > PROMPT_MS / 1_000


def test_what_faust_writes_stays_in_the_data_directory(tmp_path: Path) -> None:
    """No directory appears where the command was run."""
    app = make_app("cinepulse-count", "movie.mentions", cast("BatchWorker", None), Settings(data_dir=tmp_path / "new"))

    assert app.conf.datadir.is_relative_to(tmp_path / "new")
