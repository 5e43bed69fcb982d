"""A part for tests of the supervisor: answers on a port and writes down when it begins and ends.

Run as `python fake_part.py NAME PORT FOLDER`. What it does is told by files in FOLDER: `NAME.broken` makes it end at
once with an error, `NAME.sick` makes its probe fail, `NAME.stubborn` makes it ignore SIGTERM. `journal` gets a line
for each start and each clean end; `NAME.environment` its environment.
"""

from __future__ import annotations

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any


def main(name: str, port: int, folder: Path) -> None:
    """Serve until SIGTERM."""
    note(folder, f"start {name}")
    (folder / f"{name}.environment").write_text("\n".join(os.environ))
    if (folder / f"{name}.broken").exists():
        sys.exit(f"{name} needs a setting")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer 200, or 503 while the part is sick."""
            self.send_response(503 if (folder / f"{name}.sick").exists() else 200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
            """Say nothing."""

    def end(_signal: int, _frame: object) -> None:
        note(folder, f"term {name}")
        if not (folder / f"{name}.stubborn").exists():
            sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    HTTPServer(("127.0.0.1", port), Handler).serve_forever()


def note(folder: Path, line: str) -> None:
    """Add a line to the journal."""
    with (folder / "journal").open("a") as journal:
        journal.write(f"{line}\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
