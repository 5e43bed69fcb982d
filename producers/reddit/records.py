"""What Reddit answers, as records of the contract: pure and tolerant.

A listing's child is `{"kind": "t3" | "t1", "data": {...}}`: https://www.reddit.com/dev/api
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cinepulse.errors import InvalidRecord, Poison
from producers.fields import Fields, encodable, ignore
from schemas.events import RedditPost

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.events import PostKind, PostState

KINDS: Final[dict[str, PostKind]] = {"t3": "submission", "t1": "comment"}
TEXT_FIELDS: Final[dict[PostKind, str]] = {"submission": "selftext", "comment": "body"}

# Base36 ids have seven digits today; twelve are the most that, with the kind, fit into eight bytes downstream.
FULLNAME: Final = re.compile(r"(t1|t3)_[0-9a-z]{1,12}")

# Reddit's own limits are 40,000 characters of a self text and 10,000 of a comment. Text beyond this is not a post, and
# at four bytes a character a record stays below Kafka's limit of 1 MiB.
MAX_TEXT_CHARS: Final = 100_000
MAX_TITLE_CHARS: Final = 5_000
MAX_URL_CHARS: Final = 8_000
MAX_NAME_CHARS: Final = 200

# Reddit opened in June 2005: an earlier stamp is no time of a post.
EARLIEST_MS: Final = 1_117_584_000_000
# Clocks differ by seconds, not by minutes: a stamp further ahead is a lie that would open a day that has not begun.
FUTURE_TOLERANCE_MS: Final = 600_000

DELETED: Final = "[deleted]"
# Reddit's own texts in place of removed content.
REMOVED: Final = frozenset({"[removed]", "[ Removed by Reddit ]", "[ Removed by reddit ]"})


@dataclass(frozen=True, slots=True)
class Stub:
    """What stays known of a post without its text or author: enough to say later that it is gone.

    Instants are milliseconds since 1970-01-01 UTC.
    """

    fullname: str
    kind: PostKind
    subreddit: str
    created_at: int
    score: int
    thread_id: str | None


def fullname_of(thing: object) -> str | None:
    """Return the fullname of a listing's child, None where it has no usable one."""
    outer = Fields(thing)
    data = outer.object("data")
    name = data.text("name", MAX_NAME_CHARS)
    if name is None and (number := data.text("id", MAX_NAME_CHARS)) is not None:
        name = f"{outer.raw.get('kind')}_{number}"
    return name if name is not None and FULLNAME.fullmatch(name) else None


def read_post(thing: object, observed_at: int, wrong: Callable[[str], None] = ignore) -> RedditPost | Poison:
    """Return a listing's child as a post as it looked at `observed_at`, or why it can be none.

    Args:
        thing: the child, decoded JSON of any shape.
        observed_at: when the answer was received, milliseconds since 1970-01-01 UTC.
        wrong: told the name of each field whose value is unusable but not needed.
    """
    data = Fields(thing).object("data")
    reading = Fields(data.raw, wrong)
    fullname = fullname_of(thing)
    if fullname is None:
        named = data.raw.get("name") or data.raw.get("id")
        return _poison("invalid_id" if named else "missing_id", f"no fullname in {str(named)[:80]!r}")
    created_at = _created_at(data, observed_at)
    if isinstance(created_at, Poison):
        return created_at
    subreddit = _subreddit(data)
    if subreddit is None:
        return _poison("missing_subreddit", f"{fullname} names no subreddit")
    stub = Stub(
        fullname=fullname,
        kind=KINDS[fullname[:2]],
        subreddit=subreddit,
        created_at=created_at,
        score=reading.integer("score") or 0,
        thread_id=reading.text("link_id", MAX_NAME_CHARS) if fullname.startswith("t1") else None,
    )
    state = _state(data, TEXT_FIELDS[stub.kind])
    return _live(stub, reading, observed_at) if state == "live" else _gone(stub, reading, observed_at, state)


def gone(stub: Stub, observed_at: int) -> RedditPost:
    """Return the state of a post that Reddit no longer knows at `observed_at`."""
    return _gone(stub, Fields({}), observed_at, "deleted")


