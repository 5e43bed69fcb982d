"""The loopback Reddit: the part of its OAuth API that a read-only client uses.

Shapes follow https://www.reddit.com/dev/api and what praw 8 reads.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import json
import secrets
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from cinepulse.world.faults import LISTING_KINDS
from cinepulse.world.fields import community_fullname
from cinepulse.world.listings import DEFAULT_PAGE_ITEMS, PAGE_ITEMS
from cinepulse.world.post import Change

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence

    from starlette.requests import Request

    from cinepulse.clock import Clock
    from cinepulse.world.budget import Budget
    from cinepulse.world.faults import Faults
    from cinepulse.world.listings import Page
    from cinepulse.world.post import Post
    from cinepulse.world.state import World

TOKEN_SECONDS: Final = 3600
INFO_ITEMS: Final = 100
EVERYTHING: Final = frozenset({"all", "popular"})
# Communities that exist only to be refused.
REFUSED: Final = {
    "private_screening": (403, "private"),
    "quarantined_films": (403, "quarantined"),
    "banned_films": (404, "banned"),
}
CHUNK_CHARACTERS: Final = 1 << 16


@dataclass(slots=True)
class Reddit:
    """Reddit's routes over the world.

    `client_secret`: what the token endpoint checks, "" to accept any. `communities`: names that exist, in lower case
    by their usual spelling.
    """

    world: World
    clock: Clock
    budget: Budget
    client_secret: str
    communities: dict[str, str]
    faults: Faults
    _tokens: dict[str, float] = field(default_factory=dict)

    def routes(self) -> list[Route]:
        """Return the routes, the catch-all last."""
        signed = self._signed
        return [
            Route("/api/v1/access_token", self._access_token, methods=["POST"]),
            Route("/api/info", signed(self._info)),
            Route("/api/v1/me", signed(self._me)),
            Route("/r/{names}/{sort:path}", signed(self._listing)),
            Route("/r/{names}", signed(self._listing)),
            Route("/comments/{post_id}/{rest:path}", signed(self._comments)),
            Route("/comments/{post_id}", signed(self._comments)),
            Route("/subreddits/search", signed(self._nothing)),
        ]

    # --- tokens

    async def _access_token(self, request: Request) -> Response:
        if not self._credentials_hold(request.headers.get("authorization", "")):
            return refusal(401, "Unauthorized", {"www-authenticate": 'Basic realm="reddit"'})
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        grant = form.get("grant_type", [""])[0]
        if grant not in ("client_credentials", "https://oauth.reddit.com/grants/installed_client"):
            return JSONResponse({"error": "unsupported_grant_type"})
        token = secrets.token_urlsafe(24)
        now = self.clock.monotonic()
        self._tokens = {known: until for known, until in self._tokens.items() if until > now}
        self._tokens[token] = now + TOKEN_SECONDS
        return JSONResponse({"access_token": token, "token_type": "bearer", "expires_in": TOKEN_SECONDS, "scope": "*"})

    def _credentials_hold(self, header: str) -> bool:
        scheme, _, packed = header.partition(" ")
        try:
            client_id, _, secret = base64.b64decode(packed, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        right = not self.client_secret or hmac.compare_digest(secret.encode(), self.client_secret.encode())
        return scheme.lower() == "basic" and bool(client_id) and right

    def _signed(self, handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """Check the token and the budget before a handler, and tell the budget after it."""

        async def run(request: Request) -> Response:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or self._tokens.get(token, 0.0) <= self.clock.monotonic():
                challenge = 'Bearer realm="reddit", error="invalid_token"'
                return refusal(401, "Unauthorized", {"www-authenticate": challenge})
            if not self.budget.spend():
                return refusal(
                    429, "Too Many Requests", self.budget.headers() | {"retry-after": str(self.budget.reset)}
                )
            response = await handler(request)
            response.headers.update(self.budget.headers())
            return response

        return run

    # --- listings

    async def _listing(self, request: Request) -> Response:
        names = request.path_params["names"]
        sort = request.path_params.get("sort", "").strip("/").removesuffix(".json") or "hot"
        wanted = [name.lower() for name in names.split("+") if name]
        if sort == "about":
            return self._about(wanted)
        communities = (
            None if EVERYTHING & set(wanted) else frozenset(name for name in wanted if name in self.communities)
        )
        if communities is not None and not communities:
            return self._no_such(wanted)
        if sort not in ("new", "comments", "hot"):
            return refusal(404, "Not Found")
        return self._page(request, "t1" if sort == "comments" else "t3", communities)

    def _page(self, request: Request, kind: str, communities: frozenset[str] | None) -> Response:
        query = request.query_params
        cursors = {name: query[name] for name in ("after", "before") if query.get(name)}
        fault = self.faults.take(
            f"{request.url.path}?{request.url.query}", LISTING_KINDS if cursors else {"stale_page"}
        )
        as_of = None
        if fault is not None and fault.kind == "removed_cursor":
            self.world.change(next(iter(cursors.values())), Change(0, "removed"))
        elif fault is not None and fault.kind == "duplicate_page":
            cursors = {}
        elif fault is not None:
            as_of = self.world.sequence_before(float(fault.options.get("seconds", 60)))
        page, now = self.world.page(kind, communities, limit=page_items(query.get("limit")), as_of=as_of, **cursors)
        things = [post.render(now) for post in page.posts]
        return listing(things, page, raw=query.get("raw_json") == "1")

    def _no_such(self, wanted: Sequence[str]) -> Response:
        for name in wanted:
            if name in REFUSED:
                status, reason = REFUSED[name]
                return refusal(status, HTTPStatus(status).phrase, reason=reason)
        return RedirectResponse(f"/subreddits/search?q={'+'.join(wanted)}", status_code=302)

    def _about(self, wanted: Sequence[str]) -> Response:
        name = self.communities.get(wanted[0]) if len(wanted) == 1 else None
        if name is None:
            return self._no_such(wanted)
        fullname = community_fullname(name)
        data = {
            "id": fullname[3:],
            "name": fullname,
            "display_name": name,
            "display_name_prefixed": f"r/{name}",
            "title": name,
            "public_description": "",
            "subreddit_type": "public",
            "subscribers": 1_000,
            "over18": False,
            "quarantine": False,
            "created_utc": 1201242956.0,
            "url": f"/r/{name}/",
        }
        return JSONResponse({"kind": "t5", "data": data})

    # --- single things

    async def _info(self, request: Request) -> Response:
        names = [name for name in request.query_params.get("id", "").split(",") if name][:INFO_ITEMS]
        old = [name for name in names if not self.world.held(name)]
        # Telling an act of the story again takes a while: other requests go on meanwhile.
        recalled = await asyncio.to_thread(self.world.recall, old) if old else {}
        things = self._things(names, recalled)
        return listing(things, None, raw=request.query_params.get("raw_json") == "1")

    def _things(self, names: Iterable[str], recalled: Mapping[str, Post]) -> list[str]:
        now = self.world.now()
        found = (self.world.find(name) or recalled.get(name) for name in names)
        shown = (post for post in found if post is not None and post.at <= now)
        return [post.render(now) for post in shown if (end := post.ending(now)) is None or end.kind != "gone"]

    async def _comments(self, request: Request) -> Response:
        """Answer what praw fetches for a submission's missing field: the submission and its comments."""
        name = f"t3_{request.path_params['post_id']}"
        things = self._things([name], await asyncio.to_thread(self.world.recall, [name]))
        if not things:
            return refusal(404, "Not Found")
        empty = {"kind": "Listing", "data": listing_data()}
        submission = {"kind": "Listing", "data": listing_data() | {"children": [json.loads(things[0])], "dist": 1}}
        return JSONResponse([submission, empty])

    async def _me(self, _request: Request) -> Response:
        return refusal(403, "Forbidden")

    async def _nothing(self, request: Request) -> Response:
        return listing([], None, raw=request.query_params.get("raw_json") == "1")


