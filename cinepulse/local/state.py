"""What a running stack writes below the data directory for other commands and for the next start."""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import SecretStr, TypeAdapter, ValidationError

from cinepulse.local.processes import ProcessRef  # noqa: TC001 - pydantic reads the records' annotations
from cinepulse.settings import ENDPOINTS_FILE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from cinepulse.settings import Settings

RUN_DIR: Final = "run"
LOGS_DIR: Final = "logs"
PARTS_FILE: Final = Path(RUN_DIR, "parts.json")
SECRETS_FILE: Final = Path(RUN_DIR, "secrets.json")
SECRET_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class PartRecord:
    """One part as `up` last saw it.

    `process` is None while it does not run. `started_at`: seconds since 1970. `log`: file that holds its output.
    """

    name: str
    port: int
    probe: str
    log: str
    health: str
    restarts: int
    process: ProcessRef | None = None
    started_at: float | None = None


@dataclass(frozen=True, slots=True)
class StackRecord:
    """A running stack: its `up`, its supervisord and its parts in the order of their start."""

    up: ProcessRef
    supervisor: ProcessRef | None = None
    socket: str | None = None
    parts: tuple[PartRecord, ...] = ()

    def processes(self, *, without: Collection[str] = ()) -> list[ProcessRef]:
        """Return what may run without `up`, in the order in which to end it: supervisord, then the last part first.

        `without`: names of parts to leave out.
        """
        parts = [part.process for part in reversed(self.parts) if part.process and part.name not in without]
        return [self.supervisor, *parts] if self.supervisor else parts


def read_record(data_dir: Path) -> StackRecord | None:
    """Return the record of the stack that runs or ran last without a clean stop; None where there is none."""
    try:
        return TypeAdapter(StackRecord).validate_json((data_dir / PARTS_FILE).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValidationError):
        # A record that another version wrote tells nothing that this one can rely on.
        return None


def write_record(data_dir: Path, record: StackRecord) -> None:
    """Write the record in one step."""
    write_private(data_dir / PARTS_FILE, asdict(record))


def write_endpoints(data_dir: Path, values: Mapping[str, Any]) -> None:
    """Write the settings that every command on this data directory reads, secrets among them."""
    write_private(data_dir / ENDPOINTS_FILE, {name: _plain(value) for name, value in values.items()})


def explicit_values(settings: Settings) -> dict[str, Any]:
    """Return the settings that a flag or the environment gave, for the parts to run with too."""
    return {name: getattr(settings, name) for name in sorted(settings.model_fields_set - {"data_dir"})}


def clear_run(data_dir: Path) -> None:
    """Remove what only a running stack means; generated secrets stay."""
    for path in (PARTS_FILE, ENDPOINTS_FILE):
        (data_dir / path).unlink(missing_ok=True)


def stable_secret(data_dir: Path, name: str) -> str:
    """Return the generated secret of that name, the same at every start with this data directory."""
    path = data_dir / SECRETS_FILE
    known: dict[str, str] = {}
    with suppress(FileNotFoundError, ValueError):
        known = json.loads(path.read_text("utf-8"))
    if name not in known:
        known[name] = secrets.token_urlsafe(SECRET_BYTES)
        write_private(path, known)
    return known[name]


def write_private(path: Path, content: Any) -> None:
    """Write JSON that only its owner can read, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    # Created with its mode, so that there is no moment at which others could open it.
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=2)
    fresh.replace(path)


def _plain(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value) if isinstance(value, Path) else value
