from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from cinepulse.local.processes import ProcessRef
from cinepulse.local.state import (
    PartRecord,
    StackRecord,
    explicit_values,
    read_record,
    stable_secret,
    write_endpoints,
    write_private,
    write_record,
)
from cinepulse.settings import ENDPOINTS_FILE, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def plain_umask() -> Iterator[None]:
    """Set the usual umask, under which new files are readable by all."""
    import os

    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("plain_umask")
def test_private_files_are_their_owner_s_alone(tmp_path: Path) -> None:
    """The file with the secrets can be read by no other user, whatever the umask."""
    write_private(tmp_path / "run" / "endpoints.json", {})

    assert stat.S_IMODE((tmp_path / "run" / "endpoints.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o700
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["endpoints.json"]


def test_a_record_reads_back_as_written(tmp_path: Path) -> None:
    """`status` sees what `up` saw."""
    part = PartRecord("kafka", 9092, "kafka:9092", "logs/kafka.log", "healthy", 2, ProcessRef(5, 1.5), 1.5)
    record = StackRecord(ProcessRef(1, 0.5), ProcessRef(2, 0.75), "socket", (part,))

    write_record(tmp_path, record)

    assert read_record(tmp_path) == record


def test_orphans_are_ended_from_the_supervisor_down() -> None:
    """Supervisord comes first, or it would start again what is ended; then the parts, last started first."""
    parts = tuple(PartRecord(str(pid), 1, "kafka:1", "", "healthy", 0, ProcessRef(pid, 0)) for pid in (3, 4))
    record = StackRecord(ProcessRef(1, 0), ProcessRef(2, 0), None, parts)

    assert [ref.pid for ref in record.processes()] == [2, 4, 3]


def test_endpoints_are_settings_for_other_commands(tmp_path: Path) -> None:
    """What `up` writes, secrets in plain, is what a command on the same directory runs with."""
    write_endpoints(
        tmp_path,
        {
            "kafka_bootstrap": "127.0.0.1:29092",
            "clickhouse_password": SecretStr("hidden"),
            "reddit_recheck_seconds": (1.0, 2.0),
            "subreddits": ["movies", "horror"],
        },
    )

    settings = load_settings(data_dir=tmp_path)

    assert settings.kafka_bootstrap == "127.0.0.1:29092"
    assert settings.clickhouse_password.get_secret_value() == "hidden"
    assert settings.reddit_recheck_seconds == (1.0, 2.0)
    assert settings.subreddits == ("movies", "horror")


def test_a_detached_load_does_not_see_a_former_stack(tmp_path: Path) -> None:
    """`up` starts from flags, environment and defaults, not from the addresses of the stack that was killed."""
    write_endpoints(tmp_path, {"kafka_bootstrap": "127.0.0.1:29092"})

    assert load_settings(attached=False, data_dir=tmp_path).kafka_bootstrap == "127.0.0.1:9092"


def test_only_what_was_set_is_passed_on(tmp_path: Path) -> None:
    """Parts run with the flags and variables that `up` got; defaults and the data directory are not written down."""
    settings = load_settings(attached=False, data_dir=tmp_path, partitions=8, reddit_client_secret="hidden")

    assert explicit_values(settings) == {"partitions": 8, "reddit_client_secret": SecretStr("hidden")}


def test_generated_secrets_last(tmp_path: Path) -> None:
    """A password outlives the stack it was made for; each name and each directory has its own."""
    first = stable_secret(tmp_path, "clickhouse_password")

    assert stable_secret(tmp_path, "clickhouse_password") == first
    assert stable_secret(tmp_path, "tmdb_read_token") != first
    assert stable_secret(tmp_path / "other", "clickhouse_password") != first
    assert len(first) >= 32


def test_a_broken_secrets_file_is_replaced(tmp_path: Path) -> None:
    """A file cut off by a full disk does not keep the stack from starting."""
    write_private(tmp_path / "run" / "secrets.json", {})
    (tmp_path / "run" / "secrets.json").write_text('{"click')

    secret = stable_secret(tmp_path, "clickhouse_password")

    assert json.loads((tmp_path / "run" / "secrets.json").read_text()) == {"clickhouse_password": secret}


def test_the_endpoints_file_is_where_settings_look() -> None:
    """Writer and reader agree on the place."""
    assert Path("run", "endpoints.json") == ENDPOINTS_FILE
