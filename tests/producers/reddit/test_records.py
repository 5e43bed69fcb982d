from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinepulse.errors import Poison
from producers.reddit.records import EARLIEST_MS, FUTURE_TOLERANCE_MS, MAX_TEXT_CHARS, gone, read_post, stub_of
from schemas.codec import Codec
from schemas.events import RedditPost
from schemas.registry import ManifestIds
from tests.producers.anything import JSON, spoiled

CODEC = Codec(ManifestIds())
NOW = 1_760_000_000_000

SUBMISSION: dict[str, Any] = {
    "id": "1abc9z",
    "name": "t3_1abc9z",
    "title": "Dune was great",
    "selftext": "Loved it",
    "author": "someone",
    "subreddit": "movies",
    "subreddit_name_prefixed": "r/movies",
    "created_utc": 1_759_999_000.0,
    "edited": False,
    "score": 12,
    "upvote_ratio": 0.97,
    "num_comments": 3,
    "over_18": False,
    "url": "https://www.reddit.com/r/movies/comments/1abc9z/",
    "link_flair_text": "Discussion",
    "removed_by_category": None,
}
COMMENT: dict[str, Any] = {
    "id": "k2",
    "name": "t1_k2",
    "body": "Villeneuve!",
    "author": "someone",
    "link_id": "t3_1abc9z",
    "link_title": "Dune was great",
    "subreddit": "movies",
    "created_utc": 1_759_999_500,
    "edited": 1_759_999_600.0,
    "score": 2,
}


def read(data: dict[str, Any], kind: str = "t3", **changes: Any) -> RedditPost | Poison:
    """Return what a child with some fields changed reads as."""
    return read_post({"kind": kind, "data": data | changes}, NOW)


def post(data: dict[str, Any], kind: str = "t3", **changes: Any) -> RedditPost:
    """Return the post that a child with some fields changed reads as."""
    found = read(data, kind, **changes)
    assert isinstance(found, RedditPost), found
    return found


class TestLive:
    """Posts as they are."""

    def test_a_submission(self) -> None:
        """Every field finds its place; times are milliseconds."""
        assert post(SUBMISSION) == RedditPost(
            fullname="t3_1abc9z",
            kind="submission",
            subreddit="movies",
            title="Dune was great",
            body="Loved it",
            author="someone",
            url="https://www.reddit.com/r/movies/comments/1abc9z/",
            flair="Discussion",
            created_at=1_759_999_000_000,
            observed_at=NOW,
            score=12,
            upvote_ratio=0.97,
            num_comments=3,
            state="live",
        )

    def test_a_comment(self) -> None:
        """A comment brings its thread, has no title and knows when it was edited."""
        assert post(COMMENT, "t1") == RedditPost(
            fullname="t1_k2",
            kind="comment",
            subreddit="movies",
            body="Villeneuve!",
            author="someone",
            thread_id="t3_1abc9z",
            thread_title="Dune was great",
            created_at=1_759_999_500_000,
            edited_at=1_759_999_600_000,
            observed_at=NOW,
            score=2,
            state="live",
        )

    @pytest.mark.parametrize(
        ("changes", "field", "expected"),
        [
            ({"name": None}, "fullname", "t3_1abc9z"),
            ({"subreddit": None}, "subreddit", "movies"),
            ({"created_utc": "1759999000"}, "created_at", 1_759_999_000_000),
            ({"author": "[deleted]"}, "author", None),
            ({"author": None}, "author", None),
            ({"score": None}, "score", 0),
            ({"score": "many"}, "score", 0),
            ({"upvote_ratio": 7}, "upvote_ratio", None),
            ({"num_comments": -1}, "num_comments", None),
            ({"edited": "yes"}, "edited_at", None),
            ({"edited": True}, "edited_at", None),
            ({"selftext": None}, "body", ""),
            ({"selftext": 7}, "body", ""),
            ({"over_18": "no"}, "over_18", False),
            ({"url": "x" * 9_000}, "url", None),
        ],
    )
    def test_what_is_not_needed_may_be_anything(self, changes: dict[str, Any], field: str, expected: object) -> None:
        """A field that is missing or unusable is unknown; the post stays."""
        assert getattr(post(SUBMISSION, **changes), field) == expected

    def test_unusable_fields_are_told(self) -> None:
        """The caller hears of each field of another type than the API documents."""
        said: list[str] = []

        read_post({"kind": "t3", "data": SUBMISSION | {"score": [], "url": 7}}, NOW, said.append)

        assert said == ["score", "url"]


