"""`cinepulse world` as a process: it serves, is healthy, stops cleanly, and survives being killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.fixtures.world import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def answers(url: str) -> bool:
    """Return whether a server answers 200."""
    try:
        return httpx.get(url).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


@contextmanager
def process(directory: Path, port: int, *arguments: str, metrics_port: int = 0) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command until it answers; killed at the end if it still runs."""
    command = world_command("--port", str(port), *arguments)
    environment = os.environ | {"CINEPULSE_DATA_DIR": str(directory), "CINEPULSE_METRICS_PORT": str(metrics_port)}
    running = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
    try:
        eventually(lambda: answers(f"http://127.0.0.1:{port}/_world/state"), 30)
        yield running
    finally:
        running.kill()
        running.communicate()


def posts(port: int) -> dict[str, dict[str, Any]]:
    """Return the truth by id."""
    text = httpx.get(f"http://127.0.0.1:{port}/_world/posts", timeout=30).text
    return {post["id"]: post for post in map(json.loads, filter(None, text.split("\n")))}


def world_command(*arguments: str) -> list[str]:
    """Return the command line of a world."""
    return [sys.executable, "-c", "import sys; from cinepulse.cli import main; sys.exit(main())", "world", *arguments]


def finished(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command that is expected to end by itself."""
    return subprocess.run(world_command(*arguments), capture_output=True, text=True, timeout=60, check=False)


def test_it_is_healthy_alone_on_loopback_and_stops_cleanly(tmp_path: Path) -> None:
    """The probe answers, other addresses do not, a second world on the port is told so, and SIGTERM ends with 0."""
    port, metrics_port = free_port(), free_port()
    with process(tmp_path / "one", port, "--paused", metrics_port=metrics_port) as running:
        eventually(lambda: answers(f"http://127.0.0.1:{metrics_port}/healthz"))
        with socket.socket(socket.AF_INET6) as other:
            assert other.connect_ex(("::1", port)) != 0
        second = finished("--port", str(port), "--data-dir", str(tmp_path / "two"))
        running.send_signal(signal.SIGTERM)

        assert running.wait(10) == 0
    assert second.returncode == 1
    assert str(port) in second.stderr


def test_a_killed_world_serves_the_same_posts_again(tmp_path: Path) -> None:
    """After kill -9 and a restart every post has its time, and new ones come by themselves; SIGINT ends with 0."""
    port = free_port()
    with process(tmp_path, port, "--seed", "4", "--rate", "40") as running:
        eventually(lambda: len(posts(port)) > 950)
        before = posts(port)
        running.kill()
        running.wait()
    with process(tmp_path, port, "--seed", "4", "--rate", "40", "--paused") as running:
        after = posts(port)

        assert {post_id: post["created_utc"] for post_id, post in before.items()}.items() <= {
            post_id: post["created_utc"] for post_id, post in after.items()
        }.items()
        eventually(lambda: len(posts(port)) > len(after))
        running.send_signal(signal.SIGINT)
        assert running.wait(10) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--posts", "nowhere.jsonl"], 2, "nowhere.jsonl"),
        (["--catalog", "nowhere.csv"], 2, "nowhere.csv"),
        (["--rate", "0"], 2, "rate"),
    ],
)
def test_wrong_arguments_are_told_in_one_line(tmp_path: Path, arguments: list[str], code: int, message: str) -> None:
    """A missing file or a rate of nothing stops with exit code 2 and says what is wrong."""
    command = [
        sys.executable,
        "-c",
        "import sys; from cinepulse.cli import main; sys.exit(main())",
        "world",
        *arguments,
    ]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == code
    assert message in done.stderr.splitlines()[-1]
