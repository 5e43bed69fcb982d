"""Lines of a Reddit dump as posts: the objects that Reddit's API gives, one a line.

Arctic Shift adds when it looked (`retrieved_on`, and `_meta.retrieved_2nd_on` a day and a half later) and what was gone
by then: https://github.com/ArthurHeitmann/arctic_shift/blob/master/file_content_explanations.md
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from cinepulse.clock import MILLISECONDS_PER_SECOND
from cinepulse.errors import InvalidRecord, Poison
from producers.backfill.reading import ORIGIN, Read
from producers.backfill.threads import ThreadTitles
from producers.fields import Fields, ignore
from producers.reddit.records import EARLIEST_MS, gone, read_post, stub_of
from schemas.events import CoverageKey, PollReport
from schemas.topics import REDDIT_POSTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cinepulse.clock import Clock
    from producers.backfill.state import FileProgress
    from schemas.events import RedditPost

REDDIT: Final = "reddit"
FEEDS: Final = {"submission": "new", "comment": "comments"}
"""Feed whose polls would have seen a post, by its kind."""


def thing_of(raw: object) -> dict[str, Any] | Poison:
    """Return a dump's object as a listing's child, whose kind dumps leave out."""
    if not isinstance(raw, dict):
        return InvalidRecord("not a JSON object", reason="not_an_object")
    if isinstance(raw.get("data"), dict) and raw.get("kind") in {"t1", "t3"}:
        return raw
    name = raw.get("name")
    if isinstance(name, str) and name[:3] in {"t1_", "t3_"}:
        return {"kind": name[:2], "data": raw}
    if "title" in raw:
        return {"kind": "t3", "data": raw}
    if "body" in raw:
        return {"kind": "t1", "data": raw}
    return InvalidRecord("neither a title nor a body", reason="unknown_kind")


def observed_at(data: Fields, now: int) -> int:
    """Return when a dump saw a post, epoch milliseconds: the same at each reading, and never later than `now`.

    Where the dump does not say, it is the last instant that the post itself tells of, so that whatever was seen live
    is newer.
    """
    told = [(data, "created_utc"), (data, "edited"), (data, "retrieved_on"), (data, "retrieved_utc")]
    told.append((data.object("_meta"), "retrieved_2nd_on"))
    found = [
        round(seconds * MILLISECONDS_PER_SECOND)
        for one, name in told
        if (seconds := Fields(one.raw).number(name, EARLIEST_MS / MILLISECONDS_PER_SECOND, 1e11)) is not None
    ]
    return max((instant for instant in found if instant <= now), default=now)


def post_of(thing: dict[str, Any], now: int, wrong: Callable[[str], None] = ignore) -> RedditPost | Poison:
    """Return a post as a dump saw it, or why it can be none; one that was gone later is gone."""
    data = Fields(thing["data"])
    seen_at = observed_at(data, now)
    post = read_post(thing, seen_at, wrong)
    if isinstance(post, Poison):
        return post
    meta = data.object("_meta").raw
    if any(meta.get(name) for name in ("was_deleted_later", "was_initially_deleted", "removal_type")):
        post = gone(stub_of(post), seen_at)
    return replace(post, origin=ORIGIN)


@dataclass(slots=True)
class PostLines:
    """Reads the lines of one dump.

    `communities`: lower-case names of those wanted, empty for all. `titles`: shared by the files of a run.
    """

    clock: Clock
    communities: frozenset[str]
    titles: ThreadTitles
    wrong: Callable[[str], None] = ignore

    def read(self, line: bytes) -> Read | Poison | None:
        """Return what a line is, why it can be nothing, or None for a blank one."""
        thing = _decoded(line)
        if thing is None or isinstance(thing, Poison):
            return thing
        community = thing["data"].get("subreddit")
        if self.communities and isinstance(community, str) and community.lower() not in self.communities:
            return _elsewhere(thing, self.clock.now_ms())
        post = post_of(thing, self.clock.now_ms(), self.wrong)
        if isinstance(post, Poison):
            return post
        if self.communities and post.subreddit.lower() not in self.communities:
            return Read("elsewhere")
        read = Read("gone", None, FEEDS[post.kind], post.created_at, post.created_at, post.subreddit)
        if post.state != "live":
            return read
        self.titles.note(post)
        if post.kind == "comment" and post.thread_title is None:
            post = replace(post, thread_title=self.titles.of(post.thread_id))
        return replace(read, fate="sent", sending=(REDDIT_POSTS, post.fullname, post))

    def pass_over(self, line: bytes) -> None:
        """Take a thread's title from a line that was sent before."""
        # A comment needs no look: that spares most of the time of getting back to where a run ended.
        if b'"title"' in line:
            self.read(line)

    def closing(self) -> Iterable[Any]:
        """Return nothing: all is said line by line."""
        return ()


