"""Lines of a Reddit dump, in every shape that dumps have had."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinepulse.clock import ManualClock
from cinepulse.errors import Poison
from producers.backfill.posts import PostFiles, PostLines
from producers.backfill.reading import Read
from producers.backfill.state import FileProgress
from producers.backfill.threads import ThreadTitles
from schemas.codec import Codec
from schemas.registry import ManifestIds
from tests.producers.anything import JSON, spoiled
from tests.producers.reddit.test_records import COMMENT, NOW, SUBMISSION

if TYPE_CHECKING:
    from schemas.events import RedditPost

CODEC = Codec(ManifestIds())
CREATED = 1_759_999_000


def reader(*communities: str, titles: ThreadTitles | None = None) -> PostLines:
    """Return a reader of some communities' posts."""
    return PostLines(ManualClock(NOW), frozenset(communities), titles or ThreadTitles())


def line(record: Any, **changes: Any) -> bytes:
    """Return a record as a line."""
    return json.dumps(record | changes if changes else record).encode() + b"\n"


def read(raw: bytes, lines: PostLines | None = None) -> Read:
    """Return a line that is understood."""
    found = (lines or reader()).read(raw)
    assert isinstance(found, Read), found
    return found


def post(raw: bytes, lines: PostLines | None = None) -> RedditPost:
    """Return the post that a line sends."""
    sending = read(raw, lines).sending
    assert sending is not None
    topic, key, value = sending
    assert (topic.name, key) == ("reddit.posts", value.fullname)
    return value  # type: ignore[no-any-return]  # a sending's value is of its topic's type


def without(record: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return a record that lacks some fields."""
    return {name: value for name, value in record.items() if name not in names}


def test_posts_are_those_of_the_live_poller_with_their_origin() -> None:
    """Submission and comment carry the fields that a listing gives, and say where they come from."""
    submission, comment = post(line(SUBMISSION)), post(line(COMMENT))

    assert (submission.fullname, submission.kind, submission.title) == ("t3_1abc9z", "submission", "Dune was great")
    assert (comment.fullname, comment.kind, comment.body) == ("t1_k2", "comment", "Villeneuve!")
    assert {submission.origin, comment.origin} == {"backfill"}
    CODEC.encode("reddit.posts-value", submission)


@pytest.mark.parametrize(
    ("record", "fullname"),
    [
        (without(SUBMISSION, "name"), "t3_1abc9z"),
        (without(COMMENT, "name"), "t1_k2"),
        ({"kind": "t3", "data": without(SUBMISSION, "name")}, "t3_1abc9z"),
        (SUBMISSION | {"created_utc": str(CREATED)}, "t3_1abc9z"),
    ],
    ids=["submission without name", "comment without name", "child of a listing", "time as text"],
)
def test_older_and_other_forms_are_understood(record: dict[str, Any], fullname: str) -> None:
    """The kind is told by the name, or else by what the object has; old dumps spell times as text."""
    found = post(line(record))

    assert (found.fullname, found.created_at) == (fullname, found.created_at)
    assert found.created_at > 0


@pytest.mark.parametrize(
    ("changes", "observed"),
    [
        ({}, CREATED),
        ({"edited": CREATED + 50}, CREATED + 50),
        ({"retrieved_on": CREATED + 70}, CREATED + 70),
        ({"retrieved_on": CREATED + 70, "_meta": {"retrieved_2nd_on": CREATED + 900}}, CREATED + 900),
        ({"retrieved_on": NOW}, CREATED),
        ({"retrieved_on": "soon", "_meta": 7}, CREATED),
    ],
    ids=["nothing told", "edited", "retrieved", "retrieved twice", "a lie", "nonsense"],
)
def test_the_observation_is_the_dumps_own(changes: dict[str, Any], observed: int) -> None:
    """A second run says the same as the first, and what was seen live stays newer."""
    assert post(line(SUBMISSION, **changes)).observed_at == observed * 1_000


@pytest.mark.parametrize(
    "changes",
    [
        {"_meta": {"was_deleted_later": True}},
        {"_meta": {"was_initially_deleted": True}},
        {"_meta": {"removal_type": "moderator"}},
        {"selftext": "[deleted]"},
        {"selftext": "[removed]"},
        {"removed_by_category": "moderator"},
    ],
)
def test_what_is_gone_is_left_out(changes: dict[str, Any]) -> None:
    """Deleted or removed, at once or later: nothing is sent, though the file did hold that time."""
    found = read(line(SUBMISSION, **changes))

    assert (found.fate, found.sending, found.first) == ("gone", None, CREATED * 1_000)


def test_comments_know_the_titles_of_threads_read_before() -> None:
    """The thread's title comes from its submission, as a listing of comments would give it, also after a resume."""
    comment = without(COMMENT, "link_title") | {"link_id": "t3_1abc9z"}
    fresh, resumed, ignorant = reader(), reader(), reader()
    read(line(SUBMISSION), fresh)
    resumed.pass_over(line(SUBMISSION))

    titles = [post(line(comment), lines).thread_title for lines in (fresh, resumed, ignorant)]

    assert titles == ["Dune was great", "Dune was great", None]


def test_titles_are_bounded() -> None:
    """The latest threads are known; memory does not grow with the file."""
    titles = ThreadTitles(kept=2)
    for name in ("aaa", "bbb", "ccc"):
        read(line(SUBMISSION, id=name, name=f"t3_{name}", title=name), reader(titles=titles))

    assert [titles.of(f"t3_{name}") for name in ("aaa", "bbb", "ccc")] == [None, "bbb", "ccc"]
    assert titles.of(None) is None


def test_other_communities_are_left_out() -> None:
    """Only the wanted are sent, whatever the case of the name; the others still tell what time the file holds."""
    lines = reader("movies")

    fates = [read(line(SUBMISSION, subreddit=name), lines) for name in ("MOVIES", "aww")]

    assert [found.fate for found in fates] == ["sent", "elsewhere"]
    assert [found.first for found in fates] == [CREATED * 1_000] * 2


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"{", "not_json"),
        (b"\xff\xfe{}", "not_json"),
        (b"[" * 100_000, "not_json"),
        (b'{"id": 1' + b"0" * 5_000 + b"}", "not_json"),
        (b"[1, 2]", "not_an_object"),
        (b'{"id": "abc"}', "unknown_kind"),
        (line(without(SUBMISSION, "id", "name")), "missing_id"),
        (line(SUBMISSION, name="t3_../../x"), "invalid_id"),
        (line(SUBMISSION, created_utc=NOW), "created_in_future"),
        (line(SUBMISSION, created_utc=-5), "invalid_created"),
        (line(SUBMISSION, title="x" * 5_001), "text_too_large"),
    ],
)
def test_lines_that_are_nothing_have_a_reason(raw: bytes, reason: str) -> None:
    """Each failure is a dead letter of a class."""
    found = reader().read(raw)

    assert isinstance(found, Poison)
    assert found.reason == reason


