"""`cinepulse doctor`: check this machine and say what to mend."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cinepulse.commands.options import Format, format_option, print_rows, with_settings

if TYPE_CHECKING:
    from cinepulse.settings import Settings

LOCK_FILE = "requirements.lock"


@click.command()
@with_settings(attached=False)
@format_option
def doctor(settings: Settings, output: Format) -> int:
    """Check Python, memory, disk, ports, Java, Kafka's jars and package versions; each failure says what to do.

    Exit code 1 when something keeps the stack from running. Warnings do not.

    \b
    Examples:
      cinepulse doctor
      cinepulse doctor --format json
    """  # noqa: D301 - click reads \b
    import cinepulse
    from cinepulse.local.doctor import examine

    # Only a checkout has the lock file beside its packages.
    lock = Path(cinepulse.__file__).parents[1] / LOCK_FILE
    findings = list(examine(settings, lock if lock.exists() else None))
    print_rows([asdict(finding) for finding in findings], output, title="This machine")
    return 1 if any(finding.verdict == "failed" for finding in findings) else 0
