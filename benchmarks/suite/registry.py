"""Finds the stages: the modules `stage_<name>.py` of this package."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from benchmarks.suite.model import Stage

PREFIX: Final = "stage_"


def stage_names() -> list[str]:
    """Return the names of all stages, sorted."""
    here = str(Path(__file__).parent)
    names = (module.name for module in pkgutil.iter_modules([here]))
    return sorted(name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX))


def load_stage(name: str) -> Stage:
    """Return the stage of that name; raises ModuleNotFoundError for a name that is none of `stage_names`."""
    stage: Stage = import_module(f"benchmarks.suite.{PREFIX}{name}").STAGE
    return stage
