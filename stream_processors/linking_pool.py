"""Posts linked ahead in processes of their own: linking is most of a replay, and each post is linked by itself."""

from __future__ import annotations

import os
import pickle
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, suppress
from functools import cache
from multiprocessing import get_context, parent_process
from pathlib import Path
from tempfile import TemporaryDirectory
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

    The processes are made anew and not forked, since a client of Kafka has threads. They begin with the block, and get
    ready while the catalogue is read; they end with the block, and when this process is killed.

    Args:
        threshold: least confidence of a mention.
        processes: how many; with one, posts are linked where they are asked for.
    """

    def __init__(self, threshold: float, processes: int) -> None:
        self._threshold = threshold
        self._processes = processes
        self._opened = ExitStack()
        self._executor: ProcessPoolExecutor | None = None
        self._packed: Path | None = None
        self._catalog: Catalog | None = None
        self._linked: dict[RedditPost, tuple[Future[Linked], int]] = {}

    def __enter__(self) -> Self:
        if self._processes > 1:
            self._packed = Path(self._opened.enter_context(TemporaryDirectory())) / "catalog"
            initials = (self._packed, self._threshold)
            self._executor = ProcessPoolExecutor(
                self._processes, get_context("spawn"), initializer=_begin, initargs=initials
            )
            self._opened.callback(self._executor.shutdown, cancel_futures=True)
            self._call_all(self._executor, _begun)
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def use(self, catalog: Catalog) -> None:
        """Link with these films; call once, before any other method."""
        self._catalog = catalog
        if self._packed is not None and self._executor is not None:
            self._packed.write_bytes(pickle.dumps(catalog, pickle.HIGHEST_PROTOCOL))
            self._call_all(self._executor, _get_ready)

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
        return self._link(post) if linked is None else linked

    def _link(self, post: RedditPost) -> Mapping[int, Mention]:
        if self._catalog is None:
            raise RuntimeError("no catalogue to link with: call `use`")
        return mention_films(post, self._catalog, self._threshold)

    def _call_all(self, executor: ProcessPoolExecutor, act: Callable[[], object]) -> None:
        """Have something done by every process, as long as they are idle: one is made or woken for each call."""
        with suppress(BrokenProcessPool):
            for _ in range(self._processes):
                executor.submit(act)

    def _go_on_alone(self) -> None:
        """Link here what is left: a process was killed, as for want of memory, and the others have ended with it."""
        log.warning(
            "linking.processes_ended", advice="a process that links was killed: give it memory, or use --jobs 1"
        )
        self._linked, self._executor = {}, None


class _Process:
    """What a process of a pool works with; `packed`: where its parent puts the catalogue."""

    packed: Path
    threshold: float


def _begin(packed: Path, threshold: float) -> None:
    """Make a process of a pool ready: it ends with its parent, who alone is told to end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    _Process.packed, _Process.threshold = packed, threshold


def _begun() -> None:
    """Do nothing: what this module imports is loaded."""


@cache
def _mentions() -> Callable[[RedditPost], Mapping[int, Mention]]:
    """Return what tells the mentions of a post, once the parent has the catalogue."""
    catalog: Catalog = pickle.loads(_Process.packed.read_bytes())  # noqa: S301 - of the parent's making, in a folder of its own
    return lambda post: mention_films(post, catalog, _Process.threshold)


def _end_with_parent() -> None:
    """End once the parent is gone: the pipe that work comes by stays open as long as another process has it."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _get_ready() -> None:
    """Load the catalogue."""
    _mentions()


def _link(posts: Sequence[RedditPost]) -> Linked:
    """Return the mentions in each post, None where the linker fails: it will where the post is asked for, too."""
    mentions = _mentions()
    return [_attempt(mentions, post) for post in posts]


def _attempt(mentions: Callable[[RedditPost], Mapping[int, Mention]], post: RedditPost) -> Mapping[int, Mention] | None:
    try:
        return mentions(post)
    except Exception:  # noqa: BLE001 - whatever fails is told by the one who asks for the post
        return None