def stub_of(post: RedditPost) -> Stub:
    """Return what may be remembered of a post after its text is gone."""
    return Stub(post.fullname, post.kind, post.subreddit, post.created_at, post.score, post.thread_id)


def _live(stub: Stub, data: Fields, observed_at: int) -> RedditPost | Poison:
    submission = stub.kind == "submission"
    text_field = TEXT_FIELDS[stub.kind]
    for name, limit in (("title", MAX_TITLE_CHARS), (text_field, MAX_TEXT_CHARS)):
        if isinstance(value := data.raw.get(name), str) and len(value) > limit:
            return _poison("text_too_large", f"{stub.fullname}: {name} has {len(value)} characters")
    title = data.text("title", MAX_TITLE_CHARS) if submission else None
    if submission and (title is None or not title.strip()):
        return _poison("missing_title", f"{stub.fullname} has no title")
    author = data.text("author", MAX_NAME_CHARS)
    return RedditPost(
        fullname=stub.fullname,
        kind=stub.kind,
        subreddit=stub.subreddit,
        title=title,
        body=data.text(text_field, MAX_TEXT_CHARS) or "",
        author=None if author == DELETED else author,
        url=data.text("url", MAX_URL_CHARS) if submission else None,
        flair=data.text("link_flair_text", MAX_NAME_CHARS) if submission else None,
        thread_id=stub.thread_id,
        thread_title=None if submission else data.text("link_title", MAX_TITLE_CHARS),
        created_at=stub.created_at,
        edited_at=_edited_at(data),
        observed_at=observed_at,
        score=stub.score,
        upvote_ratio=data.number("upvote_ratio", 0, 1) if submission else None,
        num_comments=data.integer("num_comments", 0) if submission else None,
        over_18=data.flag("over_18"),
        state="live",
    )


def _gone(stub: Stub, data: Fields, observed_at: int, state: PostState) -> RedditPost:
    """Return a deleted or removed post: nothing of what its author wrote, and not who wrote it."""
    submission = stub.kind == "submission"
    return RedditPost(
        fullname=stub.fullname,
        kind=stub.kind,
        subreddit=stub.subreddit,
        body="",
        thread_id=stub.thread_id,
        created_at=stub.created_at,
        observed_at=observed_at,
        score=stub.score,
        num_comments=data.integer("num_comments", 0) if submission else None,
        over_18=data.flag("over_18"),
        state=state,
        removed_by=data.text("removed_by_category", MAX_NAME_CHARS) if state == "removed" else None,
    )


def _state(data: Fields, text_field: str) -> PostState:
    """Tell live from gone as Reddit shows it: a category, or a placeholder where the text was.

    An author of `[deleted]` alone is a closed account: the post itself stays.
    """
    category = data.raw.get("removed_by_category")
    text = data.raw.get(text_field)
    if category == "deleted" or text == DELETED:
        return "deleted"
    if (isinstance(category, str) and category) or (isinstance(text, str) and text in REMOVED):
        return "removed"
    return "live"


def _created_at(data: Fields, observed_at: int) -> int | Poison:
    if data.raw.get("created_utc") is None:
        return _poison("missing_created", "created_utc is missing")
    seconds = data.number("created_utc")
    shown = str(data.raw["created_utc"])[:80]
    # Compared as a float first: a stamp may be too large for any instant.
    if seconds is None or seconds * 1000 < EARLIEST_MS:
        return _poison("invalid_created", f"created_utc is {shown}")
    if seconds * 1000 > observed_at + FUTURE_TOLERANCE_MS:
        return _poison("created_in_future", f"created_utc is {shown}")
    return round(seconds * 1000)


def _edited_at(data: Fields) -> int | None:
    if data.raw.get("edited") in (None, False, True):
        return None
    seconds = data.number("edited", EARLIEST_MS / 1000, 1e11)
    return None if seconds is None else round(seconds * 1000)


def _subreddit(data: Fields) -> str | None:
    name = data.text("subreddit", MAX_NAME_CHARS)
    if name is not None:
        return name
    prefixed = data.text("subreddit_name_prefixed", MAX_NAME_CHARS)
    return None if prefixed is None else prefixed.removeprefix("r/") or None


def _poison(reason: str, message: str) -> Poison:
    return InvalidRecord(encodable(message), reason=reason)
