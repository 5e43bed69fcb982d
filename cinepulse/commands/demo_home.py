"""The demo's data directory: begun anew each time, and never one that holds somebody's data."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from cinepulse.errors import ConfigurationInvalid
from cinepulse.local.state import LOGS_DIR, RUN_DIR

if TYPE_CHECKING:
    from pathlib import Path

MARKER: Final = "demo"
"""An empty file below the data directory: what lies beside it came from a demo and may go."""


def begin_anew(home: Path) -> None:
    """Empty a directory that a demo made and mark it as one; to be called by its owner.

    Raises ConfigurationInvalid when something else has filled it.
    """
    kept = home / RUN_DIR
    if not (home / MARKER).exists() and _holds_data(home):
        raise ConfigurationInvalid(
            f"CINEPULSE_DATA_DIR: {home} holds the data of `cinepulse up`: give the demo another --data-dir"
        )
    for entry in home.iterdir():
        if entry.is_dir() and entry != kept:
            shutil.rmtree(entry)
    (home / LOGS_DIR).mkdir(mode=0o700)
    (home / MARKER).touch()


def keep(home: Path) -> None:
    """Say that the directory's data is worth keeping from now on; to be called by its owner."""
    (home / MARKER).unlink(missing_ok=True)


def _holds_data(home: Path) -> bool:
    return any((home / name).exists() for name in ("kafka", "clickhouse", "producers", "world"))
