from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cinepulse.errors import InvalidRecord
from schemas.events import RedditPost
from stream_processors.posts import check_post

NOW = 1_790_000_000_000
YEAR_2150 = 5_680_281_600_000
MINUTE = 60_000

POST = RedditPost(
    fullname="t3_abc",
    kind="submission",
    subreddit="movies",
    title="Dune",
    body="",
    created_at=NOW - 5_000,
    observed_at=NOW,
    score=1,
    state="live",
)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"title": None}, "title_missing"),
        ({"title": "  "}, "title_missing"),
        ({"created_at": YEAR_2150}, "created_in_future"),
        ({"created_at": NOW + 10 * MINUTE + 1}, "created_in_future"),
        ({"created_at": YEAR_2150, "observed_at": YEAR_2150}, "observed_in_future"),
        ({"created_at": 0}, "created_at_invalid"),
        ({"created_at": -1}, "created_at_invalid"),
        ({"body": "x" * 200_001}, "text_too_long"),
        ({"title": "x" * 2_001}, "text_too_long"),
        ({"kind": "comment", "title": None, "thread_title": "x" * 2_001}, "text_too_long"),
        ({"url": "x" * 10_001}, "text_too_long"),
        ({"fullname": ""}, "name_invalid"),
        ({"fullname": "x" * 201}, "name_invalid"),
        ({"subreddit": ""}, "name_invalid"),
    ],
)
def test_a_post_that_breaks_the_contract_is_refused_with_its_reason(changes: dict[str, Any], reason: str) -> None:
    """Each way to lie has a name of its own in the dead letters."""
    with pytest.raises(InvalidRecord) as refused:
        check_post(replace(POST, **changes), sent_at=NOW)

    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"kind": "comment", "title": None, "fullname": "t1_abc"},
        {"state": "deleted", "title": None},
        {"state": "removed", "title": ""},
        {"created_at": NOW + 10 * MINUTE},
        {"observed_at": NOW + 10 * MINUTE},
        {"observed_at": NOW - 3_600_000, "created_at": 1},
        {"body": "x" * 200_000},
        {"kind": "unknown", "title": None},
    ],
)
def test_odd_but_possible_posts_pass(changes: dict[str, Any]) -> None:
    """Deleted posts have no title, clocks differ by minutes, backfilled posts are old."""
    check_post(replace(POST, **changes), sent_at=NOW)