def page_items(text: str | None) -> int:
    """Return how many items a page holds: 25 unless asked, never above 100; nonsense counts as not asked."""
    if text is None or not text.isdecimal() or int(text) == 0:
        return DEFAULT_PAGE_ITEMS
    return min(int(text), PAGE_ITEMS)


def listing_data() -> dict[str, Any]:
    """Return the data of a listing without children."""
    return {"after": None, "dist": 0, "modhash": "", "geo_filter": "", "children": [], "before": None}


def listing(things: Sequence[str], page: Page | None, *, raw: bool) -> Response:
    """Return a listing of rendered things; without `raw`, text is HTML-escaped as Reddit's old default does."""
    data = listing_data() | {
        "after": page.after if page else None,
        "before": page.before if page else None,
        "dist": len(things),
    }
    head, tail = json.dumps({"kind": "Listing", "data": data}, separators=(",", ":")).split('"children":[]')
    text = f'{head}"children":[{",".join(things)}]{tail}'
    if not raw:
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if len(text) <= CHUNK_CHARACTERS * 16:
        return Response(text.encode(), media_type="application/json")
    return StreamingResponse(_chunks(text), media_type="application/json")


async def _chunks(text: str) -> AsyncIterator[bytes]:
    for start in range(0, len(text), CHUNK_CHARACTERS):
        yield text[start : start + CHUNK_CHARACTERS].encode()


def refusal(status: int, message: str, headers: dict[str, str] | None = None, *, reason: str | None = None) -> Response:
    """Return Reddit's error body."""
    body: dict[str, Any] = {"message": message, "error": status}
    if reason is not None:
        body = {"reason": reason} | body
    return JSONResponse(body, status_code=status, headers=headers)
