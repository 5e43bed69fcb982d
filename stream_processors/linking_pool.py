"""Posts linked ahead in processes of their own: linking is most of a replay, and each post is linked by itself."""

from __future__ import annotations

import os
import pickle
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import TYPE_CHECKING, Final

from cinepulse.logging import get_logger
from stream_processors.mentioning import mention_films
from stream_processors.posts.linked import GONE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future
    from types import TracebackType
    from typing import Self

    from schemas.events import Mention, RedditPost
    from stream_processors.linking import Catalog

    Linked = list[Mapping[int, Mention] | None]

log = get_logger(__name__)

CHUNK_POSTS: Final = 32
"""Posts that a process is given at a time: some ten milliseconds of work, a hundredth of it to hand them over."""
MOST_PROCESSES: Final = 4
"""What is taken unasked: each holds the catalogue, a quarter of a gigabyte for 90,000 films."""


def processors() -> int:
    """Return how many processes to link with where nobody says it."""
    return min(os.cpu_count() or 1, MOST_PROCESSES)


class LinkingPool:
    """Tells the mentions of posts as `mention_films` does, of posts that it is told of before from other processes.

    The processes are made anew and not forked, since a client of Kafka has threads. They end with the block, and when
    this process is killed.

    Args:
        catalog: the films; each process gets a copy.
        threshold: least confidence of a mention.
        processes: how many; with one, posts are linked where they are asked for.
    """

    def __init__(self, catalog: Catalog, threshold: float, processes: int) -> None:
        self._catalog = catalog
        self._threshold = threshold
        self._processes = processes
        self._executor: ProcessPoolExecutor | None = None
        self._linked: dict[RedditPost, tuple[Future[Linked], int]] = {}

    def __enter__(self) -> Self:
        if self._processes > 1:
            packed = pickle.dumps(self._catalog, pickle.HIGHEST_PROTOCOL)
            self._executor = ProcessPoolExecutor(
                self._processes, get_context("spawn"), initializer=_begin, initargs=(packed, self._threshold)
            )
            # A process is made when there is work and none is idle: they get ready while others do.
            for _ in range(self._processes):
                self._executor.submit(_link, [])
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)

    def prepare(self, posts: Sequence[RedditPost]) -> None:
        """Begin to link posts that `link` is about to be asked for, best in the order in which it is."""
        if self._executor is None:
            return
        live = [post for post in posts if post.state not in GONE]
        self._linked = {}
        try:
            for first in range(0, len(live), CHUNK_POSTS):
                chunk = live[first : first + CHUNK_POSTS]
                coming = self._executor.submit(_link, chunk)
                self._linked |= {post: (coming, place) for place, post in enumerate(chunk)}
        except BrokenProcessPool:
            self._go_on_alone()

    def link(self, post: RedditPost) -> Mapping[int, Mention]:
        """Return the mentions in a post by TMDB id."""
        coming, place = self._linked.get(post, (None, 0))
        linked = None
        if coming is not None:
            try:
                linked = coming.result()[place]
            except BrokenProcessPool:
                self._go_on_alone()
        return mention_films(post, self._catalog, self._threshold) if linked is None else linked

    def _go_on_alone(self) -> None:
        """Link here what is left: a process was killed, as for want of memory, and the others have ended with it."""
        log.warning(
            "linking.processes_ended", advice="a process that links was killed: give it memory, or use --jobs 1"
        )
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)
        self._linked, self._executor = {}, None


class _Process:
    """What a process of a pool works with."""

    mentions: Callable[[RedditPost], Mapping[int, Mention]]


def _begin(packed: bytes, threshold: float) -> None:
    """Make a process of a pool ready: it ends with its parent, who alone is told to end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    catalog: Catalog = pickle.loads(packed)  # noqa: S301 - of the parent's making, over a pipe of the two
    _Process.mentions = lambda post: mention_films(post, catalog, threshold)


def _end_with_parent() -> None:
    """End once the parent is gone: the pipe that work comes by stays open as long as another process has it."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _link(posts: Sequence[RedditPost]) -> Linked:
    """Return the mentions in each post, None where the linker fails: it will where the post is asked for, too."""
    return [_attempt(post) for post in posts]


def _attempt(post: RedditPost) -> Mapping[int, Mention] | None:
    try:
        return _Process.mentions(post)
    except Exception:  # noqa: BLE001 - whatever fails is told by the one who asks for the post
        return None
