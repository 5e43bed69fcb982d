"""What a failed request to Reddit means: retry, pause, refuse or stop.

The rows follow prawcore 4's exceptions (prawcore/exceptions.py, prawcore/sessions.py). By then prawcore itself has
tried three times on 401, 408, 5xx and broken connections, and has refreshed the token.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import prawcore
from praw.exceptions import RedditAPIException
from prawcore.const import ACCESS_TOKEN_PATH

from cinepulse.errors import CinepulseError, ConfigurationInvalid, RateLimited, SourceRefused, SourceUnavailable

CREDENTIALS: Final = (
    "REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET: Reddit refuses them; put the id and secret of an approved app there"
)


class RequestRefused(SourceRefused):
    """Reddit refuses this request and will refuse it again: something that it names has to be left out.

    `reason` is a snake_case constant. `dead_letter`: whether the refusal is to be kept as a dead letter; otherwise it
    is the ordinary fate of a private, banned or misspelt community, and an alert is enough.
    """

    def __init__(self, message: str, *, reason: str, dead_letter: bool) -> None:
        super().__init__(message)
        self.reason = reason
        self.dead_letter = dead_letter


REFUSALS: Final[dict[type[Exception], tuple[str, bool]]] = {
    prawcore.exceptions.Forbidden: ("forbidden", False),
    prawcore.exceptions.InsufficientScope: ("insufficient_scope", False),
    prawcore.exceptions.NotFound: ("not_found", False),
    prawcore.exceptions.Redirect: ("redirected", False),
    prawcore.exceptions.UnavailableForLegalReasons: ("legal_reasons", True),
    prawcore.exceptions.BadRequest: ("bad_request", True),
    prawcore.exceptions.TooLarge: ("request_too_large", True),
    prawcore.exceptions.URITooLong: ("uri_too_long", True),
    RedditAPIException: ("bad_request", True),
}
"""Reason and whether a dead letter is due, by exception."""

OUTAGES: Final[dict[type[Exception], str]] = {
    prawcore.exceptions.InvalidToken: "invalid_token",
    prawcore.exceptions.ServerError: "server_error",
    prawcore.exceptions.BadJSON: "not_json",
    prawcore.exceptions.RequestException: "transport",
    prawcore.exceptions.SpecialError: "special_error",
    prawcore.exceptions.Conflict: "conflict",
    prawcore.exceptions.ResponseException: "http_status",
}
"""Metric label by exception, most specific class first: all of these pass with time."""


def translate(error: Exception, *, retry_after: float | None = None) -> tuple[str, CinepulseError]:
    """Return the metric's label and cinepulse's error for whatever a praw request raised.

    Args:
        error: the exception. Not only prawcore's: a 401 without a `www-authenticate` header is a KeyError, a token
            without a scope too.
        retry_after: seconds that the last response asked to wait, None where it did not say.

    Returns:
        RequestRefused, RateLimited, SourceUnavailable, or ConfigurationInvalid when the credentials are wrong.
    """
    if _credentials_refused(error):
        return "credentials", ConfigurationInvalid(CREDENTIALS)
    if _status(error) == HTTPStatus.TOO_MANY_REQUESTS:
        return "rate_limited", RateLimited("Reddit answers 429: too many requests", retry_after=retry_after)
    for kind, (reason, dead_letter) in REFUSALS.items():
        if isinstance(error, kind):
            return reason, RequestRefused(f"Reddit refuses: {_shown(error)}", reason=reason, dead_letter=dead_letter)
    label = next((label for kind, label in OUTAGES.items() if isinstance(error, kind)), "unexpected")
    return label, SourceUnavailable(f"Reddit fails: {_shown(error)}", retry_after=retry_after)


def _credentials_refused(error: Exception) -> bool:
    if isinstance(error, prawcore.exceptions.OAuthException):
        return True
    at_token_endpoint = (
        isinstance(error, prawcore.exceptions.ResponseException)
        and ACCESS_TOKEN_PATH in (error.response.url or "")
        and type(error) is prawcore.exceptions.ResponseException
    )
    return at_token_endpoint and _status(error) == HTTPStatus.UNAUTHORIZED


def _status(error: Exception) -> int | None:
    return error.response.status_code if isinstance(error, prawcore.exceptions.ResponseException) else None


def _shown(error: Exception) -> str:
    """Return class and message, short: a message may quote a whole answer, never a header or body of ours."""
    return f"{type(error).__name__}: {error}"[:300]
