"""Reddit posts as the stages see them, for tests."""

from __future__ import annotations

from typing import Any

from schemas.events import RedditPost


def post(**fields: Any) -> RedditPost:
    """Return a live submission with the given fields changed."""
    known = {
        "fullname": "t3_abc",
        "kind": "submission",
        "subreddit": "movies",
        "body": "",
        "created_at": 1_731_628_800_000,
        "observed_at": 1_731_628_860_000,
        "score": 1,
        "state": "live",
    }
    return RedditPost(**{**known, **fields})
