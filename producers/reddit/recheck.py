"""Looking at posts again: fresh engagement, edits, and what its author or a moderator took away.

Reddit asks that deleted content go within 48 hours, and tells of deletions only to those who ask:
https://support.reddithelp.com/hc/en-us/articles/16160319875092-Reddit-Data-API-Wiki
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cinepulse.clock import MILLISECONDS_PER_SECOND
from cinepulse.errors import Poison, SourceUnavailable
from cinepulse.metrics import FIELD_ERRORS, POLLS
from producers.reddit.client import PAGE_SIZE
from producers.reddit.errors import RequestRefused
from producers.reddit.listings import find_refused
from producers.reddit.records import fullname_of, gone, read_post, stub_of
from producers.reddit.state import Recheck
from schemas.topics import REDDIT_POSTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from producers.outbox import Outbox
    from producers.reddit.client import RedditClient
    from producers.reddit.records import Stub
    from producers.reddit.reports import Reporter
    from producers.reddit.state import RedditState
    from schemas.events import RedditPost

LISTING = "info"


def first_recheck(post: RedditPost, ages: Sequence[float]) -> Recheck | None:
    """Return when to look at a new post again, None for never: ages that it had already passed are skipped."""
    if post.state == "deleted":
        return None
    due = (post.created_at + round(age * MILLISECONDS_PER_SECOND) for age in sorted(ages))
    return next((Recheck(stub_of(post), at) for at in due if at > post.observed_at), None)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What Reddit said of some posts: each with when it was said, those it refuses, and when the last answer came."""

    found: dict[str, tuple[object, int]]
    refused: frozenset[str]
    received_at: int


@dataclass(frozen=True, slots=True)
class Rechecker:
    """Looks at due posts again, 100 a request."""

    client: RedditClient
    state: RedditState
    outbox: Outbox
    reporter: Reporter
    ages: tuple[float, ...]

    def run_batch(self) -> int:
        """Look at the posts that are longest overdue, up to 100, and return how many there were.

        Raises:
            SourceUnavailable, RateLimited: nothing was remembered; the same posts stay due.
            ConfigurationInvalid: the credentials are wrong.
        """
        begun = self.reporter.begin()
        due = {stub.fullname: stub for stub in self.state.due_rechecks(begun.at, PAGE_SIZE)}
        if not due:
            return 0
        posts = self._observe(due)
        for post, thing in posts:
            self.outbox.send(REDDIT_POSTS, post.fullname, post, listing=LISTING, thing=thing)
        self.outbox.report(LISTING, self.reporter.done(begun, "ok", known=len(posts)))
        self.outbox.confirm()
        again = [recheck for post, _ in posts if (recheck := first_recheck(post, self.ages)) is not None]
        self.state.save_rechecks(due, again)
        POLLS.labels("reddit", "ok").inc()
        return len(due)

    def _observe(self, due: dict[str, Stub]) -> list[tuple[RedditPost, object]]:
        """Return each post's present state with Reddit's own form of it."""
        answer = self._ask(list(due))
        absent = [name for name in due if name not in answer.found and name not in answer.refused]
        if absent:
            # An answer may be short by a fault. Only what two answers lack is gone: a retraction cannot be called back.
            second = self._ask(absent)
            answer = _Answer(answer.found | second.found, answer.refused | second.refused, second.received_at)
        posts: list[tuple[RedditPost, object]] = []
        for name, stub in due.items():
            if name in answer.refused:
                continue
            if name not in answer.found:
                posts.append((gone(stub, answer.received_at), None))
                continue
            thing, received_at = answer.found[name]
            post = read_post(thing, received_at, lambda field: FIELD_ERRORS.labels("reddit", field).inc())
            if isinstance(post, Poison):
                self.outbox.dead_letter(LISTING, post, key=name, thing=thing)
            else:
                # The time and community of a post never change, and its mentions are filed under them.
                posts.append((replace(post, created_at=stub.created_at, subreddit=stub.subreddit), thing))
        return posts

    def _ask(self, names: Sequence[str]) -> _Answer:
        try:
            return self._found(names)
        except RequestRefused as error:
            if not error.dead_letter:
                # Posts are not forbidden or missing one by one: what fails so is the whole call.
                raise SourceUnavailable(f"Reddit refuses to tell of posts: {error}") from error
            refused = find_refused(names, self._found) if len(names) > 1 else {names[0]: error}
            if not refused or len(refused) == len(names) > 1:
                raise SourceUnavailable(f"Reddit refuses every post asked for: {error}") from error
            for name, refusal in refused.items():
                letter = Poison(str(refusal), reason=refusal.reason)
                self.outbox.dead_letter(LISTING, letter, key=name, thing={"fullname": name})
            left = [name for name in names if name not in refused]
            answer = self._found(left) if left else _Answer({}, frozenset(), 0)
            return replace(answer, refused=frozenset(refused))

    def _found(self, names: Sequence[str]) -> _Answer:
        page = self.client.info(names)
        found = {name: thing for thing in page.things if (name := fullname_of(thing)) is not None}
        return _Answer(
            {name: (found[name], page.received_at) for name in names if name in found}, frozenset(), page.received_at
        )