class TestGone:
    """What its author or a moderator took away leaves nothing of the author."""

    @pytest.mark.parametrize(
        ("changes", "state", "removed_by"),
        [
            ({"removed_by_category": "deleted", "selftext": "[deleted]", "author": "[deleted]"}, "deleted", None),
            ({"removed_by_category": "deleted", "selftext": ""}, "deleted", None),
            ({"selftext": "[deleted]", "author": "[deleted]"}, "deleted", None),
            ({"removed_by_category": "moderator", "selftext": "[removed]"}, "removed", "moderator"),
            ({"removed_by_category": "copyright_takedown"}, "removed", "copyright_takedown"),
            ({"selftext": "[removed]"}, "removed", None),
            ({"author": "[deleted]"}, "live", None),
        ],
    )
    def test_submissions(self, changes: dict[str, Any], state: str, removed_by: str | None) -> None:
        """Reddit's placeholders and categories; a closed account alone leaves the post."""
        found = post(SUBMISSION, **changes)

        assert (found.state, found.removed_by) == (state, removed_by)
        if state != "live":
            assert (found.title, found.body, found.author, found.url, found.flair) == (None, "", None, None, None)

    @pytest.mark.parametrize(("body", "state"), [("[deleted]", "deleted"), ("[removed]", "removed")])
    def test_comments(self, body: str, state: str) -> None:
        """A comment keeps its place in the thread and nothing else."""
        found = post(COMMENT, "t1", body=body, author="[deleted]")

        assert (found.state, found.body, found.author, found.thread_title) == (state, "", None, None)
        assert found.thread_id == "t3_1abc9z"

    def test_a_deleted_submission_needs_no_title(self) -> None:
        """A title is required of live submissions only."""
        assert post(SUBMISSION, title=None, selftext="[deleted]").state == "deleted"

    def test_absent_posts(self) -> None:
        """A post that Reddit no longer knows is deleted, by what may be remembered of it."""
        known = post(COMMENT, "t1")

        found = gone(stub_of(known), NOW + 1)

        assert (found.fullname, found.state, found.observed_at) == ("t1_k2", "deleted", NOW + 1)
        assert (found.created_at, found.subreddit) == (known.created_at, known.subreddit)
        assert (found.body, found.author) == ("", None)


class TestPoison:
    """What can be no post, with the reason."""

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"name": None, "id": None}, "missing_id"),
            ({"name": "t5_movies", "id": None}, "invalid_id"),
            ({"name": "t3_" + "z" * 40}, "invalid_id"),
            ({"name": "t3_UPPER"}, "invalid_id"),
            ({"created_utc": None}, "missing_created"),
            ({"created_utc": "tomorrow"}, "invalid_created"),
            ({"created_utc": True}, "invalid_created"),
            ({"created_utc": 0}, "invalid_created"),
            ({"created_utc": 1e300}, "created_in_future"),
            ({"created_utc": 5_680_281_600}, "created_in_future"),
            ({"title": None}, "missing_title"),
            ({"title": ""}, "missing_title"),
            ({"title": "  "}, "missing_title"),
            ({"title": 7}, "missing_title"),
            ({"title": "x" * 6_000}, "text_too_large"),
            ({"selftext": "x" * (MAX_TEXT_CHARS + 1)}, "text_too_large"),
            ({"subreddit": None, "subreddit_name_prefixed": None}, "missing_subreddit"),
        ],
    )
    def test_reasons(self, changes: dict[str, Any], reason: str) -> None:
        """Each condition has its own reason and a message that is short."""
        found = read(SUBMISSION, **changes)

        assert isinstance(found, Poison)
        assert found.reason == reason
        assert len(str(found)) < 300

    @pytest.mark.parametrize("thing", [None, 7, "text", [], {}, {"kind": "t3"}, {"kind": "t3", "data": []}])
    def test_no_thing_at_all(self, thing: object) -> None:
        """JSON of another form has no id."""
        found = read_post(thing, NOW)

        assert isinstance(found, Poison)
        assert found.reason == "missing_id"

    def test_clocks_may_differ_by_minutes(self) -> None:
        """A stamp a little ahead is a difference of clocks, one further ahead is a lie."""
        just = (NOW + FUTURE_TOLERANCE_MS) / 1000

        assert isinstance(read(SUBMISSION, created_utc=just), RedditPost)
        assert isinstance(read(SUBMISSION, created_utc=just + 1), Poison)
        assert isinstance(read(SUBMISSION, created_utc=EARLIEST_MS / 1000), RedditPost)

    def test_the_largest_text_still_fits_a_record(self) -> None:
        """The cap on text keeps a record below Kafka's limit, whatever the script."""
        found = post(SUBMISSION, selftext="\U0001f3ac" * MAX_TEXT_CHARS, title="\U0001f3ac" * 5_000)

        assert len(CODEC.encode("reddit.posts-value", found)) < 900_000


@given(data=spoiled(SUBMISSION) | spoiled(COMMENT), kind=st.sampled_from(["t3", "t1"]) | JSON)
def test_any_json_is_a_post_or_poison(data: dict[str, object], kind: object) -> None:
    """Whatever Reddit answers, reading it raises nothing, and what reads as a post fits the contract."""
    found = read_post({"kind": kind, "data": data}, NOW)

    assert isinstance(found, RedditPost | Poison)
    if isinstance(found, RedditPost):
        assert CODEC.decode("reddit.posts-value", CODEC.encode("reddit.posts-value", found)) == found
