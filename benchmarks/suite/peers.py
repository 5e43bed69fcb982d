"""Runs the peers of the count stage: their processes, their output topics, their counts."""

from __future__ import annotations

import json
import shutil
import struct
import sys
from importlib.metadata import distributions
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from benchmarks.suite import kafka_streams
from benchmarks.suite.children import ROOT, child_of
from benchmarks.suite.model import Contender, ContenderFailed, Measured
from benchmarks.suite.topics import create_topic, delete_matching, read_topic
from cinepulse.clock import MILLISECONDS_PER_DAY
from schemas.provision import admin_client
from schemas.topics import MOVIE_MENTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.suite.mentions import Counts, MentionsTopic

    Reading = Callable[[bytes, bytes], tuple[tuple[int, int], int]]
    Command = Callable[[Mapping[str, str | int]], list[str]]

ENVIRONMENT: Final = ROOT / ".venv" / "bench"
PYTHON: Final = ENVIRONMENT / "bin" / "python"
KEY_SCHEMA: Final = ROOT / "schemas" / "avro" / "movie.mentions-key.v1.avsc"
PEER_SECONDS: Final = 1_200.0
FILM_AND_START: Final = struct.Struct(">qq")
LONG: Final = struct.Struct(">q")


def python_peer(name: str, module: str, package: str, about: str, **options: object) -> Contender:
    """Return the contender that a module of `benchmarks.peers` is; `package` is the distribution it stands on."""

    def command(task: Mapping[str, str | int]) -> list[str]:
        return [str(PYTHON), "-m", f"benchmarks.peers.{module}", json.dumps(dict(task))]

    def missing() -> str | None:
        if installed(package):
            return None
        where = f"for Python {sys.version_info.major}.{sys.version_info.minor}"
        return f"{package} is not installed: run `make bench`; if that does not help there is none {where}"

    reading, output = READINGS.get(module, _json_pair), OUTPUTS.get(module, "{output}")
    return Contender(
        name,
        lambda given: _run(given, module, command, reading, output),
        peer=True,
        about=about,
        missing=missing,
        versions=lambda: {name: installed(name) or "" for name in (package, CLIENTS.get(module, "confluent-kafka"))},
        **options,  # type: ignore[arg-type]  # the rest of a Contender's own fields
    )


def kafka_streams_peer(about: str, **options: object) -> Contender:
    """Return Kafka Streams as a contender."""

    def command(task: Mapping[str, str | int]) -> list[str]:
        names = ("bootstrap", "topic", "output", "group", "records", "directory", "key_schema")
        return kafka_streams.command([str(task[name]) for name in names])

    return Contender(
        "Kafka Streams",
        lambda given: _run(given, "kafka-streams", command, _windowed, "{output}"),
        peer=True,
        about=about,
        missing=kafka_streams.missing,
        versions=kafka_streams.versions,
        **options,  # type: ignore[arg-type]  # the rest of a Contender's own fields
    )


def installed(package: str) -> str | None:
    """Return a distribution's version in the peers' environment, None when it is not there."""
    folders = [str(folder) for folder in ENVIRONMENT.glob("lib/python*/site-packages")]
    return next((found.version for found in distributions(name=package, path=folders)), None)


def _run(given: MentionsTopic, name: str, command: Command, reading: Reading, output: str) -> Measured:
    group = f"peer-{name}-{uuid4().hex[:8]}"
    topic = f"{group}-output"
    create_topic(admin_client(given.bootstrap), topic, given.partitions)
    directory = given.new_directory(name)
    try:
        task: dict[str, str | int] = {
            "bootstrap": given.bootstrap,
            "topic": MOVIE_MENTIONS.name,
            "output": topic,
            "group": group,
            "records": given.records,
            "partitions": given.partitions,
            "key_schema": str(KEY_SCHEMA),
            "directory": str(directory / "state"),
        }
        with child_of(command(task), directory) as child:
            if child.wait(PEER_SECONDS):
                raise ContenderFailed(child.reason())
            told = json.loads(child.text().strip().splitlines()[-1])
        counts = _counts(given.bootstrap, output.format(output=topic, group=group), reading)
        extra = {"cpu_seconds": told["cpu_seconds"], "memory_mb": child.memory_mb}
        return Measured(told["records"], told["seconds"], counts, extra)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        delete_matching(given.bootstrap, group)


def _counts(bootstrap: str, topic: str, reading: Reading) -> Counts:
    """Return the last count of each film and day that a topic tells."""
    return dict(reading(key, value) for key, value in read_topic(bootstrap, topic) if value is not None)


def _json_pair(key: bytes, value: bytes) -> tuple[tuple[int, int], int]:
    film, day = json.loads(key)
    return (film, day), int(value)


def _windowed(key: bytes, value: bytes) -> tuple[tuple[int, int], int]:
    """Read what Kafka Streams' serializer of time windows writes: the key, then the window's start."""
    film, start = FILM_AND_START.unpack(key)
    return (film, start // MILLISECONDS_PER_DAY), LONG.unpack(value)[0]


def _quix_window(key: bytes, value: bytes) -> tuple[tuple[int, int], int]:
    window = json.loads(value)
    return (int(key), window["start"] // MILLISECONDS_PER_DAY), window["count"]


def _faust_window(key: bytes, value: bytes) -> tuple[tuple[int, int], int]:
    """Read a windowed table's changelog: the key and the window's start and end, seconds."""
    film, (start, _end) = json.loads(key)
    return (int(film), round(start) * 1_000 // MILLISECONDS_PER_DAY), json.loads(value)


READINGS: Final[Mapping[str, Reading]] = {"quix": _quix_window, "faust_app": _faust_window}
CLIENTS: Final[Mapping[str, str]] = {"faust_app": "aiokafka"}
OUTPUTS: Final[Mapping[str, str]] = {"faust_app": "{group}-counts-changelog"}
