"""The supervised broker: the one part that every other leans on."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import psutil
import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from cinepulse.local.parts import Part, Stage, cinepulse_command
from cinepulse.local.ports import PortPicker
from cinepulse.local.stack import Stack
from cinepulse.local.state import write_endpoints
from tests.cinepulse.local.conftest import until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real


def test_a_killed_broker_is_back_with_its_topics(home: Path) -> None:
    """Kill -9 of the supervised broker's Java process: it runs again by itself, on its port, with what it had."""
    ports = PortPicker()
    port, controller = ports.pick(), ports.pick()
    write_endpoints(home, {"kafka_bootstrap": f"127.0.0.1:{port}"})
    part = Part("kafka", cinepulse_command("kafka", "run", "--controller-port", str(controller)), port)

    with Stack(home, [Stage((part,))]) as stack:
        stack.start()
        process = stack.snapshot()[0].process
        assert process is not None
        assert psutil.Process(process.pid).name() == "java"
        admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{port}"})
        admin.create_topics([NewTopic("kept", 1, 1)])["kept"].result(30)

        os.kill(process.pid, signal.SIGKILL)
        until(lambda: stack.snapshot()[0].restarts == 1 and stack.snapshot()[0].health == "healthy", stack)

        assert "kept" in AdminClient({"bootstrap.servers": f"127.0.0.1:{port}"}).list_topics(timeout=10).topics
    assert not psutil.pid_exists(process.pid)
