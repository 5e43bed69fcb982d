"""The world's own API, below /_world: its state, start and freeze, the truth, and faults."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from cinepulse.errors import InvalidRecord
from cinepulse.world.faults import LISTING_KINDS, RESPONSE_KINDS, SHORT_NAMES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from cinepulse.clock import Clock
    from cinepulse.world.faults import Faults
    from cinepulse.world.happenings import Story
    from cinepulse.world.meddling import Meddler
    from cinepulse.world.post import Post
    from cinepulse.world.state import World

# The truth is told in pieces, so that other requests are served between them.
LINES_A_PIECE: Final = 200
DEFAULT_TOP: Final = 100
MOST_PLACES: Final = 10_000


@dataclass(slots=True)
class Admin:
    """The admin routes. `films`: how many films TMDB's side knows; `clock`: the wall time."""

    world: World
    faults: Faults
    meddler: Meddler
    films: int
    story: Story
    clock: Clock

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/_world/state", self._state),
            Route("/_world/start", self._start, methods=["POST"]),
            Route("/_world/freeze", self._freeze, methods=["POST"]),
            Route("/_world/posts", self._posts),
            Route("/_world/story", self._story),
            Route("/_world/faults", self._list_faults),
            Route("/_world/faults", self._add_fault, methods=["POST"]),
            Route("/_world/faults", self._clear_faults, methods=["DELETE"]),
        ]

    async def _state(self, _request: Request) -> Response:
        return JSONResponse(self.world.state() | {"films": self.films})

    async def _start(self, request: Request) -> Response:
        self.world.start()
        return await self._state(request)

    async def _freeze(self, request: Request) -> Response:
        self.world.freeze()
        return await self._state(request)

    async def _posts(self, _request: Request) -> Response:
        return StreamingResponse(self._lines(), media_type="application/x-ndjson")

    async def _story(self, request: Request) -> Response:
        try:
            top = min(max(int(request.query_params.get("top", DEFAULT_TOP)), 1), MOST_PLACES)
        except ValueError:
            return JSONResponse({"error": "top: a number of places"}, status_code=400)
        happened = await asyncio.to_thread(self.story.happenings, self.clock.now_ms(), top)
        return JSONResponse({"happenings": [one.as_dict() for one in happened]})

    async def _lines(self) -> AsyncIterator[str]:
        lines: list[str] = []
        for post, now in self.world.everything():
            lines.append(truth_line(post, now))
            if len(lines) == LINES_A_PIECE:
                yield "".join(lines)
                lines.clear()
                await asyncio.sleep(0)
        yield "".join(lines)

    async def _list_faults(self, _request: Request) -> Response:
        return JSONResponse(self.faults.listed())

    async def _clear_faults(self, request: Request) -> Response:
        self.faults.clear()
        return await self._list_faults(request)

    async def _add_fault(self, request: Request) -> Response:
        try:
            return JSONResponse(self._put(json.loads(await request.body())))
        except (ValueError, InvalidRecord) as error:
            return JSONResponse({"error": str(error)}, status_code=400)

    def _put(self, wanted: Any) -> dict[str, Any]:
        if not isinstance(wanted, dict):
            raise InvalidRecord("a fault is a JSON object")
        kind = wanted.get("kind")
        if kind in self.meddler.kinds:
            return self.meddler.act(wanted)
        known = RESPONSE_KINDS | LISTING_KINDS | SHORT_NAMES.keys()
        if kind not in known:
            raise InvalidRecord(f"kind {kind!r}: one of {', '.join(sorted(known | self.meddler.kinds))}")
        return self.faults.add(wanted).shown()


def truth_line(post: Post, now: float) -> str:
    """Return a post's line of the truth: Reddit's fields with the text last visible, the kind, state and films."""
    data = post.truth(now)
    films = post.named(now)
    data |= {"kind": post.kind, "_state": post.state(now), "_films": None if films is None else list(films)}
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n"