@dataclass(slots=True)
class PostFiles:
    """Reddit dumps.

    Args:
        clock: says what lies in the future.
        communities: only posts of these; all when empty.
        polled: the communities that the pipeline polls. A file without a choice covers those of them that it holds.
        mend: whether the files are whole, so that what they hold closes gaps.
        wrong: told the name of each field whose value is unusable.
    """

    clock: Clock
    communities: frozenset[str] = frozenset()
    polled: frozenset[str] = frozenset()
    mend: bool = True
    wrong: Callable[[str], None] = ignore
    titles: ThreadTitles = field(default_factory=ThreadTitles)
    name: str = REDDIT

    def key(self, fingerprint: str) -> str:
        """Return what a file is remembered by: its content and the communities chosen from it."""
        return "/".join((fingerprint, *sorted(self.communities)))

    def reader(self, _name: str) -> PostLines:
        """Return a reader for a file, whatever its name."""
        return PostLines(self.clock, self.communities, self.titles, self.wrong)

    def worth_telling(self, community: str) -> bool:
        """Return whether a file's coverage of a community says anything."""
        return not self.communities and community.lower() in self.polled

    def coverage(self, progress: FileProgress) -> Iterable[tuple[CoverageKey, PollReport]]:
        """Return one report for each stretch of days that the file holds, under the name that polls have."""
        covered = sorted(self.communities or {name.lower() for name in progress.communities})
        if not self.mend or not covered:
            return
        now = self.clock.now_ms()
        for number, (feed, (first, end)) in enumerate(progress.spans.stretches()):
            key = CoverageKey(source=REDDIT, listing=f"{feed}:{'+'.join(covered)}")
            yield key, covering(now + number, first, end, progress.tally.sent)


def covering(started_at: int, first: int, end: int, items: int) -> PollReport:
    """Return the report that [first, end) was read whole; `started_at` tells the reports of one run apart."""
    return PollReport(
        started_at=started_at,
        finished_at=started_at,
        outcome="ok",
        requests=0,
        items=items,
        known=0,
        covered_from=first,
        covered_to=end,
    )


def _decoded(line: bytes) -> dict[str, Any] | Poison | None:
    if not line.strip():
        return None
    try:
        raw = json.loads(line)
    except (ValueError, RecursionError) as error:
        # The decoder's message names a place in the line and quotes nothing of it.
        return InvalidRecord(f"not JSON: {error}", reason="not_json")
    return thing_of(raw)


def _elsewhere(thing: dict[str, Any], now: int) -> Read:
    """Return a line of another community: it still tells which event time the file holds."""
    seconds = Fields(thing["data"]).number("created_utc", EARLIEST_MS / MILLISECONDS_PER_SECOND, now / 1_000)
    if seconds is None:
        return Read("elsewhere")
    created = round(seconds * MILLISECONDS_PER_SECOND)
    return Read("elsewhere", None, "new" if thing["kind"] == "t3" else "comments", created, created)
