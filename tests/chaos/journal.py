"""What the suite has done so far, so that one that was stopped goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.chaos.suite import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("cinepulse", "schemas", "producers", "stream_processors", "clickhouse", "tests/chaos")


@dataclass(frozen=True, slots=True)
class Journal:
    """A file with a line for each fault that was run with a seed; several runs may write it at once.

    `code`: what the project's code was then. What other code did proves nothing of this one, and is run again.
    """

    path: Path
    code: str

    def done(self) -> Mapping[tuple[str, int], Row]:
        """Return what was done by this code, by fault and seed."""
        found = {}
        for line in self._lines():
            if line["code"] == self.code:
                found[line["row"]["fault"], line["seed"]] = Row(**line["row"])
        return found

    def note(self, seed: int, row: Row) -> None:
        """Add what a fault did with a seed."""
        line = json.dumps({"seed": seed, "code": self.code, "row": asdict(row)})
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def _lines(self) -> Iterator[dict[str, Any]]:
        text = self.path.read_text("utf-8") if self.path.exists() else ""
        # A line without an end was cut off, and is no run.
        for line in text.splitlines(keepends=True):
            if line.endswith("\n"):
                yield json.loads(line)


def code_of(root: Path = ROOT) -> str:
    """Return a name for the project's code as it is on the disk."""
    name = hashlib.sha256()
    for package in PACKAGES:
        for file in sorted((root / package).rglob("*")):
            if file.suffix in {".py", ".sql", ".avsc", ".json", ".gz", ".tsv", ".txt"}:
                name.update(f"{file.relative_to(root)}\0".encode())
                name.update(file.read_bytes())
    return name.hexdigest()[:16]
