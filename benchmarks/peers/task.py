"""What a peer is told and what it tells: JSON on the command line in, one JSON line out."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro

HEADER_BYTES = 5
"""Confluent's wire format: a zero byte and four bytes of schema id before the Avro body."""

MILLISECONDS_PER_DAY = 86_400_000


@dataclass(frozen=True)
class Task:
    """What to count, and where the counts go; the topics exist."""

    bootstrap: str
    topic: str
    output: str
    group: str
    records: int
    partitions: int
    key_schema: str
    directory: str


def read_task() -> Task:
    """Return the task on the command line."""
    return Task(**json.loads(sys.argv[1]))


class Keys:
    """Reads keys of `movie.mentions`."""

    def __init__(self, task: Task) -> None:
        schema = json.loads(Path(task.key_schema).read_text("utf-8"))
        for field in schema["fields"]:
            if isinstance(field["type"], dict):
                # Without its logical type an instant stays a number, which spares making a datetime of it.
                field["type"] = field["type"]["type"]
        self._schema = fastavro.parse_schema(schema)

    def film_and_instant(self, key: bytes) -> tuple[int, int]:
        """Return the TMDB id and when the post was written, milliseconds since 1970-01-01 UTC."""
        body = BytesIO(key)
        body.seek(HEADER_BYTES)
        fields: Any = fastavro.schemaless_reader(body, self._schema, None)
        return fields["tmdb_id"], fields["created_at"]


@dataclass
class Told:
    """What a peer tells of a run: records counted, and the span from the first one to the last output delivered."""

    records: int
    seconds: float
    cpu_seconds: float


class Stopwatch:
    """Starts with the first record, so that start-up is nobody's time."""

    def __init__(self) -> None:
        self._started: float | None = None
        self._cpu = 0.0

    def start(self) -> None:
        """Start, if this is the first call."""
        if self._started is None:
            self._started = time.perf_counter()
            self._cpu = time.process_time()

    def tell(self, records: int) -> None:
        """Stop, and print what there is to tell."""
        if self._started is None:
            raise SystemExit("no record came")
        seconds = time.perf_counter() - self._started
        told = Told(records, seconds, time.process_time() - self._cpu)
        # On a line of its own, and to the real output: Faust turns the other one into log lines.
        print("\n" + json.dumps(asdict(told)), file=sys.__stdout__, flush=True)
