"""A producer as it runs in production: its own process, its environment, its signals."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx

from cinepulse.local.ports import PortPicker
from tests.fixtures.loopback import loopback
from tests.fixtures.world import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

READY_SECONDS = 30
STOP_SECONDS = 10


class Process:
    """One `cinepulse produce SOURCE` with its log in `directory`."""

    def __init__(self, source: str, directory: Path, environment: Mapping[str, str]) -> None:
        self._log = directory / f"{source}.log"
        self._port = PortPicker().pick()
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CINEPULSE_")}
        own = {"CINEPULSE_DATA_DIR": str(directory), "CINEPULSE_METRICS_PORT": str(self._port)}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cinepulse", "produce", source],
                env=clean | own | dict(environment),
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def log(self) -> str:
        """Return what it has said so far."""
        return self._log.read_text("utf-8")

    def healthy(self) -> bool:
        """Return whether its probe answers 200."""
        try:
            return loopback().get(f"http://127.0.0.1:{self._port}/healthz").status_code == httpx.codes.OK
        except httpx.HTTPError:
            assert self._process.poll() is None, self.log()
            return False

    def wait_ready(self) -> None:
        """Return once it is healthy."""
        eventually(self.healthy, READY_SECONDS)

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        self._process.terminate()
        return self.wait()

    def wait(self) -> int:
        """Return the exit code of a process that ends by itself."""
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


@contextmanager
def running(source: str, directory: Path, environment: Mapping[str, str]) -> Iterator[Process]:
    """Run a producer, killed in the end if it still runs."""
    process = Process(source, directory, environment)
    try:
        yield process
    finally:
        process.kill()
