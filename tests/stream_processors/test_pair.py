from __future__ import annotations

from pathlib import Path

from cinepulse.settings import Settings
from stream_processors.pair import child_environment


def test_each_worker_gets_the_settings_and_a_metrics_port_of_its_own() -> None:
    """Flags given to the pair reach both workers through their environment."""
    settings = Settings(data_dir=Path("d"), kafka_bootstrap="b:1", flush_seconds=0.2, metrics_port=9100)

    link, count = (child_environment(settings, place, {"PATH": "p"}) for place in (0, 1))

    assert link["CINEPULSE_KAFKA_BOOTSTRAP"] == "b:1"
    assert link["CINEPULSE_FLUSH_SECONDS"] == "0.2"
    assert (link["CINEPULSE_METRICS_PORT"], count["CINEPULSE_METRICS_PORT"]) == ("9100", "9101")
    assert link["PATH"] == "p"
    assert "SCHEMA_REGISTRY_URL" not in link


def test_without_metrics_neither_serves_any() -> None:
    """Port 0 is no port."""
    assert child_environment(Settings(metrics_port=0), 1, {})["CINEPULSE_METRICS_PORT"] == "0"
