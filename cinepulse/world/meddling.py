"""Faults in the content: bursts, deletions and edits now, wrong clocks, and posts that no sane client expects."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Final

from cinepulse.errors import InvalidRecord
from cinepulse.world.fields import base36, comment_data, submission_data
from cinepulse.world.post import Change, Post

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cinepulse.clock import Clock
    from cinepulse.world.state import World

MEGABYTE: Final = 1 << 20
FAR_FUTURE_SECONDS: Final = 5_680_281_600  # 2150-01-01
# Leaves room for four thousand injected posts a millisecond; ids of the generator are far smaller.
ID_SHIFT: Final = 12
MOST_INJECTED: Final = 100_000


class Meddler:
    """Carries out content faults at once.

    Args:
        world: what is meddled with.
        clock: the wall time.
        null_films: the ids of films that TMDB answers with nulls; added to.
    """

    def __init__(self, world: World, clock: Clock, null_films: set[int]) -> None:
        self._world = world
        self._clock = clock
        self._null_films = null_films
        self._ids = count(clock.now_ms() << ID_SHIFT)
        self._actions: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "burst": self._burst,
            "post": self._post,
            "huge_text": self._huge_text,
            "null_title": self._null_title,
            "clock_skew": self._clock_skew,
            "delete": lambda request: self._change(request, Change(0, "deleted")),
            "remove": lambda request: self._change(request, Change(0, "removed")),
            "gone": lambda request: self._change(request, Change(0, "gone")),
            "edit": lambda request: self._change(request, Change(0, "edited", str(request.get("text", "[edit]")))),
            "null_film": self._null_film,
        }

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds it carries out."""
        return frozenset(self._actions)

    def act(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out one content fault and tell what it touched.

        Raises InvalidRecord when a field has another type than the kind takes.
        """
        kind = str(request.get("kind"))
        try:
            return {"kind": kind, **self._actions[kind](request)}
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidRecord(f"fault {kind}: {error}") from error

    def _burst(self, request: Mapping[str, Any]) -> dict[str, Any]:
        how_many = int(request.get("count", 1_200))
        if not 0 < how_many <= MOST_INJECTED:
            raise ValueError(f"count: between 1 and {MOST_INJECTED}")
        title = str(request.get("title", "Megathread reply {n}"))
        kind = str(request.get("post_kind", "t3"))
        text = "title" if kind == "t3" else "body"
        names = self._inject(
            [({text: title.replace("{n}", str(number)), **self._place(request)}, kind) for number in range(how_many)]
        )
        return {"names": names}

    def _post(self, request: Mapping[str, Any]) -> dict[str, Any]:
        data = dict(request.get("data") or {})
        kind = "t1" if "body" in data or "link_id" in data else "t3"
        return {"names": self._inject([({**self._place(request), **data}, kind)])}

    def _huge_text(self, request: Mapping[str, Any]) -> dict[str, Any]:
        size = int(float(request.get("megabytes", 40)) * MEGABYTE)
        line = "A very long text about nothing in particular. "
        text = (line * (size // len(line) + 1))[:size]
        return {"names": self._inject([({"title": "A long one", "selftext": text, **self._place(request)}, "t3")])}

    def _null_title(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return {"names": self._inject([({"title": None, "selftext": None, **self._place(request)}, "t3")])}

    def _clock_skew(self, request: Mapping[str, Any]) -> dict[str, Any]:
        how_many = int(request.get("count", 1))
        seconds = request.get("seconds")
        off = FAR_FUTURE_SECONDS - self._clock.now_ms() / 1000 if seconds is None else float(seconds)
        self._world.skew([off] * how_many)
        return {"count": how_many, "seconds": off}

    def _change(self, request: Mapping[str, Any], change: Change) -> dict[str, Any]:
        names = request.get("names") or self._newest(request)
        return {"names": [name for name in names if self._world.change(name, change)]}

    def _newest(self, request: Mapping[str, Any]) -> list[str]:
        return [post.name for post in self._world.newest(int(request.get("count", 1)), request.get("post_kind"))]

    def _null_film(self, request: Mapping[str, Any]) -> dict[str, Any]:
        tmdb_id = int(request["tmdb_id"]) if "tmdb_id" in request else 603
        self._null_films.add(tmdb_id)
        return {"tmdb_id": tmdb_id}

    # --- writing posts

    def _place(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return {"subreddit": request.get("subreddit") or self._world.feed.subreddits[0]}

    def _inject(self, given: list[tuple[dict[str, Any], str]]) -> list[str]:
        return self._world.inject(self._written(given))

    def _written(self, given: list[tuple[dict[str, Any], str]]) -> Iterator[Post]:
        now_ms = self._clock.now_ms()
        at = self._world.now()
        for fields, kind in given:
            data = {"id": base36(next(self._ids)), "created_utc": now_ms // 1000, **fields}
            if kind == "t1":
                full = comment_data({"link_id": f"t3_{base36(next(self._ids))}", **data})
            else:
                full = submission_data(data)
            yield Post("t1" if kind == "t1" else "t3", full | data_overrides(fields), at)


def data_overrides(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields exactly as asked for, nulls and wrong types too; the id and the community stay sound."""
    return {name: value for name, value in fields.items() if name not in ("id", "subreddit", "created_utc")}
