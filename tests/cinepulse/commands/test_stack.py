"""The wiring of the embedded pipeline: ports, settings and the order of its parts."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from cinepulse.commands.stack import Ports, WorldChoice, endpoint_values, pick_ports, pipeline
from cinepulse.errors import ConfigurationInvalid, StackUnavailable
from cinepulse.local.ports import PortPicker
from cinepulse.local.state import write_endpoints
from cinepulse.settings import Settings, load_settings

if TYPE_CHECKING:
    from pathlib import Path

PARTS = ("tmdb", "count", "sink", "link", "alerts", "reddit", "verify")
PORTS = Ports(19092, 19093, 18123, 18090, {name: port for port, name in enumerate(PARTS, 1)})
WORLD = "http://127.0.0.1:18090"


def detached(home: Path, **flags: Any) -> Settings:
    """Return settings as `up` builds them."""
    return load_settings(attached=False, data_dir=home, **flags)


def attached(home: Path, **flags: Any) -> Settings:
    """Return the settings that every command sees while a stack with those flags runs."""
    write_endpoints(home, endpoint_values(detached(home, **flags), PORTS, home))
    return load_settings(data_dir=home)


def names(home: Path, **flags: Any) -> list[set[str]]:
    """Return the names of the parts, stage by stage."""
    values = endpoint_values(detached(home, **flags), PORTS, home)
    return [{part.name for part in stage.parts} for stage in pipeline(home, PORTS, values, WorldChoice())]


def test_parts_come_in_the_order_of_their_dependencies(tmp_path: Path) -> None:
    """Stores and world first, then what works on them, the verification last: nothing that counts waits for it."""
    assert names(tmp_path) == [
        {"kafka", "clickhouse", "world"},
        {"tmdb", "count", "sink", "link", "alerts", "reddit"},
        {"verify"},
    ]


def test_without_keys_the_world_is_the_source(tmp_path: Path) -> None:
    """All commands find the loopback Reddit and TMDB, with generated credentials and quick polls."""
    settings = attached(tmp_path)

    assert (settings.reddit_url, settings.tmdb_url) == (WORLD, f"{WORLD}/tmdb/3")
    assert settings.tmdb_files_url == f"{WORLD}/tmdb/files"
    assert settings.reddit_client_id == "cinepulse"
    assert len(settings.reddit_client_secret.get_secret_value()) > 20
    assert len(settings.tmdb_read_token.get_secret_value()) > 20
    assert settings.reddit_poll_seconds == 1
    assert settings.reddit_recheck_seconds == (4, 10, 20)
    assert settings.tmdb_requests_per_second == 200


def test_with_keys_reddit_and_tmdb_are_the_source(tmp_path: Path) -> None:
    """In live mode no world starts, the real addresses stay and so do polite pauses."""
    keys = {"reddit_client_id": "id", "reddit_client_secret": "secret", "tmdb_read_token": "token"}

    settings = attached(tmp_path, **keys)

    assert names(tmp_path, **keys)[0] == {"kafka", "clickhouse"}
    assert settings.reddit_url is None
    assert settings.tmdb_url == Settings.model_fields["tmdb_url"].default
    assert settings.reddit_client_secret.get_secret_value() == "secret"
    assert settings.reddit_poll_seconds == Settings.model_fields["reddit_poll_seconds"].default
    assert settings.tmdb_poll_seconds == Settings.model_fields["tmdb_poll_seconds"].default


def test_the_world_stands_in_for_the_source_without_keys_only(tmp_path: Path) -> None:
    """With a TMDB token and no Reddit app the films are TMDB's and the posts the world's."""
    settings = attached(tmp_path, tmdb_read_token="token")

    assert settings.reddit_url == WORLD
    assert settings.tmdb_url == Settings.model_fields["tmdb_url"].default
    assert "world" in names(tmp_path, tmdb_read_token="token")[0]


def test_what_was_set_stays_set(tmp_path: Path) -> None:
    """Flags and variables of `up` reach every part, also where the embedded stack has another habit."""
    settings = attached(tmp_path, reddit_poll_seconds=3, partitions=7, clickhouse_password="mine")

    assert settings.reddit_poll_seconds == 3
    assert settings.partitions == 7
    assert settings.clickhouse_password.get_secret_value() == "mine"


def test_all_addresses_are_the_picked_ones_on_loopback(tmp_path: Path) -> None:
    """A production setting of several replicas or TLS does not reach the embedded servers."""
    settings = attached(tmp_path, replication_factor=3, clickhouse_secure=True, clickhouse_host="db.internal")

    assert settings.kafka_bootstrap == "127.0.0.1:19092"
    assert (settings.clickhouse_host, settings.clickhouse_port) == ("127.0.0.1", 18123)
    assert settings.replication_factor == 1
    assert not settings.clickhouse_secure


def test_no_secret_is_in_a_command_line_or_environment(tmp_path: Path) -> None:
    """`ps` shows neither keys nor generated passwords."""
    keys = {"reddit_client_id": "id", "reddit_client_secret": "s3cret-a", "tmdb_read_token": "s3cret-b"}
    for flags in ({}, keys):
        values = endpoint_values(detached(tmp_path, **flags), PORTS, tmp_path)
        secrets = [str(values[name]) for name in ("clickhouse_password", "reddit_client_secret", "tmdb_read_token")]

        shown = repr(pipeline(tmp_path, PORTS, values, WorldChoice()))

        assert not any(secret in shown for secret in secrets)


def test_the_world_gets_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts run in another directory than the one in which the user named the files."""
    monkeypatch.chdir(tmp_path)

    arguments = WorldChoice(seed=0, posts=tmp_path.relative_to(tmp_path) / "posts.jsonl", speed=2.5).arguments()

    assert arguments == ("--seed", "0", "--posts", str(tmp_path / "posts.jsonl"), "--speed", "2.5")


def test_taken_usual_ports_are_replaced(tmp_path: Path) -> None:
    """Another program on a usual port changes the port, not the start; no two parts share one."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        holder.listen(1)
        usual = holder.getsockname()[1]
        settings = detached(tmp_path).model_copy(update={})
        object.__setattr__(settings, "clickhouse_port", usual)

        ports = pick_ports(settings, PortPicker())

    picked = [ports.kafka, ports.controller, ports.clickhouse, ports.world, *ports.metrics.values()]
    assert usual not in picked
    assert len(set(picked)) == len(picked) == 12


def test_a_port_that_was_set_is_not_replaced(tmp_path: Path) -> None:
    """Who asks for a port gets it, or one line that says what asked for it."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        taken = holder.getsockname()[1]

        with pytest.raises(StackUnavailable, match="CINEPULSE_CLICKHOUSE_PORT"):
            pick_ports(detached(tmp_path, clickhouse_port=taken), PortPicker())


def test_a_remote_kafka_is_no_embedded_one(tmp_path: Path) -> None:
    """A bootstrap setting meant for production is refused by name."""
    with pytest.raises(ConfigurationInvalid, match="CINEPULSE_KAFKA_BOOTSTRAP"):
        pick_ports(detached(tmp_path, kafka_bootstrap="broker:9092"), PortPicker())


def test_a_login_is_not_for_the_embedded_broker(tmp_path: Path) -> None:
    """Settings of TLS and SASL meant for production are refused by name, before anything starts."""
    with pytest.raises(ConfigurationInvalid, match="CINEPULSE_KAFKA_SECURITY_PROTOCOL"):
        endpoint_values(detached(tmp_path, kafka_security_protocol="SSL"), PORTS, tmp_path)
