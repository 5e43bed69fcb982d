"""`cinepulse up` with fake parts, as a process of its own: run as `python up_with_fakes.py OPTIONS`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from cinepulse.cli import main
from cinepulse.commands import stack
from tests.cinepulse.local.conftest import fake_stages

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cinepulse.commands.stack import Ports, WorldChoice
    from cinepulse.local.parts import Stage


def fakes(home: Path, ports: Ports, values: Mapping[str, Any], world: WorldChoice) -> tuple[Stage, ...]:
    """Return fake parts in the place of the pipeline's."""
    del ports, values, world
    return fake_stages(home)


if __name__ == "__main__":
    stack.pipeline = fakes
    sys.exit(main(["up", *sys.argv[1:]]))
