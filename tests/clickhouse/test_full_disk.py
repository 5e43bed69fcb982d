"""What a full disk has spoiled is whole again: the rules of it, and the server that opens its files anew."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from cinepulse.clock import ManualClock
from clickhouse.client import connect
from clickhouse.engine_config import KEEP_FREE_BYTES
from clickhouse.engine_handle import EngineError
from clickhouse.full_disk import LONGEST_SECONDS, ROOM_BYTES, SPOILED_PAUSE_SECONDS, FullDisk
from tests.chaos import disks
from tests.clickhouse.requests import error_code, http, run
from tests.fixtures.clickhouse import READY_SECONDS, ServerProcess

if TYPE_CHECKING:
    from pathlib import Path

    from clickhouse_connect.driver.client import Client

FULL = EngineError("Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space. (NOT_ENOUGH_SPACE)")
SPOILED = EngineError("Code: 246. DB::Exception: Empty marks file. (CORRUPTED_DATA)")
OTHER = EngineError("Code: 60. DB::Exception: Unknown table. (UNKNOWN_TABLE)")


@pytest.mark.parametrize(
    ("error", "free", "seconds", "expected"),
    [
        (OTHER, ROOM_BYTES, 0, False),
        (FULL, ROOM_BYTES, 0, True),
        (FULL, ROOM_BYTES - 1, 0, False),
        (FULL, 0, LONGEST_SECONDS - 1, False),
        (FULL, 0, LONGEST_SECONDS, True),
        (SPOILED, ROOM_BYTES, 0, True),
        (SPOILED, 0, 0, False),
    ],
)
def test_files_are_opened_anew_once_there_is_room(
    tmp_path: Path, error: EngineError, free: int, seconds: float, *, expected: bool
) -> None:
    """With room at once, without it before the engine deletes what the spoiled part was made of; else never."""
    clock = ManualClock()
    disk = FullDisk(tmp_path, clock, lambda _: free)

    disk.note(error)
    clock.advance(seconds)

    assert disk.must_open_anew() is expected


def test_data_that_opening_does_not_mend_is_left_alone(tmp_path: Path) -> None:
    """Read again and again, such data takes the server away once in ten minutes at most, by the next process too."""
    clock = ManualClock()

    def spoiled() -> bool:
        disk = FullDisk(tmp_path, clock, lambda _: ROOM_BYTES)
        disk.note(SPOILED)
        return disk.must_open_anew()

    told = [spoiled(), spoiled()]
    clock.advance(SPOILED_PAUSE_SECONDS)

    assert [*told, spoiled()] == [True, False, True]


def connected(server: ServerProcess) -> Client:
    """Return a client of a server's own database."""
    return connect(server.settings.model_copy(update={"clickhouse_database": "default"}))


def merged(server: ServerProcess) -> Client:
    """Fill a table `t` with two inserts, 2,000 rows, merge them, and return a client."""
    client = connected(server)
    client.command("CREATE TABLE t (row UInt64) ENGINE = MergeTree ORDER BY row")
    for first in (0, 1_000):
        client.insert("t", [[row] for row in range(first, first + 1_000)], column_names=["row"])
    client.command("OPTIMIZE TABLE t FINAL")
    return client


def await_opened_anew(server: ServerProcess, spawned: int) -> None:
    """Return once the server answers after one more start than so many."""
    deadline = time.monotonic() + READY_SECONDS
    while server.log.count("clickhouse.starting") == spawned or not server.answers():
        assert time.monotonic() < deadline, server.log
        time.sleep(0.05)


@pytest.mark.real
def test_a_part_that_a_full_disk_emptied_is_made_whole(tmp_path: Path) -> None:
    """A merged part whose marks are an empty file cannot be read; the server opens its files anew and has all rows.

    That is what a merge leaves behind whose disk fills up while it writes. The process stays the same one.
    """
    server = ServerProcess(tmp_path)
    server.start()
    try:
        client = merged(server)
        client.command("SYSTEM DROP MARK CACHE")
        (marks,) = tmp_path.glob("clickhouse/store/store/*/*/all_1_2_1/data.cmrk*")
        marks.write_bytes(b"")
        pid, spawned = server.pid, server.log.count("clickhouse.starting")

        with pytest.raises(DatabaseError, match="CORRUPTED_DATA"):
            client.query("SELECT sum(row) FROM t")
        await_opened_anew(server, spawned)

        assert connected(server).query("SELECT count(), sum(row) FROM t").result_rows == [(2_000, 1_999_000)]
        assert server.pid == pid
    finally:
        server.kill()


@pytest.mark.real
def test_what_a_merge_replaced_lives_on_after_a_start(tmp_path: Path) -> None:
    """Parts that were made an hour before a start are there for the engine when what replaced them is then spoiled.

    The engine counts from a folder's time how long they live, and would delete those that are older in its first round;
    left to itself, it lets none live at all.
    """
    server = ServerProcess(tmp_path)
    server.start()
    try:
        merged(server)
        server.stop()
        parts = list(tmp_path.glob("clickhouse/store/store/*/*/all_*"))
        before = time.time()
        for part in parts:
            os.utime(part, (before - 3_600, before - 3_600))

        server.start()

        assert {part.name for part in parts} == {"all_1_1_0", "all_2_2_0", "all_1_2_1"}
        assert all(part.stat().st_mtime >= before - 1 for part in parts)
        asked = "SELECT toFloat64(value) FROM system.merge_tree_settings WHERE name = 'old_parts_lifetime'"
        client = connected(server)
        ((lifetime,),) = client.query(asked).result_rows
        assert lifetime >= LONGEST_SECONDS + 60
        assert client.query("SELECT count() FROM t").result_rows == [(2_000,)]
    finally:
        server.kill()


@pytest.mark.real
@pytest.mark.skipif(bool(disks.unmountable()), reason=disks.unmountable())
def test_no_room_is_told_as_the_engine_tells_it(tmp_path: Path) -> None:
    """Rows that find no room get the engine's own error, whoever meets it first; with room again, they are stored.

    Where some room is left, but less than others are to have, the engine writes nothing: it may run out on the way.
    """
    home = tmp_path / "disk"
    disks.mount(home)
    server = ServerProcess(home)
    try:
        server.start()
        with http(server.settings.model_copy(update={"clickhouse_database": "default"})) as client:
            run(client, "CREATE TABLE t (row UInt64) ENGINE = MergeTree ORDER BY row")
            for left in (KEEP_FREE_BYTES // 2, 0):
                disks.fill(home, left)
                refused = client.post("/", content="INSERT INTO t FORMAT TSV\n" + "1\n" * 100_000)
                spawned = server.log.count("clickhouse.starting")
                disks.free(home)
                await_opened_anew(server, spawned)

                assert (refused.status_code, error_code(refused)) == (500, 243)
                run(client, "INSERT INTO t FORMAT TSV\n1\n")
            assert run(client, "SELECT count() FROM t") == "2\n"
    finally:
        server.kill()
        disks.unmount(home)
