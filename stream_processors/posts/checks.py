"""What a post must satisfy to be linked. Each failure has a reason, under which it is found in the dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cinepulse.errors import InvalidRecord

if TYPE_CHECKING:
    from schemas.events import RedditPost

# A post dated this much after its observation, or an observation this much after it was sent, has a wrong date.
FUTURE_TOLERANCE_MS: Final = 10 * 60_000

# Reddit's own limits are 300, 40,000 and 10,000 characters; these leave room for older and odder posts.
MAX_TITLE: Final = 2_000
MAX_BODY: Final = 200_000
MAX_NAME: Final = 200
MAX_URL: Final = 10_000


def check_post(post: RedditPost, *, sent_at: int) -> None:
    """Return if the post can be linked; `sent_at` is the record's own timestamp, milliseconds.

    Raises InvalidRecord with its reason if it cannot.
    """
    for reason, failed, explanation in _checks(post, sent_at):
        if failed:
            raise InvalidRecord(f"{post.fullname[:MAX_NAME]!r}: {explanation}", reason=reason)


def _checks(post: RedditPost, sent_at: int) -> tuple[tuple[str, bool, str], ...]:
    named = 0 < len(post.fullname) <= MAX_NAME and 0 < len(post.subreddit) <= MAX_NAME
    title = post.title or ""
    long = (
        len(title) > MAX_TITLE
        or len(post.body) > MAX_BODY
        or len(post.thread_title or "") > MAX_TITLE
        or max(len(post.url or ""), len(post.flair or ""), len(post.thread_id or "")) > MAX_URL
    )
    untitled = post.kind == "submission" and post.state == "live" and not title.strip()
    return (
        ("name_invalid", not named, "no usable fullname or subreddit"),
        ("text_too_long", long, f"title of {len(title)} and body of {len(post.body)} characters"),
        ("title_missing", untitled, "a live submission without a title"),
        ("created_at_invalid", post.created_at <= 0, f"created at {post.created_at}"),
        (
            "observed_in_future",
            post.observed_at > sent_at + FUTURE_TOLERANCE_MS,
            f"observed at {post.observed_at}, after it was sent at {sent_at}",
        ),
        (
            "created_in_future",
            post.created_at > post.observed_at + FUTURE_TOLERANCE_MS,
            f"created at {post.created_at}, after it was observed at {post.observed_at}",
        ),
    )
