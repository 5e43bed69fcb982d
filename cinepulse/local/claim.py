"""One `up` a data directory: a lock that dies with its holder, and an end to what the last holder left."""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from cinepulse.errors import ConfigurationInvalid, DataDirectoryBusy
from cinepulse.local.processes import ProcessRef, end_processes, families, kill_processes, wait_gone
from cinepulse.local.state import LOGS_DIR, RUN_DIR, clear_run, read_record, write_private
from cinepulse.local.supervisord import remove_socket

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCK_FILE: Final = Path(RUN_DIR, "up.lock")
HOLDER_FILE: Final = Path(RUN_DIR, "up.json")
# Whoever reads a topic leaves its group first, while the broker is there to hear it: the next one would wait for a dead
# member's session. The stores start sooner when they have closed their files. Each part survives kill -9, so that more
# patience than this only keeps counting at a stand.
STORES: Final = ("kafka", "clickhouse")
LEAVE_SECONDS: Final = 2.0
STORE_GRACE_SECONDS: Final = 2.5


@contextmanager
def claim(data_dir: Path) -> Iterator[Path]:
    """Own the data directory and yield its absolute path; what an earlier, killed `up` left running is ended first.

    Raises DataDirectoryBusy when another process owns it, ConfigurationInvalid when it cannot be written.
    """
    home = data_dir.absolute()
    lock = FileLock(home / LOCK_FILE)
    try:
        for folder in (home, home / RUN_DIR, home / LOGS_DIR):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise DataDirectoryBusy(f"{home} is in use by another `cinepulse up` ({_holder(home)})") from None
    except OSError as error:
        raise ConfigurationInvalid(f"CINEPULSE_DATA_DIR: cannot write {home}: {error.strerror}") from error
    try:
        # Before anything is written: they may be what has filled the disk.
        end_orphans(home)
        try:
            write_private(home / HOLDER_FILE, {"pid": ProcessRef.own().pid})
        except OSError as error:
            raise ConfigurationInvalid(f"CINEPULSE_DATA_DIR: cannot write {home}: {error.strerror}") from error
        yield home
    finally:
        clear_run(home)
        (home / HOLDER_FILE).unlink(missing_ok=True)
        lock.release()


def end_orphans(home: Path) -> int:
    """End what the recorded stack left running and forget it; return how many processes that were."""
    record = read_record(home)
    # Before their supervisor goes: what it has started since the record was written are its children alone.
    orphans = families(record.processes()) if record else []
    if record:
        # Told to stop, it would stop all of them at once.
        kill_processes(orphans[:1] if record.supervisor and record.supervisor.alive() else ())
        end_processes(record.processes(without=STORES), grace=LEAVE_SECONDS)
        end_processes(record.processes(), grace=STORE_GRACE_SECONDS)
        kill_processes(wait_gone(orphans, 0))
    if record and record.socket:
        remove_socket(Path(record.socket), home)
    clear_run(home)
    return len(orphans)


def _holder(home: Path) -> str:
    with suppress(OSError, ValueError, TypeError, KeyError):
        return f"pid {json.loads((home / HOLDER_FILE).read_text('utf-8'))['pid']}"
    return "pid unknown"
