from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from cinepulse.errors import StackUnavailable
from cinepulse.local.ports import LOOPBACK, SPARE_PORTS, PortPicker, is_free

if TYPE_CHECKING:
    from pathlib import Path


def test_the_usual_port_is_taken_when_free(tmp_path: Path) -> None:
    """Nobody has to look up a port that is the usual one."""
    assert PortPicker(lambda _port: True, tmp_path).pick(9092) == 9092


def test_another_port_stands_in_for_a_taken_one() -> None:
    """A port on which something listens is not picked; the one picked is of the spare range and free."""
    with socket.socket() as holder:
        holder.bind((LOOPBACK, 0))
        holder.listen(1)
        taken = holder.getsockname()[1]

        picked = PortPicker().pick(taken)

    assert picked != taken
    assert picked in SPARE_PORTS
    assert is_free(picked)


def test_no_port_is_picked_twice(tmp_path: Path) -> None:
    """Two parts that ask before either listens get different ports."""
    picker = PortPicker(lambda _port: True, tmp_path)

    picked = [picker.pick(9092) for _ in range(50)]

    assert len(set(picked)) == 50


def test_a_kept_port_stays_kept_while_nobody_listens(tmp_path: Path) -> None:
    """Another stack does not get the port of a broker that is down for a moment, until the first stack has ended."""
    mine, others = PortPicker(lambda _port: True, tmp_path), PortPicker(lambda _port: True, tmp_path)
    assert mine.take(9092)

    assert not others.take(9092)
    assert others.pick(9092) != 9092
    mine.release()
    assert others.take(9092)


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """The line names the folder."""
    (tmp_path / "file").touch()

    with pytest.raises(StackUnavailable, match=r"cannot write .*file"):
        PortPicker(lambda _port: True, tmp_path / "file").pick()


def test_no_free_port_is_an_error(tmp_path: Path) -> None:
    """A machine without a free port gets one line and no endless search."""
    with pytest.raises(StackUnavailable, match="no free port"):
        PortPicker(lambda _port: False, tmp_path).pick(9092)


def test_a_port_whose_connections_linger_is_free() -> None:
    """A server that has just ended leaves connections in TIME_WAIT, which must not count as taken."""
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        client = socket.create_connection((LOOPBACK, port))
        accepted, _ = server.accept()
        # The side that closes first keeps the lingering connection: the server's.
        accepted.close()
        client.close()

    assert is_free(port)
