"""`cinepulse up` whose parts can be hit: the product's own stages, each part's command replaced by `tests.chaos.part`.

Run as `python -m tests.chaos.up RATE UP-OPTIONS…`; RATE is posts a second.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cinepulse.cli import main
from cinepulse.commands import stack

if TYPE_CHECKING:
    from collections.abc import Callable

    from cinepulse.local.parts import Part, Stage

ROOT: Final = Path(__file__).parents[2]
MODULE: Final = "cinepulse"


def hittable(stages: tuple[Stage, ...], rate: str) -> tuple[Stage, ...]:
    """Return the stages with parts that ask the failpoints."""
    return tuple(replace(stage, parts=tuple(_hittable(part, rate) for part in stage.parts)) for stage in stages)


def _hittable(part: Part, rate: str) -> Part:
    place = part.command.index(MODULE)
    command = (*part.command[:place], "tests.chaos.part", part.name, *part.command[place + 1 :])
    command += ("--rate", rate) if part.name == "world" else ()
    return replace(part, command=command, environment={**part.environment, "PYTHONPATH": str(ROOT)})


def replaced(pipeline: Callable[..., tuple[Stage, ...]], rate: str) -> Callable[..., tuple[Stage, ...]]:
    """Return the pipeline's maker with the parts replaced."""

    def make(*arguments: Any) -> tuple[Stage, ...]:
        return hittable(pipeline(*arguments), rate)

    return make


if __name__ == "__main__":
    stack.pipeline = replaced(stack.pipeline, sys.argv[1])
    sys.exit(main(["up", *sys.argv[2:]]))
