"""All workers as child processes of one, for machines where one service a role is too many."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from threading import Thread
from typing import TYPE_CHECKING, Final

from cinepulse.settings import PREFIX, variable_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cinepulse.settings import Settings

WORKERS: Final = ("link", "count", "alerts")
POLL_SECONDS: Final = 0.1
# A worker takes up to five seconds to stop cleanly.
STOP_SECONDS: Final = 8.0

PROGRAM: Final = """\
import sys
from stream_processors.pair import end_with_parent
end_with_parent()
from cinepulse.cli import main
sys.exit(main(sys.argv[1:]))
"""

PASSED: Final = (
    "data_dir",
    "log_level",
    "kafka_bootstrap",
    "partitions",
    "replication_factor",
    "schema_registry_url",
    "link_threshold",
    "grace_hours",
    "disorder_hours",
    "idle_hours",
    "flush_seconds",
    "dead_letter_max_share",
    "metrics_host",
)


def run_pair(settings: Settings) -> int:
    """Run all workers until SIGTERM or SIGINT, or until one ends.

    Returns 0 when told to stop and all stopped cleanly, 1 otherwise.
    """
    children: list[subprocess.Popen[bytes]] = []
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda signalled, _frame: told.append(signalled))
    try:
        # One by one, so that whatever happens in between, those started are ended.
        for place, worker in enumerate(WORKERS):
            children.append(_start(worker, child_environment(settings, place, os.environ)))
        while not told and all(child.poll() is None for child in children):
            time.sleep(POLL_SECONDS)
    finally:
        codes = _end(children)
    return 0 if told and not any(codes) else 1


def child_environment(settings: Settings, place: int, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the worker in that place: ours, the settings, and a metrics port of its own."""
    values = {name: getattr(settings, name) for name in PASSED}
    given = {variable_of(name): str(value) for name, value in values.items() if value is not None}
    port = settings.metrics_port + place if settings.metrics_port else 0
    return {**environment, **given, f"{PREFIX}METRICS_PORT": str(port)}


def end_with_parent() -> None:
    """Let this process end when the one that started it has: its standard input is a pipe that the parent holds open.

    However the parent ends, with SIGKILL too, the kernel closes its end of the pipe.
    """
    Thread(target=_await_parents_end, name="parent", daemon=True).start()


def _await_parents_end() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os._exit(1)


def _start(worker: str, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C reaches this process alone, which then ends both in the same way.
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "process", worker],
        env=dict(environment),
        start_new_session=True,
        stdin=subprocess.PIPE,
    )


def _end(children: list[subprocess.Popen[bytes]]) -> list[int]:
    for child in children:
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for child in children:
        try:
            child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
    codes = [child.wait() for child in children]
    for child in children:
        if child.stdin is not None:
            child.stdin.close()
    return codes
