"""No secret is found where it does not belong: real parts run with secrets that are then looked for everywhere."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
from base64 import b64encode
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import httpx
import psutil
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from pydantic import SecretStr

from cinepulse.cli import cli
from cinepulse.local.claim import claim
from cinepulse.local.processes import families
from cinepulse.local.state import read_record
from cinepulse.settings import ENDPOINTS_FILE, Settings, load_settings, variable_of
from clickhouse.client import connect
from schemas.provision import admin_client, create_topics
from schemas.topics import REDDIT_POSTS, TOPICS
from tests.cinepulse.local.conftest import until
from tests.fixtures.kafka import unused_port
from tests.fixtures.secure_kafka import SecureBroker
from tests.fixtures.world import running_world
from tests.generate_docs import leaves

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.fixtures.tls import Authority
    from tests.fixtures.world import RunningWorld

pytestmark = pytest.mark.real

SECRETS: Final = sorted(name for name, field in Settings.model_fields.items() if field.annotation is SecretStr)
# Its `up` speaks to no registry and needs no login at its own broker.
UP_SECRETS: Final = ("clickhouse_password", "reddit_client_secret", "tmdb_read_token")
USERS: Final = ("cinepulse", "canary-user")
# Long, since a machine that is busy is no failure.
STACK_SECONDS: Final = 240
COMMAND_SECONDS: Final = 150


@dataclass(frozen=True)
class Canaries:
    """One value for each secret, found nowhere by chance."""

    values: Mapping[str, str]

    @classmethod
    def fresh(cls, kind: str) -> Canaries:
        """Return values that no other test has."""
        return cls({name: f"canary-{kind}-{name.replace('_', '-')}-{secrets.token_hex(8)}" for name in SECRETS})

    def found(self, text: str | bytes) -> set[str]:
        """Return the secrets that a text holds: plain, quoted for a URL, or packed for a header."""
        data = text.encode("utf-8", "replace") if isinstance(text, str) else text
        return {name for name, value in self.values.items() if any(form.encode() in data for form in _forms(value))}


def _forms(value: str) -> Iterator[str]:
    yield value
    yield quote(value, safe="")
    # Without the last letters, which depend on what follows.
    yield from (b64encode(f"{user}:{value}".encode()).decode().rstrip("=")[:-4] for user in USERS)
    yield b64encode(value.encode()).decode().rstrip("=")[:-4]


def test_the_search_finds_what_is_there() -> None:
    """A search that finds nothing proves nothing unless it finds what was put there, in each form."""
    canaries = Canaries.fresh("found")
    value = canaries.values["clickhouse_password"]

    for text in (value, f"http://h/?p={value}", "Basic " + b64encode(f"cinepulse:{value}".encode()).decode()):
        assert canaries.found(b"before " + text.encode() + b" after") == {"clickhouse_password"}
    assert canaries.found("canary-found-clickhouse-password-") == set()


def command(*arguments: str) -> list[str]:
    """Return the command line of `cinepulse` in this interpreter."""
    return [sys.executable, "-P", "-m", "cinepulse", *arguments]


def environment(home: Path, **settings: str) -> dict[str, str]:
    """Return the environment of a command on a data directory, with settings by field name."""
    return {**os.environ, "CINEPULSE_DATA_DIR": str(home)} | {
        variable_of(name): text for name, text in settings.items()
    }


def started(given: Mapping[str, str], *arguments: str) -> subprocess.Popen[bytes]:
    """Start a command, what it says kept for `communicate`."""
    return subprocess.Popen(
        command(*arguments), env=dict(given), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
    )


def said_by(process: subprocess.Popen[bytes]) -> bytes:
    """Return all that a command has said, once it has ended."""
    return process.communicate(timeout=COMMAND_SECONDS)[0]


def shown_by_ps() -> str:
    """Return the command line of every process of this machine, as anybody can see it."""
    lines = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            lines.append("\0".join(process.cmdline()))
    return "\n".join(lines)


def everything_in(settings: Settings) -> bytes:
    """Return all keys and values of all topics, as they are stored."""
    consumer = Consumer(
        {"bootstrap.servers": settings.kafka_bootstrap, "group.id": "canaries", "enable.auto.commit": False}
    )
    found = bytearray()
    try:
        for topic in consumer.list_topics(timeout=10).topics.values():
            ends = {
                number: consumer.get_watermark_offsets(TopicPartition(topic.topic, number), timeout=10)[1]
                for number in topic.partitions
            }
            consumer.assign([TopicPartition(topic.topic, number, 0) for number, end in ends.items() if end])
            left = {number for number, end in ends.items() if end}
            while left:
                for message in consumer.consume(2_000, 0.2):
                    found += (message.key() or b"") + b"\0" + (message.value() or b"") + b"\0"
                for at in consumer.position([TopicPartition(topic.topic, number) for number in left]):
                    if at.offset >= ends[at.partition]:
                        left.discard(at.partition)
    finally:
        consumer.close()
    return bytes(found)


def files_below(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield each file's name and content; a running engine's folders come and go meanwhile, which `os.walk` takes."""
    for place, _, names in os.walk(folder):
        for path in (Path(place, name) for name in names):
            if path.is_file() and not path.is_symlink():
                with suppress(FileNotFoundError):
                    yield str(path.relative_to(folder)), path.read_bytes()


