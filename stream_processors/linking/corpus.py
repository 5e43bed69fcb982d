"""How a name is used in forum posts at large: in film communities or elsewhere, with or without a capital.

`data/names.tsv` has a name a line with three counts' logarithms in tenths; `train/names.py` makes it.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

NEVER = (0.0, 0.0, 0.0)


@cache
def _table() -> dict[str, tuple[float, float, float]]:
    path = files("stream_processors.linking").joinpath("data", "names.tsv")
    if not path.is_file():
        return {}
    rows = (line.split("\t") for line in path.read_text("utf-8").splitlines())
    return {name: (int(count) / 10, int(film) / 10, int(capital) / 10) for name, count, film, capital in rows}


def usage(name: str) -> tuple[float, float, float]:
    """Return log(1 + times seen), and the log ratios film communities : elsewhere and capital : lower case.

    All are 0 for a name that was seen too seldom to tell.
    """
    return _table().get(name, NEVER)
