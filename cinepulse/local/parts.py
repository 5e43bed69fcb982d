"""What a part is: a command, the port it answers on and how to tell that it works."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from cinepulse.local.ports import LOOPBACK
from cinepulse.local.probes import HttpProbe, KafkaProbe
from cinepulse.settings import PREFIX, Settings, variable_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from cinepulse.local.probes import Probe

ProbeKind = Literal["kafka", "http"]

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 6.0


@dataclass(frozen=True, slots=True)
class Part:
    """One supervised process.

    `port`: where it answers on loopback. `path`: what to ask there, empty for Kafka's own protocol. `environment`: what
    it gets beside the data directory; never a secret. `start_seconds`: how long it may take until it answers.
    """

    name: str
    command: tuple[str, ...]
    port: int
    path: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    start_seconds: float = START_SECONDS
    stop_seconds: float = STOP_SECONDS

    def probe_address(self) -> str:
        """Return the probe as text, which `probe_of` turns back: an HTTP address, or `kafka:PORT`."""
        return f"http://{LOOPBACK}:{self.port}{self.path}" if self.path else f"kafka:{self.port}"


@dataclass(frozen=True, slots=True)
class Stage:
    """Parts that start together, and what to do once all of them answer.

    `then` has its name in `doing`. The stages after it start when it has returned.
    """

    parts: tuple[Part, ...]
    doing: str = ""
    then: Callable[[], None] | None = None


def probe_of(address: str) -> Probe:
    """Return the probe that an address names."""
    kind, _, rest = address.partition(":")
    return KafkaProbe(int(rest)) if kind == "kafka" else HttpProbe(address)


def cinepulse_command(*arguments: str) -> tuple[str, ...]:
    """Return the command line of a `cinepulse` subcommand in this interpreter.

    `-P` keeps the working directory off the import path: parts run in the data directory, whose folders are named as
    packages are.
    """
    return (sys.executable, "-P", "-m", "cinepulse", *arguments)


def child_environment(data_dir: Path) -> dict[str, str]:
    """Return this process's environment without any setting, secrets above all, and with the data directory.

    Parts read their settings from the file there, so that no secret is in the environment of a process.
    """
    settings = {variable_of(name) for name in Settings.model_fields}
    kept = {name: value for name, value in os.environ.items() if name not in settings and not name.startswith(PREFIX)}
    return kept | {f"{PREFIX}DATA_DIR": str(data_dir)}
