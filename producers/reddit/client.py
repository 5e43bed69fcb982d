"""Reddit's listings through praw, used as nothing but the authenticated transport.

praw's own objects are left aside: an attribute that an answer lacks makes them fetch again, and their streams lose
items after a burst. Raw JSON goes to `records`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import praw
import prawcore

from cinepulse.errors import ConfigurationInvalid, SourceUnavailable
from cinepulse.metrics import RATE_LIMIT_REMAINING, SOURCE_ERRORS
from producers.http import is_loopback
from producers.reddit.budget import Budget
from producers.reddit.errors import translate
from producers.reddit.waiting import Stopped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from requests import Response

    from cinepulse.clock import Clock
    from cinepulse.settings import Settings
    from producers.reddit.waiting import Waiting

REDDIT_URL: Final = "https://www.reddit.com"
OAUTH_URL: Final = "https://oauth.reddit.com"

# What the loopback world accepts when no credentials are set.
WORLD_CLIENT_ID: Final = "cinepulse"
WORLD_CLIENT_SECRET: Final = "loopback"  # noqa: S105 - no secret: the world takes any

PAGE_SIZE: Final = 100

# Connect and read time-outs of one request, and the end of all patience with it, prawcore's three attempts included.
TIMEOUTS: Final = (5.0, 10.0)
DEADLINE_SECONDS: Final = 40.0


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing: its children, where it goes on, and when the answer was received (epoch milliseconds)."""

    things: tuple[object, ...]
    after: str | None
    received_at: int


class Requestor(prawcore.Requestor):
    """prawcore's requestor with time-outs that hold and headers that parse.

    prawcore hands its own time-out to every request and ignores a configured one.
    """

    def __init__(self, *, budget: Budget, clock: Clock, trust_environment: bool, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._budget = budget
        self._clock = clock
        # A proxy from the environment would carry loopback requests, and their credentials, off the machine.
        self._http.trust_env = trust_environment

    def request(self, *args: Any, timeout: float | None = None, **kwargs: Any) -> Response:
        """Send one request, count it and take in the headers of its answer."""
        del timeout
        self._budget.sent()
        response = super().request(*args, timeout=TIMEOUTS, **kwargs)  # type: ignore[arg-type] # requests takes a pair
        self._budget.read(response.headers, self._clock.monotonic(), self._clock.now_ms())
        return response


class RedditClient:
    """Reads listings and posts, one request at a time.

    Args:
        settings: addresses and credentials.
        clock: stamps answers.
        waiting: lets time pass and makes the calls.

    Raises:
        ConfigurationInvalid: credentials are missing, or the address is neither Reddit's nor on this machine.
    """

    def __init__(self, settings: Settings, clock: Clock, waiting: Waiting) -> None:
        self.budget = Budget()
        self._settings = settings
        self._clock = clock
        self._waiting = waiting
        self._reddit = self._connect()

    def listing(self, path: str, *, after: str | None = None, limit: int = PAGE_SIZE) -> Page:
        """Return one page of a listing, newest first, for example of `r/movies+scifi/new`.

        Raises RequestRefused, RateLimited, SourceUnavailable, ConfigurationInvalid or Stopped.
        """
        parameters: dict[str, str | int] = {"limit": limit}
        if after is not None:
            parameters["after"] = after
        return self._page(path, parameters)

    def info(self, fullnames: Sequence[str]) -> Page:
        """Return the present state of up to 100 posts; one that is gone is not among them. Raises as `listing`."""
        return self._page("api/info", {"id": ",".join(fullnames)})

    def _page(self, path: str, parameters: dict[str, str | int]) -> Page:
        self._waiting.pause(self.budget.pace(self._clock.monotonic()))
        answer, received_at = self._answer(path, parameters)
        if self.budget.remaining is not None:
            RATE_LIMIT_REMAINING.labels("reddit").set(self.budget.remaining)
        try:
            return page_of(answer, received_at)
        except SourceUnavailable:
            SOURCE_ERRORS.labels("reddit", "not_a_listing").inc()
            raise

    def _answer(self, path: str, parameters: dict[str, str | int]) -> tuple[object, int]:
        reddit = self._reddit

        def request() -> tuple[object, int]:
            answer: object = reddit.request(method="GET", path=path, params=parameters)
            return answer, self._clock.now_ms()

        try:
            return self._waiting.call(request, DEADLINE_SECONDS)
        except Stopped:
            raise
        except SourceUnavailable:
            SOURCE_ERRORS.labels("reddit", "deadline").inc()
            # The call goes on in its thread, and praw is not made to be shared between threads.
            self._reddit = self._connect()
            raise
        except Exception as error:
            label, translated = translate(error, retry_after=self.budget.retry_after)
            SOURCE_ERRORS.labels("reddit", label).inc()
            raise translated from error

    def _connect(self) -> praw.Reddit:
        client_id = self._settings.reddit_client_id
        secret = self._settings.reddit_client_secret.get_secret_value()
        url = self._settings.reddit_url
        if url is not None:
            if not is_loopback(url):
                raise ConfigurationInvalid(
                    "CINEPULSE_REDDIT_URL: only an address on this machine may stand in for Reddit,"
                    " for example http://127.0.0.1:8090; leave it unset for Reddit itself"
                )
            client_id, secret = client_id or WORLD_CLIENT_ID, secret or WORLD_CLIENT_SECRET
        elif not (client_id and secret):
            raise ConfigurationInvalid(
                "REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET: set both, or start the loopback world with `cinepulse up`"
            )
        # What praw would otherwise look up in the environment or in a praw.ini is given here.
        return praw.Reddit(
            client_id=client_id,
            client_secret=secret,
            user_agent=self._settings.reddit_user_agent,
            username=None,
            password=None,
            refresh_token=None,
            redirect_uri=None,
            reddit_url=REDDIT_URL if url is None else url.rstrip("/"),
            oauth_url=OAUTH_URL if url is None else url.rstrip("/"),
            check_for_updates=False,
            check_for_async=False,
            requestor_class=Requestor,
            requestor_kwargs={"budget": self.budget, "clock": self._clock, "trust_environment": url is None},
        )


def page_of(answer: object, received_at: int) -> Page:
    """Return a listing's page from decoded JSON.

    Raises SourceUnavailable when it is not of the form `{"data": {"children": [...], "after": ...}}`.
    """
    data = answer.get("data") if isinstance(answer, dict) else None
    children = data.get("children") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(children, list):
        raise SourceUnavailable(f"Reddit answers something that is not a listing: {type(answer).__name__}")
    after = data.get("after")
    return Page(tuple(children), after if isinstance(after, str) and after else None, received_at)
