"""Sparklines: the scale, gaps, and what a terminal without Unicode shows."""

from __future__ import annotations

from io import BytesIO, TextIOWrapper

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table

from clickhouse.sparkline import ASCII, BLOCKS, GAP, Sparkline, sparkline

VALUES = st.lists(st.none() | st.floats(0, 1e9))


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ((0, 1, 2, 3, 4, 5, 6, 7), "▁▂▃▄▅▆▇█"),
        ((0, None, 7), "▁ █"),
        ((0, 0), "▁▁"),
        ((None, None), "  "),
        ((), ""),
        ((1, 10_000), "▂█"),
        ((-5, 7), "▁█"),
        ((3.5, 7), "▅█"),
    ],
    ids=["each level", "a gap", "zeros", "all unknown", "none", "one is not nothing", "below zero", "half"],
)
def test_line_by_hand(values: tuple[float | None, ...], line: str) -> None:
    """Of eight bars the lowest is zero and the highest the largest: 3.5 of 7 is 3.5 steps, rounded to the even 4."""
    assert sparkline(values) == line


def test_a_given_top_makes_lines_comparable() -> None:
    """Half of another film's height is drawn at half, and what lies above the top at the top."""
    assert sparkline([7.0], top=14.0) == "▅"
    assert sparkline([20.0], top=14.0) == "█"


@given(VALUES, st.sampled_from([BLOCKS, ASCII]))
def test_unknown_is_never_drawn_as_zero(values: list[float | None], bars: str) -> None:
    """Each value has one character; unknown is a gap, zero the lowest bar, anything else higher, and order is kept."""
    line = sparkline(values, bars=bars)

    assert len(line) == len(values)
    levels = []
    for value, character in zip(values, line, strict=True):
        assert (character == GAP) == (value is None)
        if value is not None:
            assert (bars.index(character) == 0) == (value == 0)
            levels.append((value, bars.index(character)))
    assert [level for _, level in sorted(levels)] == sorted(level for _, level in levels)


@pytest.mark.parametrize(("encoding", "bars"), [("utf-8", BLOCKS), ("ascii", ASCII), ("latin-1", ASCII)])
def test_it_is_drawn_in_what_the_terminal_can_show(encoding: str, bars: str) -> None:
    """A terminal whose encoding has no blocks gets ASCII, also inside a table; nothing fails to be encoded."""
    held = BytesIO()
    console = Console(file=TextIOWrapper(held, encoding=encoding, write_through=True), width=60)
    table = Table.grid()
    table.add_row("mentions", Sparkline([0, 1, None, 7]))

    console.print(table)

    assert sparkline([0, 1, None, 7], bars=bars) in held.getvalue().decode(encoding)