def test_a_blank_line_is_nothing() -> None:
    """Files end with one, or have some."""
    assert reader().read(b"\n") is None


@given(spoiled(SUBMISSION | {"_meta": {"was_deleted_later": False}, "retrieved_on": CREATED}) | JSON)
def test_no_line_breaks_the_reader(record: Any) -> None:
    """Whatever a field is: a post that the contract takes, or a reason."""
    found = reader().read(json.dumps(record).encode())

    if isinstance(found, Read) and found.sending is not None:
        CODEC.encode("reddit.posts-value", found.sending[2])
        assert found.sending[2].observed_at >= found.sending[2].created_at
    else:
        assert found is None or isinstance(found, Poison | Read)


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reader(raw: bytes) -> None:
    """Nor do bytes that are no JSON at all."""
    assert isinstance(reader().read(raw), Poison | None)


def reports(source: PostFiles, *communities: str) -> list[tuple[str, int | None, int | None]]:
    """Return what a file that was read from 1 to 5 s says about coverage."""
    progress = FileProgress("key", "file", communities=set(communities))
    progress.spans.see("new", 1_000, 5_000)
    return [(key.listing, report.covered_from, report.covered_to) for key, report in source.coverage(progress)]


def test_coverage_tells_of_the_communities_chosen_or_polled() -> None:
    """Chosen ones are covered even when quiet; without a choice, those polled ones that the file holds."""
    polled = frozenset({"movies", "scifi"})
    clock = ManualClock(NOW)

    assert reports(PostFiles(clock, frozenset({"movies", "horror"}), polled)) == [("new:horror+movies", 1_000, 5_001)]
    assert reports(PostFiles(clock, frozenset(), polled), "movies") == [("new:movies", 1_000, 5_001)]
    assert reports(PostFiles(clock, frozenset(), polled)) == []
    assert reports(PostFiles(clock, polled, polled, mend=False)) == []
    assert [PostFiles(clock, frozenset(), polled).worth_telling(name) for name in ("Movies", "aww")] == [True, False]
