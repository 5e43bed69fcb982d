"""What the last verification of a data directory's pipeline found, kept for `cinepulse status`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import TypeAdapter, ValidationError

from cinepulse.local.state import RUN_DIR, write_private

VERIFIED_FILE: Final = Path(RUN_DIR, "verify.json")

# Enough to see what is wrong; `cinepulse verify` lists all.
PROBLEMS_KEPT: Final = 20

Outcome = Literal["right", "wrong", "unfinished"]


@dataclass(frozen=True, slots=True)
class Verified:
    """One verification.

    `finished_at`: milliseconds since 1970. `outcome`: unfinished when it could not look, `error` then says why.
    `differences`: places where a check does not hold; `failed` names the checks and `problems` shows the first places.
    """

    finished_at: int
    outcome: Outcome
    seconds: float
    differences: int = 0
    failed: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    error: str | None = None


def read_verified(data_dir: Path) -> Verified | None:
    """Return the last verification; None where there was none, or another version wrote of it."""
    try:
        return TypeAdapter(Verified).validate_json((data_dir / VERIFIED_FILE).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValidationError):
        return None


def write_verified(data_dir: Path, verified: Verified) -> None:
    """Keep a verification, whole or not at all."""
    write_private(data_dir / VERIFIED_FILE, asdict(verified))
