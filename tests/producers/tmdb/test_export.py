from __future__ import annotations

import asyncio
import gzip
import json
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinepulse.errors import Poison, SourceUnavailable
from producers.tmdb.client import TitleMissing
from producers.tmdb.export import Export, MostPopular, Row, export_rows, latest_export
from tests.producers.anything import spoiled

GOOD: dict[str, Any] = {"adult": False, "id": 3924, "original_title": "Blondie", "popularity": 2.4, "video": False}


def packed(*lines: object) -> bytes:
    """Return a gzip file of lines: JSON, or text as it is."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    return gzip.compress("\n".join(texts).encode())


class TestRows:
    """One film a line."""

    def test_good_lines(self) -> None:
        """Each line is a film by its original title; empty lines are none."""
        rows = list(export_rows(packed(GOOD, "", GOOD | {"id": 7, "original_title": "七人の侍"}, "")))

        assert rows == [Row(2.4, 3924, "Blondie"), Row(2.4, 7, "七人の侍")]

    @pytest.mark.parametrize("changes", [{"adult": True}, {"popularity": None}, {"popularity": "high"}])
    def test_left_out(self, changes: dict[str, Any]) -> None:
        """Adult films and films without popularity are passed over."""
        assert list(export_rows(packed(GOOD | changes))) == [None]

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            ("{", "not_json"),
            ("7", "missing_id"),
            (GOOD | {"id": None}, "missing_id"),
            (GOOD | {"original_title": None}, "missing_title"),
            (GOOD | {"original_title": " "}, "missing_title"),
        ],
    )
    def test_poison(self, line: object, reason: str) -> None:
        """A bad line is told with its reason, and the lines around it are read."""
        before, bad, after = export_rows(packed(GOOD, line, GOOD))

        assert isinstance(bad, Poison)
        assert bad.reason == reason
        assert before == after == Row(2.4, 3924, "Blondie")

    def test_a_file_cut_off(self) -> None:
        """The rows before the cut are given, then the cut is told."""
        body = packed(*[GOOD | {"id": number, "original_title": f"Film {number}"} for number in range(1, 5_000)])
        rows: list[Row | Poison | None] = []

        with pytest.raises(SourceUnavailable):
            rows.extend(export_rows(body[: len(body) // 2]))

        assert rows[:2] == [Row(2.4, 1, "Film 1"), Row(2.4, 2, "Film 2")]
        assert len(rows) < 4_999

    @pytest.mark.parametrize("body", [b"", b"<html>not gzip</html>", gzip.compress(b"x" * 100, mtime=0)[:-4]])
    def test_no_gzip_at_all(self, body: bytes) -> None:
        """HTML in place of a file is an outage; an empty file has no rows."""
        if not body:
            assert list(export_rows(body)) == []
            return
        with pytest.raises(SourceUnavailable):
            list(export_rows(body))

    def test_a_small_file_that_swells(self) -> None:
        """A line beyond all measure is read in pieces, none of which is a film."""
        rows = list(export_rows(gzip.compress(b"[" * 10_000_000)))

        assert len(rows) > 100
        assert all(isinstance(row, Poison) for row in rows)

    @given(st.lists(spoiled(GOOD), max_size=5))
    def test_any_json(self, lines: list[dict[str, object]]) -> None:
        """Whatever the lines hold, each gives a film, a reason, or is passed over."""
        texts = [json.dumps(line) for line in lines]

        rows = list(export_rows(packed(*texts)))

        assert len(rows) == len(lines)


class TestMostPopular:
    """The top of a stream in bounded memory."""

    @given(
        st.lists(st.tuples(st.floats(0, 100), st.integers(1, 10_000)), unique_by=lambda pair: pair[1]),
        st.integers(1, 20),
    )
    def test_it_is_the_top_of_the_sorted_whole(self, pairs: list[tuple[float, int]], size: int) -> None:
        """What is kept is what sorting everything would give."""
        top = MostPopular(size)

        for popularity, tmdb_id in pairs:
            top.show(Row(popularity, tmdb_id, "x"))

        everything = sorted((Row(popularity, tmdb_id, "x") for popularity, tmdb_id in pairs), reverse=True)
        assert top.rows() == everything[:size]


@dataclass
class Files:
    """A client that has the export of some days."""

    days: set[date]
    asked: list[str] = field(default_factory=list)

    async def file(self, name: str) -> bytes:
        """Return a day's file."""
        self.asked.append(name)
        for day in self.days:
            if name == f"p/exports/movie_ids_{day:%m_%d_%Y}.json.gz":
                return packed(GOOD)
        raise TitleMissing(name)


class TestLatest:
    """Which day's file is read."""

    @pytest.mark.parametrize(
        ("days", "after", "found"),
        [
            ({21, 20}, None, 21),
            ({20}, None, 20),
            ({14}, None, 14),
            ({13}, None, None),
            ({21}, 21, None),
            ({20}, 20, None),
            ({21}, 20, 21),
        ],
    )
    def test_days(self, days: set[int], after: int | None, found: int | None) -> None:
        """The newest of the last week that has not been read."""
        files = Files({date(2026, 11, day) for day in days})
        last = None if after is None else date(2026, 11, after)

        export = asyncio.run(latest_export(files, date(2026, 11, 21), after=last))  # type: ignore[arg-type] # a double

        assert (None if export is None else export.day.day) == found

    def test_snapshots_bear_the_start_of_the_day(self) -> None:
        """The same instant however often and whenever the file is read."""
        assert Export(date(1970, 1, 2), b"").observed_at == 86_400_000
