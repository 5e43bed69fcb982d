"""A file on its way to a real broker: sent once, gone on with, and told of."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from cinepulse.clock import ManualClock
from cinepulse.errors import BrokerUnavailable, DataDirectoryBusy, DeadLetterRateExceeded
from producers.backfill.dump_file import DumpFile
from producers.backfill.posts import PostFiles
from producers.backfill.run import Backfill, Result, first_and_last, wanted
from producers.backfill.state import BackfillState
from producers.outbox import Outbox
from schemas.topics import REDDIT_POSTS, TMDB_MOVIES, TMDB_POPULARITY
from tests.producers.backfill.test_snapshots import HEADER, ROW

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cinepulse.errors import CinepulseError
    from schemas.publisher import Publisher
    from tests.producers.tape import Tape

pytestmark = pytest.mark.real

NOW = 1_760_000_000_000
FIRST = 1_700_000_000


def dump(count: int, *, prefix: str, broken: Sequence[int] = (), kind: str = "title") -> bytes:
    """Return a dump's lines, a second apart, some of them broken; ids begin with `prefix`."""
    lines = [
        b"not json"
        if number in broken
        else json.dumps(
            {"id": f"{prefix}{number}", "subreddit": "movies", kind: f"post {number}", "created_utc": FIRST + number}
        ).encode()
        for number in range(1, count + 1)
    ]
    return b"\n".join(lines) + b"\n"


@dataclass
class Notes:
    """Looks on; asks to stop once so many lines were told of."""

    stop_after: int = 10**9
    lines: int = 0
    told: list[tuple[str, int, str]] = field(default_factory=list)

    def at(self, _position: int, lines: int) -> None:
        """Add lines up."""
        self.lines += lines

    def broken(self, name: str, number: int, error: CinepulseError) -> None:
        """Note a broken line."""
        self.told.append((name.rpartition("/")[2], number, str(error)))

    def wants_stop(self) -> bool:
        """Return whether enough lines came."""
        return self.lines >= self.stop_after

    def pace(self, sent: int) -> None:
        """Do not wait."""


class Desk:
    """A memory, a source and a broker; each `send` is a run of its own."""

    def __init__(self, publisher: Publisher, directory: Path) -> None:
        self.publisher = publisher
        self.directory = directory
        self.source = PostFiles(ManualClock(NOW), polled=frozenset({"movies"}))

    @contextmanager
    def work(self, notes: Notes, *, share: float = 0.5) -> Iterator[Backfill]:
        """Give a run's own parts."""

        def give_up(error: BrokerUnavailable, _failures: int) -> None:
            raise error

        with BackfillState(self.directory, "reddit") as state:
            outbox = Outbox(self.publisher, "reddit", give_up)
            yield Backfill(self.source, state, outbox, notes, share, batch_lines=500)

    def send(self, path: Path, notes: Notes | None = None, **options: Any) -> Result:
        """Send one file."""
        with self.work(notes or Notes(), **options) as work, DumpFile(path) as file:
            return work.send(file)


@pytest.fixture
def desk(publisher: Publisher, tmp_path: Path) -> Desk:
    """Return a desk on the shared broker."""
    return Desk(publisher, tmp_path / "data")


def keys(tape: Tape) -> list[str]:
    """Return the posts that arrived."""
    return [str(key) for key in tape.keys(REDDIT_POSTS)]


def test_a_file_is_sent_once(desk: Desk, tape: Tape, tmp_path: Path) -> None:
    """The second run of the same file, packed or moved as it may be named, sends nothing."""
    path = tmp_path / "RS.jsonl.gz"
    path.write_bytes(gzip.compress(dump(1_200, prefix="once")))

    first = desk.send(path)
    moved = path.rename(tmp_path / "other")
    second = desk.send(moved)

    assert (first.ending, first.lines, second.ending, second.lines) == ("done", 1_200, "already", 0)
    assert second.progress.tally.sent == 1_200
    assert sorted(keys(tape)) == sorted(f"t3_once{number}" for number in range(1, 1_201))
    assert {post.origin for _, post in tape.read(REDDIT_POSTS)} == {"backfill"}
    assert [str(day) for day in first_and_last(first.progress)] == ["2023-11-14", "2023-11-14"]


