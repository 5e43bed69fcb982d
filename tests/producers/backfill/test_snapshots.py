"""TMDB's daily files in their three forms."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinepulse.clock import MILLISECONDS_PER_DAY as DAY
from cinepulse.clock import ManualClock
from cinepulse.errors import ConfigurationInvalid, Poison
from producers.backfill.reading import Read
from producers.backfill.snapshots import SnapshotFiles, SnapshotLines, export_day, instant_of
from producers.backfill.state import FileProgress
from schemas.codec import Codec
from schemas.events import Movie, TitleSnapshot
from schemas.registry import ManifestIds
from tests.producers.anything import JSON, spoiled

CODEC = Codec(ManifestIds())
NOW = 1_790_000_000_000
DAY_GIVEN = date(2026, 1, 21)
MIDNIGHT = 1_768_953_600_000

EXPORTED = {"adult": False, "id": 3924, "original_title": "Blondie", "popularity": 2.4, "video": False}
SNAPSHOT = {"tmdb_id": 3924, "observed_at": MIDNIGHT + 5, "source": "popular", "rank": 2, "popularity": 9.5}
HEADER = b"date,generated_at,list,rank,tmdb_id,title,release_date,popularity,vote_average,vote_count,genre_ids\n"
ROW = b'2026-01-21,2026-01-21T07:04:44.029Z,popular,1,3924,"Blondie, ""again""",1957-01-01,2.4,7.1,498,"[28, 53]"\n'


def reader(day: date | None = DAY_GIVEN, known: set[int] | None = None) -> SnapshotLines:
    """Return a reader of a file of some day."""
    return SnapshotLines(ManualClock(NOW), day, lambda: known or set())


def as_line(record: Any, **changes: Any) -> bytes:
    """Return a record as a line."""
    return json.dumps(record | changes if changes else record).encode() + b"\n"


def sent(line: bytes, lines: SnapshotLines | None = None) -> TitleSnapshot:
    """Return the snapshot that a line sends."""
    found = (lines or reader()).read(line)
    assert isinstance(found, Read), found
    assert found.sending is not None
    topic, key, value = found.sending
    assert (topic.name, key) == ("tmdb.popularity", value.tmdb_id)
    assert (found.feed, found.first, found.last) == (value.source, MIDNIGHT, MIDNIGHT + DAY - 1)
    CODEC.encode(topic.value_subject, value)
    return value  # type: ignore[no-any-return]  # a sending's value is of its topic's type


def test_an_export_is_what_the_live_producer_makes_of_it() -> None:
    """Observed at the start of its day, from `export`: a day that was also read live is the same row."""
    assert sent(as_line(EXPORTED)) == TitleSnapshot(
        tmdb_id=3924, observed_at=MIDNIGHT, source="export", popularity=2.4, origin="backfill"
    )


def test_lines_of_the_topics_fields_are_read_as_they_are() -> None:
    """Times are milliseconds or ISO 8601."""
    first, second = sent(as_line(SNAPSHOT)), sent(as_line(SNAPSHOT, observed_at="2026-01-21T00:00:00.005Z"))

    assert first == second
    assert first == TitleSnapshot(
        tmdb_id=3924, observed_at=MIDNIGHT + 5, source="popular", rank=2, popularity=9.5, origin="backfill"
    )


def test_a_csv_row_is_a_snapshot_of_its_list() -> None:
    """The header names the columns; the observation is the row's own time."""
    lines = reader()

    assert lines.read(HEADER) is None
    assert sent(ROW, lines) == TitleSnapshot(
        tmdb_id=3924,
        observed_at=MIDNIGHT + 25_484_029,
        source="popular",
        rank=1,
        popularity=2.4,
        vote_count=498,
        vote_average=7.1,
        origin="backfill",
    )


def test_films_that_the_catalogue_lacks_follow_a_csv_file() -> None:
    """What is known keeps its details; what is not gets its title, also when the rows were sent in an earlier run."""
    lines = reader(known={3924})
    lines.read(HEADER)
    lines.pass_over(ROW)
    lines.pass_over(ROW.replace(b"3924", b"3925"))

    (sending,) = lines.closing()

    topic, key, movie = sending
    assert isinstance(movie, Movie)
    assert (topic.name, key, movie.title, movie.source) == ("tmdb.movies", 3925, 'Blondie, "again"', "list")
    CODEC.encode(topic.value_subject, movie)


