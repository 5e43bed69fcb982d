"""Where alerts go: the log, a webhook, e-mail. None of them tells a secret in what it raises."""

from __future__ import annotations

import hmac
import json
import smtplib
import ssl
from email.message import EmailMessage
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

import httpx

from cinepulse.errors import CinepulseError, Retryable
from cinepulse.hosts import is_loopback
from cinepulse.logging import get_logger

if TYPE_CHECKING:
    from cinepulse.settings import Settings
    from stream_processors.alerting.message import Message

log = get_logger(__name__)

TIMEOUT_SECONDS: Final = 10.0
# The receiver says that this very alert is wrong, and would say so for ever.
REFUSING: Final = frozenset({400, 413, 422})


class DestinationUnavailable(Retryable):
    """The destination did not take an alert now; it may later."""


class AlertRefused(CinepulseError):
    """The destination will never take this alert."""


class Destination(Protocol):
    """Takes alerts."""

    name: str

    def send(self, message: Message) -> None:
        """Deliver one alert.

        Raises DestinationUnavailable when it may be tried again, AlertRefused when that is of no use.
        """
        ...

    def close(self) -> None:
        """Give up connections."""
        ...


class Log:
    """Writes each alert as a line of the process's log."""

    name = "log"

    def send(self, message: Message) -> None:
        """Write it."""
        log.info("alert", text=message.sentence(), **message.document())

    def close(self) -> None:
        """Do nothing."""


class Webhook:
    """Posts each alert as JSON to an address.

    Headers: `Idempotency-Key`, the alert's id; `X-Cinepulse-Signature`, `sha256=` and the HMAC of the body in hex,
    where there is a secret. Redirects are not followed: an alert goes where the settings say and nowhere else.
    """

    name = "webhook"

    def __init__(self, settings: Settings) -> None:
        self._url = settings.alert_webhook_url.get_secret_value()
        self._secret = settings.alert_webhook_secret.get_secret_value().encode()
        host = urlsplit(self._url).hostname or ""
        self._host = host
        # A proxy from the environment is not for this machine.
        self._client = httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=not is_loopback(host))

    def send(self, message: Message) -> None:
        """Post it; any answer from 200 to 299 means that it was taken."""
        body = json.dumps(
            {**message.document(), "text": message.sentence()}, ensure_ascii=False, separators=(",", ":")
        ).encode("utf-8", "replace")
        headers = {"Content-Type": "application/json", "Idempotency-Key": _ascii(message.identity)}
        if self._secret:
            headers["X-Cinepulse-Signature"] = "sha256=" + hmac.new(self._secret, body, sha256).hexdigest()
        try:
            status = self._client.post(self._url, content=body, headers=headers).status_code
        except httpx.HTTPError as error:
            # Of the class only: the message may hold the address, and the address a token.
            raise DestinationUnavailable(f"webhook at {self._host}: {type(error).__name__}") from None
        if status in REFUSING:
            raise AlertRefused(f"webhook at {self._host} answered {status}")
        if not httpx.codes.is_success(status):
            raise DestinationUnavailable(f"webhook at {self._host} answered {status}")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class Mail:
    """Sends each alert as a mail of its own, with a Message-ID that follows from the alert's id."""

    name = "email"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def send(self, message: Message) -> None:
        """Send it."""
        settings = self._settings
        mail = EmailMessage()
        mail["From"] = settings.alert_email_from
        mail["To"] = ", ".join(settings.alert_email_to)
        mail["Subject"] = f"cinepulse: {message.sentence()}"
        mail["Message-ID"] = f"<{sha256(message.identity.encode()).hexdigest()[:32]}@cinepulse>"
        mail.set_content(f"{message.sentence()}\n\n{json.dumps(message.document(), ensure_ascii=False, indent=2)}\n")
        try:
            with smtplib.SMTP(settings.alert_smtp_host, settings.alert_smtp_port, timeout=TIMEOUT_SECONDS) as server:
                if settings.alert_smtp_starttls:
                    server.starttls(context=ssl.create_default_context(cafile=settings.alert_smtp_ca_file))
                if settings.alert_smtp_user:
                    server.login(settings.alert_smtp_user, settings.alert_smtp_password.get_secret_value())
                server.send_message(mail)
        except (OSError, smtplib.SMTPException) as error:
            # Of the class only: a server's answer may quote what it was told.
            raise DestinationUnavailable(f"mail server {settings.alert_smtp_host}: {type(error).__name__}") from None

    def close(self) -> None:
        """Do nothing: a connection is for one mail."""


def destinations_of(settings: Settings) -> list[Destination]:
    """Return the destinations that the settings ask for."""
    return [_destination(name, settings) for name in dict.fromkeys(settings.alert_destinations)]


def _destination(name: str, settings: Settings) -> Destination:
    if name == "webhook":
        return Webhook(settings)
    return Mail(settings) if name == "email" else Log()


def _ascii(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode()