def test_a_file_can_be_sent_again_on_purpose(desk: Desk, tape: Tape, tmp_path: Path) -> None:
    """Forgotten, a file is read from its first line, and says the same."""
    path = tmp_path / "RS.jsonl"
    path.write_bytes(dump(3, prefix="again"))
    desk.send(path)
    with desk.work(Notes()) as work, DumpFile(path) as file:
        work.forget(file)

    assert desk.send(path).ending == "done"
    posts = [post for _, post in tape.read(REDDIT_POSTS)]
    assert len(posts) == 6
    assert len(set(posts)) == 3


def test_a_stop_goes_on_where_it_was(desk: Desk, tape: Tape, tmp_path: Path) -> None:
    """What was sent before a stop is confirmed and not sent again."""
    path = tmp_path / "RS.jsonl"
    path.write_bytes(dump(2_000, prefix="stop"))

    first = desk.send(path, Notes(stop_after=750))
    second = desk.send(path)

    assert (first.ending, first.lines, second.ending, second.lines) == ("stopped", 750, "done", 1_250)
    assert len(keys(tape)) == len(set(keys(tape))) == 2_000


def test_a_failure_costs_one_batch(desk: Desk, tape: Tape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When Kafka stays away, the next run goes on behind the last batch that it confirmed."""
    path = tmp_path / "RS.jsonl"
    path.write_bytes(dump(2_000, prefix="fail"))
    flush, calls = desk.publisher.flush, []

    def fail_third(timeout: float | None = None) -> None:
        calls.append(timeout)
        if len(calls) == 3:
            raise BrokerUnavailable("gone")
        flush(timeout)

    monkeypatch.setattr(desk.publisher, "flush", fail_third)
    with pytest.raises(BrokerUnavailable):
        desk.send(path)
    second = desk.send(path)

    assert (second.ending, second.lines) == ("done", 1_000)
    assert set(keys(tape)) == {f"t3_fail{number}" for number in range(1, 2_001)}
    assert len(keys(tape)) == 2_500


def test_broken_lines_are_told_and_kept(desk: Desk, tape: Tape, tmp_path: Path) -> None:
    """Each is named by file and line, its bytes and the reason lie in the dead letters, and the others arrive."""
    path = tmp_path / "RS.jsonl"
    path.write_bytes(dump(600, prefix="bad", broken=[2, 555]))
    notes = Notes()

    result = desk.send(path, notes)

    assert [(name, number) for name, number, _ in notes.told] == [("RS.jsonl", 2), ("RS.jsonl", 555)]
    assert (result.progress.tally.sent, result.progress.tally.broken) == (598, 2)
    letters = tape.dead_letters()
    assert [(one.stage, one.source, one.reason, one.value) for one in letters] == [
        ("producer", "reddit/backfill/RS.jsonl", "not_json", b"not json\n")
    ] * 2
    assert letters[0].error.startswith("line 2: ")
    assert len(keys(tape)) == 598


def test_a_name_that_is_no_text_is_harmless(desk: Desk, tape: Tape, tmp_path: Path) -> None:
    """Names are bytes: one that is no UTF-8 is told, remembered and put into dead letters all the same."""
    path = tmp_path / os.fsdecode(b"\xff\x1b.jsonl")
    path.write_bytes(dump(3, prefix="name", broken=[2]))

    assert desk.send(path).ending == "done"
    assert desk.send(path).ending == "already"
    assert [one.source for one in tape.dead_letters()] == ["reddit/backfill/\ufffd\ufffd.jsonl"]


def test_the_wrong_file_is_not_drained_into_the_dead_letters(desk: Desk, tape: Tape, tmp_path: Path) -> None:
    """A file of something else ends after some lines, with a question."""
    path = tmp_path / "notes.txt"
    path.write_bytes(b"hello\n" * 5_000)

    with pytest.raises(DeadLetterRateExceeded, match=r"21 of the first 21 lines .* right file\?"):
        desk.send(path)

    assert len(tape.dead_letters()) == 21


def test_a_damaged_file_is_not_done(desk: Desk, tape: Tape, tmp_path: Path) -> None:
    """Its good lines arrive, and it covers nothing."""
    path = tmp_path / "RS.gz"
    path.write_bytes(gzip.compress(dump(3_000, prefix="cut"))[:-400])
    notes = Notes()

    result = desk.send(path, notes)

    assert (result.ending, desk.send(path).ending) == ("damaged", "damaged")
    assert "damaged or cut off" in notes.told[-1][2]
    assert len(keys(tape)) > 1_000
    assert tape.reports("new:") == []


def test_a_whole_file_tells_what_it_covers(desk: Desk, tape: Tape, tmp_path: Path) -> None:
    """Its event time from the first to the last line, also when it took two runs."""
    path = tmp_path / "RS.jsonl"
    path.write_bytes(dump(1_000, prefix="cover"))
    desk.send(path, Notes(stop_after=250))
    assert tape.reports("new:") == []

    desk.send(path)

    (report,) = tape.reports("new:movies")
    assert (report.covered_from, report.covered_to) == ((FIRST + 1) * 1_000, (FIRST + 1_000) * 1_000 + 1)
    assert (report.outcome, report.requests, report.items, report.gap_from) == ("ok", 0, 1_000, None)


def test_titles_come_from_a_file_that_is_done(desk: Desk, tape: Tape, tmp_path: Path) -> None:
    """Resumed at the comments, a run looks through the submissions again for the titles of threads."""
    submissions, comments = tmp_path / "RS", tmp_path / "RC"
    submissions.write_bytes(dump(300, prefix="thread"))
    comment = {"id": "reply", "subreddit": "movies", "body": "x", "created_utc": FIRST, "link_id": "t3_thread7"}
    comments.write_bytes(json.dumps(comment).encode())
    desk.send(submissions)
    # A run of its own has a memory of its own.
    desk.source = PostFiles(ManualClock(NOW))

    with desk.work(Notes()) as work, DumpFile(submissions) as first, DumpFile(comments) as second:
        pending = work.pending([first, second])
        work.send(first, others_follow=pending[1])
        work.send(second)

    assert pending == [False, True]
    titles = [post.thread_title for key, post in tape.read(REDDIT_POSTS) if key == "t1_reply"]
    assert titles == ["post 7"]


def test_communities_are_compared_without_case_and_prefix() -> None:
    """Names come from settings and from people."""
    assert wanted(["r/Movies", "/r/scifi/", "HORROR"]) == {"movies", "scifi", "horror"}


def backfill(bootstrap: str, directory: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start `cinepulse backfill …`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CINEPULSE_")}
    return subprocess.Popen(
        [sys.executable, "-m", "cinepulse", "backfill", *arguments, "--format", "json"],
        env=clean | {"CINEPULSE_DATA_DIR": str(directory), "CINEPULSE_KAFKA_BOOTSTRAP": bootstrap},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, list[dict[str, Any]], str]:
    """Return a command's exit code, rows and messages."""
    output, messages = process.communicate(timeout=60)
    return process.returncode, json.loads(output) if output else [], messages


def test_a_killed_run_goes_on(topics: str, tape: Tape, tmp_path: Path) -> None:
    """Killed with -9 in mid-work, a run loses nothing, and the next one does not begin from the start."""
    path = tmp_path / "RS.jsonl"
    path.write_bytes(dump(6_000, prefix="kill"))
    arguments = ("reddit", str(path), "--max-rate", "1000")
    first = backfill(topics, tmp_path, *arguments)
    deadline = time.monotonic() + 60
    while len(keys(tape)) < 2_000:
        assert first.poll() is None, first.communicate()
        assert time.monotonic() < deadline
    first.kill()
    first.communicate()

    code, (row,), _ = ended(backfill(topics, tmp_path, "reddit", str(path)))

    assert (code, row["ending"], row["sent"]) == (0, "done", 6_000)
    assert set(keys(tape)) == {f"t3_kill{number}" for number in range(1, 6_001)}
    assert len(keys(tape)) <= 6_000 + 2_000


def test_ctrl_c_ends_cleanly_and_broken_lines_end_with_1(topics: str, tape: Tape, tmp_path: Path) -> None:
    """Interrupted: 130, what was sent is remembered. Broken lines: 1, told with file and number."""
    path = tmp_path / "RS.jsonl"
    path.write_bytes(dump(4_000, prefix="int", broken=[3]))
    process = backfill(topics, tmp_path, "reddit", str(path), "--max-rate", "500")
    deadline = time.monotonic() + 60
    while not keys(tape):
        assert time.monotonic() < deadline
    process.send_signal(signal.SIGINT)

    code, (row,), messages = ended(process)
    assert (code, row["ending"]) == (130, "stopped")
    assert f"{path}:3: not JSON" in messages
    assert "the same command goes on from there" in messages

    code, (row,), messages = ended(backfill(topics, tmp_path, "reddit", str(path)))
    assert (code, row["ending"], row["sent"], row["broken"]) == (1, "done", 3_999, 1)
    assert len(keys(tape)) == len(set(keys(tape))) == 3_999


def test_tmdb_files_from_the_command_line(topics: str, tape: Tape, tmp_path: Path) -> None:
    """Exports and lists in one go; a film that no catalogue has gets its title, and only once."""
    export, lists = tmp_path / "movie_ids_01_21_2026.json", tmp_path / "lists.csv"
    export.write_text('{"adult":false,"id":918273,"original_title":"Blondie","popularity":2.4,"video":false}\n')
    lists.write_bytes(HEADER + ROW.replace(b"3924", b"918274"))

    code, rows, messages = ended(backfill(topics, tmp_path, "tmdb", str(export), str(lists)))

    assert (code, [row["sent"] for row in rows], messages) == (0, [1, 1], "")
    assert sorted(tape.keys(TMDB_POPULARITY)) == [918273, 918274]
    assert tape.keys(TMDB_MOVIES) == [918274]
    assert ended(backfill(topics, tmp_path, "tmdb", str(lists), "--again"))[0] == 0
    assert tape.keys(TMDB_MOVIES) == [918274]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("none.zst", "No such file"),
        ("link", "symbolic link"),
        ("tv_series_ids_01_21_2026.json", "only films"),
        ("people.csv", "people.csv: the CSV header has no column list"),
    ],
)
def test_what_cannot_be_read_ends_with_one_line(topics: str, tmp_path: Path, name: str, told: str) -> None:
    """It says what is wrong, with exit code 2, even when another file is fine."""
    fine = tmp_path / "lists.csv"
    fine.write_bytes(HEADER + ROW)
    (tmp_path / "link").symlink_to(fine)
    (tmp_path / "people.csv").write_text("tmdb_id,date,name\n")
    (tmp_path / "tv_series_ids_01_21_2026.json").write_text("{}")

    code, rows, messages = ended(backfill(topics, tmp_path, "tmdb", str(fine), str(tmp_path / name)))

    assert (code, rows) == (2, [])
    assert told in messages
    assert len(messages.splitlines()) == 1


def test_two_runs_at_once_are_refused(tmp_path: Path) -> None:
    """The memory has one writer."""
    with BackfillState(tmp_path, "reddit"), pytest.raises(DataDirectoryBusy, match="another producer uses"):
        BackfillState(tmp_path, "reddit")
