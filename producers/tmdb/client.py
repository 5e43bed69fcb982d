"""TMDB's API over httpx: bearer token, even pace, time-outs, retries that honour `Retry-After`.

Answers, limits and status codes: https://developer.themoviedb.org/docs/rate-limiting and /docs/errors
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeVar

import httpx

from cinepulse.errors import ConfigurationInvalid, RateLimited, SourceRefused, SourceUnavailable
from cinepulse.metrics import SOURCE_ERRORS
from producers.backoff import backoff_seconds
from producers.http import is_loopback, retry_after_seconds
from producers.tmdb.pace import Pacer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from random import Random
    from types import TracebackType
    from typing import Self

    from cinepulse.clock import Clock
    from cinepulse.settings import Settings

CONCURRENCY: Final = 8

# TMDB allows "somewhere in the 40 requests per second range"; half of it leaves room for others with the same token.
DEFAULT_RATE: Final = 20.0
HIGHEST_RATE: Final = 40.0
LOOPBACK_RATE: Final = 500.0

# Connect, read and write; `_Bounds` ends an answer that keeps dripping in.
TIMEOUTS: Final = httpx.Timeout(10.0, connect=5.0, pool=None)


@dataclass(frozen=True, slots=True)
class _Bounds:
    """The most seconds and bytes that one answer may take."""

    seconds: float
    size: int


# A film's record with everything appended has some hundred kilobytes; the export file of all films some 30 MB.
API_ANSWER: Final = _Bounds(30.0, 16 * 1024 * 1024)
EXPORT_FILE: Final = _Bounds(300.0, 512 * 1024 * 1024)

ATTEMPTS: Final = 5

# What the loopback TMDB accepts when no token is set.
WORLD_TOKEN: Final = "loopback"  # noqa: S105 - no secret: the world takes any

Answer = dict[str, Any]
T = TypeVar("T")


class TitleMissing(SourceRefused):
    """TMDB has no title of that id, or no file of that name: ids are deleted, files expire."""


class TmdbClient:
    """Gets JSON and files; shared by concurrent tasks of one event loop.

    Args:
        settings: addresses, token and rate.
        clock: monotonic time for the pace, wall time for `Retry-After` dates.
        sleep: lets seconds pass between attempts and slots.
        random: jitter.
        transport: replaces the network in tests.

    Raises:
        ConfigurationInvalid: the token is missing, it would travel unencrypted, or the rate is beyond TMDB's.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]],
        random: Random,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.requests = 0
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._base = settings.tmdb_url.rstrip("/")
        self._files = settings.tmdb_files_url.rstrip("/")
        self._pacer = Pacer(_rate(settings), clock, sleep)
        self._slots = asyncio.Semaphore(CONCURRENCY)
        self._headers = {"Authorization": f"Bearer {_token(settings)}", "Accept": "application/json"}
        # A proxy from the environment would carry loopback requests, and the token, off the machine.
        trust = not is_loopback(self._base)
        self._http = httpx.AsyncClient(timeout=TIMEOUTS, transport=transport, trust_env=trust, follow_redirects=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def get(self, path: str, **parameters: str | int) -> Answer:
        """Return the JSON object at `path`, for example `movie/popular`.

        Raises:
            TitleMissing: there is none (404).
            SourceRefused: TMDB refuses the request for good.
            SourceUnavailable, RateLimited: it still failed at the last of several attempts.
            ConfigurationInvalid: the token is wrong.
        """

        async def attempt() -> Answer:
            async with self._slots:
                await self._pacer.turn()
                body = await self._body(f"{self._base}/{path}", API_ANSWER, parameters, self._headers)
                return _object(body, path)

        return await self._tried(attempt)

    async def file(self, name: str) -> bytes:
        """Return a file below the files address. Raises as `get`; no token is sent, the files are public."""
        return await self._tried(lambda: self._body(f"{self._files}/{name}", EXPORT_FILE))

    async def _tried(self, attempt: Callable[[], Awaitable[T]]) -> T:
        failures = 0
        while True:
            try:
                return await attempt()
            except SourceUnavailable as error:
                failures += 1
                if failures == ATTEMPTS:
                    raise
                pause = backoff_seconds(failures, self._random, error.retry_after)
                if isinstance(error, RateLimited):
                    # The limit holds for all tasks.
                    self._pacer.hold(pause)
                await self._sleep(pause)

    async def _body(
        self,
        url: str,
        bounds: _Bounds,
        parameters: dict[str, str | int] | None = None,
        headers: dict[str, str] | None = None,
    ) -> bytes:
        """Return the body of one answer of status 200; raises cinepulse's error for any other end."""
        self.requests += 1
        body = bytearray()
        try:
            async with (
                asyncio.timeout(bounds.seconds),
                self._http.stream("GET", url, params=parameters, headers=headers) as response,
            ):
                if response.status_code != HTTPStatus.OK:
                    raise self._failure(response)
                async for piece in response.aiter_bytes():
                    body += piece
                    if len(body) > bounds.size:
                        SOURCE_ERRORS.labels("tmdb", "too_large").inc()
                        raise SourceUnavailable(f"TMDB answers with more than {bounds.size} bytes")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            SOURCE_ERRORS.labels("tmdb", "transport").inc()
            raise SourceUnavailable(f"TMDB does not answer: {type(error).__name__}") from None
        except TimeoutError:
            SOURCE_ERRORS.labels("tmdb", "deadline").inc()
            raise SourceUnavailable(f"TMDB takes longer than {bounds.seconds:g} seconds") from None
        return bytes(body)

    def _failure(self, response: httpx.Response) -> Exception:
        """Return the error for a status other than 200, counted."""
        status, path = response.status_code, response.url.path
        SOURCE_ERRORS.labels("tmdb", str(status)).inc()
        if status == HTTPStatus.UNAUTHORIZED:
            return ConfigurationInvalid("TMDB_READ_TOKEN: TMDB refuses it; put a v4 read access token there")
        if status == HTTPStatus.NOT_FOUND:
            return TitleMissing(f"TMDB has nothing at {path}")
        retry_after = retry_after_seconds(response.headers.get("retry-after"), self._clock.now_ms())
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return RateLimited("TMDB answers 429: too many requests", retry_after=retry_after)
        passing = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT
        if passing or response.is_redirect:
            return SourceUnavailable(f"TMDB answers {path} with {status}", retry_after=retry_after)
        return SourceRefused(f"TMDB refuses {path} with {status}")


def _object(body: bytes, path: str) -> Answer:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        SOURCE_ERRORS.labels("tmdb", "not_json").inc()
        raise SourceUnavailable(f"TMDB answers {path} with something that is not JSON") from None
    if not isinstance(answer, dict):
        SOURCE_ERRORS.labels("tmdb", "not_an_object").inc()
        raise SourceUnavailable(f"TMDB answers {path} with JSON that is not an object")
    return answer


def _rate(settings: Settings) -> float:
    loopback = is_loopback(settings.tmdb_url)
    rate = settings.tmdb_requests_per_second or (LOOPBACK_RATE if loopback else DEFAULT_RATE)
    if rate > HIGHEST_RATE and not loopback:
        raise ConfigurationInvalid(f"CINEPULSE_TMDB_REQUESTS_PER_SECOND: TMDB allows at most {HIGHEST_RATE:g}")
    return rate


def _token(settings: Settings) -> str:
    token = settings.tmdb_read_token.get_secret_value()
    if is_loopback(settings.tmdb_url):
        return token or WORLD_TOKEN
    if not token:
        raise ConfigurationInvalid("TMDB_READ_TOKEN: set it, or start the loopback world with `cinepulse up`")
    if not settings.tmdb_url.startswith("https://"):
        raise ConfigurationInvalid("CINEPULSE_TMDB_URL: only https may carry the token off this machine")
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise ConfigurationInvalid("TMDB_READ_TOKEN: it holds characters that no token has")
    return token