@pytest.fixture
def canaries() -> Canaries:
    """Return the secrets of a test."""
    return Canaries.fresh("right")


@pytest.fixture
def guarded_world(canaries: Canaries) -> Iterator[RunningWorld]:
    """Yield a world that takes only the test's secrets."""
    accepted = {name: SecretStr(canaries.values[name]) for name in ("reddit_client_secret", "tmdb_read_token")}
    with running_world(settings=Settings.model_validate(accepted), seed=5, rate=20) as world:
        yield world


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Return the data directory of an `up`, and end what a failed test leaves there."""
    path = tmp_path / "home"
    yield path
    with claim(path):
        """Ends what is left."""


def sources(world: RunningWorld) -> dict[str, str]:
    """Return the settings that lead to a world, without its secrets."""
    return {
        "reddit_url": world.url,
        "reddit_client_id": "cinepulse",
        "tmdb_url": world.tmdb_url,
        "tmdb_files_url": world.tmdb_files_url,
        "subreddits": ",".join(world.state()["subreddits"]),
        "reddit_poll_seconds": "1",
        "tmdb_poll_seconds": "5",
        "log_level": "DEBUG",
    }


@pytest.mark.timeout(STACK_SECONDS * 3)
def test_a_running_stack_shows_no_secret(  # noqa: PLR0915 - one run of the whole stack, looked at from all sides
    canaries: Canaries, guarded_world: RunningWorld, home: Path, tmp_path: Path
) -> None:
    """The whole stack, through faults and a kill: nothing in `ps`, environments, logs, files, topics and tables."""
    mine = {name: canaries.values[name] for name in UP_SECRETS}
    output = tmp_path / "output"
    with output.open("wb") as file:
        up = subprocess.Popen(
            command("up"), env=environment(home, **sources(guarded_world), **mine), stdout=file, stderr=file
        )
    try:
        until(lambda: up.poll() is not None or "Everything works" in output.read_text(), seconds=STACK_SECONDS)
        assert up.poll() is None, output.read_text()
        guarded_world.start()
        settings = load_settings(data_dir=home)
        tables = connect(settings)
        until(lambda: tables.command("SELECT count() FROM mentions") > 0, seconds=STACK_SECONDS)

        record = read_record(home)
        assert record is not None
        children = families(record.processes())
        assert len(children) >= 7
        seen = {" ".join(child.cmdline())[-60:]: canaries.found(str(child.environ())) for child in children}
        assert {name: found for name, found in seen.items() if found} == {}
        assert canaries.found(shown_by_ps()) == set()

        guarded_world.fault("unauthorized", side="reddit")
        guarded_world.fault("unavailable", count=5)
        producer = Producer({"bootstrap.servers": settings.kafka_bootstrap})
        producer.produce(REDDIT_POSTS.name, b"not avro", b"neither", partition=0)
        producer.flush(10)
        sink = next(part.process for part in record.parts if part.name == "sink" and part.process)
        os.kill(sink.pid, signal.SIGKILL)
        until(lambda: tables.command("SELECT count() FROM dead_letters") > 0, seconds=STACK_SECONDS)
        # Beside each other, since most of their time is waiting.
        asked = [
            started(environment(home, **more), *words)
            for words, more in (
                (("status", "--format", "json"), {}),
                (("trends",), {"clickhouse_password": canaries.values["kafka_sasl_password"]}),
                (("trends",), {"clickhouse_port": str(unused_port())}),
                (("movie", "no such film"), {}),
            )
        ]
        said = b"".join(said_by(process) for process in asked)
        metrics = "".join(
            httpx.get(f"http://127.0.0.1:{part.port}/metrics", trust_env=False).text
            for part in record.parts
            if part.name in ("reddit", "tmdb", "link", "count")
        )
        topics = everything_in(settings)
        # Views show nothing but what tables hold, and some of them want a parameter.
        stored = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine NOT LIKE '%View'"
        names = [row[0] for row in tables.query(stored).result_rows]
        rows = b"".join(
            tables.raw_query("SELECT * FROM {table:Identifier} FORMAT TSV", parameters={"table": name})
            for name in names
        )
        endpoints = home / ENDPOINTS_FILE
        modes = {
            path.name: path.stat().st_mode & 0o777
            for path in (endpoints, home / "run" / "secrets.json")
            if path.exists()
        }
        assert json.loads(endpoints.read_text())["clickhouse_password"] == canaries.values["clickhouse_password"]
        written = [name for name, content in files_below(home) if canaries.found(content)]
    finally:
        up.send_signal(signal.SIGINT)
        code = up.wait(COMMAND_SECONDS)

    assert code == 0
    assert set(modes.values()) == {0o600}
    assert written == [str(ENDPOINTS_FILE)]
    assert len(topics) > 100_000
    assert b"not avro" in topics
    assert b"CINEPULSE_CLICKHOUSE_PASSWORD" in said
    assert "cinepulse_records_delivered_total" in metrics
    looked_at = {"output": output.read_bytes(), "said": said, "metrics": metrics.encode(), "topics": topics}
    looked_at |= {"rows": rows, **dict(files_below(home))}
    assert {name: canaries.found(content) for name, content in looked_at.items() if canaries.found(content)} == {}
    assert any(name.startswith("logs/") and content for name, content in looked_at.items())


def _secret_settings(canaries: Canaries) -> dict[str, str]:
    return {name: canaries.values[name] for name in SECRETS}


@pytest.mark.timeout(STACK_SECONDS * 3)
def test_commands_that_fail_show_no_secret(tmp_path: Path, authority: Authority, guarded_world: RunningWorld) -> None:
    """Each part, by hand, is refused by whatever it logs in to: its last line says what to set, and no password."""
    wrong = Canaries.fresh("wrong")
    broker = SecureBroker(tmp_path / "broker", authority)
    with ExitStack() as stack:
        stack.callback(broker.process.kill)
        broker.start()
        refused = {
            **_secret_settings(wrong),
            "kafka_bootstrap": f"localhost:{broker.ports['SASL_PLAINTEXT']}",
            "kafka_security_protocol": "SASL_PLAINTEXT",
            "kafka_sasl_mechanism": "PLAIN",
            "kafka_sasl_user": "canary-user",
            "clickhouse_host": "127.0.0.1",
            "clickhouse_port": str(unused_port()),
            "log_level": "DEBUG",
        }
        let_in = refused | {
            "kafka_bootstrap": broker.process.bootstrap,
            "kafka_security_protocol": "PLAINTEXT",
            "kafka_sasl_user": "",
        }
        registry = {"schema_registry_url": f"http://127.0.0.1:{unused_port()}", "schema_registry_user": "canary-user"}
        create_topics(admin_client(broker.process.bootstrap), TOPICS, partitions=4, replication_factor=1)
        cases = {
            "kafka": (refused, ("topics", "list")),
            "kafka, faust": (refused, ("process", "count")),
            "reddit": (let_in | sources(guarded_world), ("produce", "reddit")),
            "tmdb": (let_in | sources(guarded_world), ("produce", "tmdb")),
            "clickhouse": (let_in, ("migrate",)),
            "registry": (let_in | registry, ("process", "count")),
            "settings": (refused | {"kafka_sasl_user": ""}, ("topics", "list")),
            "address": (
                let_in | {"schema_registry_url": f"http://u:{wrong.values['schema_registry_password']}@r"},
                ("migrate",),
            ),
        }
        processes = {}
        for number, (name, (fields, words)) in enumerate(cases.items()):
            given = {field: text for field, text in fields.items() if text}
            processes[name] = started(environment(tmp_path / f"data{number}", **given), *words)
            stack.callback(processes[name].kill)
        assert wrong.found(shown_by_ps()) == set()
        said = {name: said_by(process) for name, process in processes.items()}
        outcomes = {name: (process.returncode, said[name]) for name, process in processes.items()}

    assert {name: code for name, (code, _) in outcomes.items() if code not in (1, 2)} == {}
    assert b"uthentication" in outcomes["kafka"][1]
    assert {name: wrong.found(said) for name, (_, said) in outcomes.items() if wrong.found(said)} == {}
    assert {
        name for name, (_, said) in outcomes.items() if not said.splitlines()[-1].startswith(b"cinepulse: ")
    } == set()
    assert {name: wrong.found(content) for name, content in files_below(tmp_path) if wrong.found(content)} == {}


def test_every_secret_is_looked_for() -> None:
    """A setting whose name says that it is a secret is one: shown nowhere, and looked for above."""
    telling = {name for name in Settings.model_fields if re.search(r"password|secret|token|_key$|webhook_url", name)}

    assert telling == set(SECRETS)


def test_no_secret_is_a_flag() -> None:
    """What stands on a command line is seen by everybody: secrets come from the environment or from a file."""
    flags = {parameter.name for _, each in leaves(cli) for parameter in each.params}

    assert "kafka_bootstrap" in flags
    assert flags.isdisjoint(SECRETS)
