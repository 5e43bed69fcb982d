"""Fake parts for the supervisor's tests."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cinepulse.local.claim import claim
from cinepulse.local.parts import Part, Stage
from cinepulse.local.ports import PortPicker
from cinepulse.local.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FAKE_PART = Path(__file__).with_name("fake_part.py")


def fake_part(home: Path, name: str, ports: PortPicker) -> Part:
    """Return a part that runs `fake_part.py`."""
    port = ports.pick()
    command = (sys.executable, str(FAKE_PART), name, str(port), str(home))
    return Part(name, command, port, "/healthz", {"CINEPULSE_METRICS_PORT": str(port)}, stop_seconds=2)


def fake_stages(home: Path) -> tuple[Stage, ...]:
    """Return three stages of fake parts: one, two, one."""
    ports = PortPicker()
    names = (("broker",), ("left", "right"), ("reader",))
    return tuple(Stage(tuple(fake_part(home, name, ports) for name in group)) for group in names)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Return a claimed data directory."""
    with claim(tmp_path) as owned:
        yield owned


@pytest.fixture
def stack(home: Path) -> Iterator[Stack]:
    """Return a started stack of fake parts."""
    with Stack(home, fake_stages(home)) as started:
        started.start()
        yield started


def until(condition: Callable[[], object], stack: Stack | None = None, seconds: float = 20) -> None:
    """Wait until a condition holds, looking after the stack meanwhile; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come to hold"
        if stack:
            stack.supervise_once()
        time.sleep(0.05)


def journal(home: Path) -> list[str]:
    """Return what the fake parts wrote down."""
    return (home / "journal").read_text().splitlines()
