"""A small `up` with fake parts, as a process of its own that tests can kill.

Run as `python fake_up.py HOME`; ends on SIGINT or SIGTERM as `cinepulse up` does.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from cinepulse.local.claim import claim
from cinepulse.local.stack import Stack
from tests.cinepulse.local.conftest import fake_stages


def main(home: Path) -> None:
    """Run the stack until a signal."""
    with claim(home) as owned, Stack(owned, fake_stages(home)) as stack:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stack.cancel())
        stack.start()
        (home / "up").touch()
        stack.supervise()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