def test_a_film_keeps_its_first_place_in_a_list() -> None:
    """Pages shift while a list is read: as in live polls, the second appearance does not count; the next list does."""
    lines = reader()
    lines.read(HEADER)
    again, other = ROW.replace(b",1,3924", b",37,3924"), ROW.replace(b"popular", b"top_rated")

    fates = [found.fate for line in (ROW, again, other, ROW) if isinstance(found := lines.read(line), Read)]

    assert fates == ["sent", "repeated", "sent", "sent"]


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("movie_ids_01_21_2026.json.gz", DAY_GIVEN),
        ("movie_ids_01_21_2026.json", DAY_GIVEN),
        ("lists.csv", None),
    ],
)
def test_the_name_of_an_export_says_its_day(name: str, day: date | None) -> None:
    """TMDB names its files so."""
    assert export_day(name) == day


@pytest.mark.parametrize(
    ("name", "told"),
    [("tv_series_ids_01_21_2026.json.gz", "only films"), ("movie_ids_13_41_2026.json.gz", "no such day")],
)
def test_an_export_of_something_else_is_refused(name: str, told: str) -> None:
    """Series have ids of their own, which would be read as films."""
    with pytest.raises(ConfigurationInvalid, match=told):
        SnapshotFiles(ManualClock(NOW), set).reader(name)


def test_an_export_without_a_day_is_refused() -> None:
    """No instant is made up for it."""
    with pytest.raises(ConfigurationInvalid, match="give --day"):
        reader(None).read(as_line(EXPORTED))


def test_a_csv_file_of_something_else_is_refused() -> None:
    """A header that lacks the list or a time is another kind of file."""
    with pytest.raises(ConfigurationInvalid, match="no column list"):
        reader().read(b"tmdb_id,date,popularity\n")
    with pytest.raises(ConfigurationInvalid, match="no column generated_at or date"):
        reader().read(b"tmdb_id,list,popularity\n")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"tmdb_id": ', "not_json"),
        (b"{nothing", "not_json"),
        (b"hello", "not_json"),
        (as_line(SNAPSHOT, tmdb_id="x"), "missing_id"),
        (as_line(SNAPSHOT, observed_at=None), "invalid_observed"),
        (as_line(SNAPSHOT, observed_at=5), "invalid_observed"),
        (as_line(SNAPSHOT, observed_at=NOW * 2), "observed_in_future"),
        (as_line(SNAPSHOT, source=""), "missing_source"),
        (as_line({"tmdb_id": 1, "observed_at": MIDNIGHT, "source": "popular"}), "missing_numbers"),
        (as_line(EXPORTED, id=-1), "missing_id"),
    ],
)
def test_lines_that_are_nothing_have_a_reason(line: bytes, reason: str) -> None:
    """Each failure is a dead letter of a class."""
    found = reader().read(line)

    assert isinstance(found, Poison)
    assert found.reason == reason


@pytest.mark.parametrize(
    ("row", "reason"),
    [(b"1,2,3\n", "wrong_columns"), (b'"open\n', "not_csv"), (b"\xff" * 9, "not_csv"), (ROW[11:], "wrong_columns")],
)
def test_rows_that_are_nothing_have_a_reason(row: bytes, reason: str) -> None:
    """A row with other cells than the header is not guessed at."""
    lines = reader()
    lines.read(HEADER)

    found = lines.read(row)

    assert isinstance(found, Poison)
    assert found.reason == reason


@given(spoiled(SNAPSHOT) | spoiled(EXPORTED) | JSON)
def test_no_line_breaks_the_reader(record: Any) -> None:
    """Whatever a field is: a snapshot that the contract takes, or a reason, or a film that is left out."""
    found = reader().read(json.dumps(record).encode())

    if isinstance(found, Read) and found.sending is not None:
        CODEC.encode("tmdb.popularity-value", found.sending[2])
    else:
        assert found is None or isinstance(found, Poison | Read)


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reader(line: bytes) -> None:
    """Nor do bytes that are no text at all, behind a header."""
    lines = reader()
    lines.read(HEADER)

    assert isinstance(lines.read(line), Poison | None)


@pytest.mark.parametrize("value", [None, True, 1.5, "soon", "x" * 99, [], "2026-01-21T07:04:44+99:00"])
def test_what_is_no_instant(value: object) -> None:
    """Only whole milliseconds and ISO 8601 are times."""
    assert instant_of(value) is None


def test_coverage_tells_of_each_lists_days() -> None:
    """A daily snapshot stands for its day."""
    progress = FileProgress("key", "file")
    progress.spans.see("popular", MIDNIGHT, MIDNIGHT + DAY - 1)
    progress.spans.see("popular", MIDNIGHT + DAY, MIDNIGHT + 2 * DAY - 1)

    ((key, report),) = SnapshotFiles(ManualClock(NOW), set).coverage(progress)

    assert (key.source, key.listing) == ("tmdb", "popular")
    assert (report.covered_from, report.covered_to) == (MIDNIGHT, MIDNIGHT + 2 * DAY)
    assert list(SnapshotFiles(ManualClock(NOW), set, mend=False).coverage(progress)) == []
