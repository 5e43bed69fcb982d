"""Delivery of alerts, over a real HTTP server and a real mail server on this machine."""

from __future__ import annotations

import hmac
import json
import socketserver
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final

import pytest
from pydantic import SecretStr

from cinepulse.clock import ManualClock
from cinepulse.errors import ConfigurationInvalid
from cinepulse.settings import Settings, load_settings
from schemas.codec import Codec
from schemas.events import Alert, AlertKey
from schemas.registry import ManifestIds
from schemas.topics import TREND_ALERTS
from stream_processors.alerting import deliverer
from stream_processors.alerting.delivered import Delivered
from stream_processors.alerting.deliverer import Deliverer
from stream_processors.alerting.destinations import DestinationUnavailable, destinations_of
from stream_processors.alerting.message import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from stream_processors.alerting.destinations import Destination

CODEC: Final = Codec(ManifestIds())
NOW: Final = 1_778_000_000_000
HOUR: Final = 3_600_000
SECRET: Final = "a-very-secret-key"
TOKEN: Final = "T0KEN-in-the-path"


@dataclass
class Record:
    """A record of the topic."""

    raw_key: bytes | None
    raw_value: bytes | None

    def key(self) -> bytes | None:
        """Return the key."""
        return self.raw_key

    def value(self) -> bytes | None:
        """Return the value."""
        return self.raw_value


def record(film: int = 603, *, kind: str = "burst", age_hours: float = 1) -> Record:
    """Return an alert as a record."""
    at = round(NOW - age_hours * HOUR)
    burst = kind == "burst"
    key = AlertKey(kind=kind, detail="began" if burst else "popular", tmdb_id=film, at=at)
    alert = Alert(
        happened_at=at,
        state="began" if burst else "once",
        version="test",
        mentions=12 if burst else None,
        expected=0.5 if burst else None,
        hours=1 if burst else None,
        rank_after=None if burst else 3,
    )
    return Record(
        CODEC.encode(TREND_ALERTS.key_subject, key),
        CODEC.encode(TREND_ALERTS.value_subject, alert),
    )


@dataclass
class MemorySource:
    """Records in memory, as a consumer group sees them: what is not done comes again to the next member."""

    records: list[Record]
    stop: Event
    committed: int = 0
    place: int = field(default=0, init=False)
    idled: int = 0

    def next(self, _seconds: float) -> Record | None:
        """Return the next one; at the end the deliverer is told to stop."""
        if self.place == len(self.records):
            self.stop.set()
            return None
        self.place += 1
        return self.records[self.place - 1]

    def idle(self, _seconds: float) -> None:
        """Count."""
        self.idled += 1

    def done(self, _record: Any) -> None:
        """Commit."""
        self.committed = self.place

    def close(self) -> None:
        """Do nothing."""


@dataclass
class Hook:
    """An HTTP server that keeps what is posted and answers as told."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    """Answers to come; 200 when there is none."""
    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        """Return the ids of what was taken."""
        return [headers["Idempotency-Key"] for headers, _ in self.posts]


@contextmanager
def served(handler: Callable[[Any], None]) -> Iterator[int]:
    """Serve HTTP on a loopback port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            handler(self)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def hook() -> Iterator[Hook]:
    """Return a webhook's receiver."""
    found = Hook()

    def answer(request: Any) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"]))
        status = found.statuses.pop(0) if found.statuses else 200
        if status == 200:
            found.posts.append((dict(request.headers), body))
        request.send_response(status)
        request.send_header("Location", "http://127.0.0.1:9/elsewhere")
        request.send_header("Content-Length", "0")
        request.end_headers()

    with served(answer) as port:
        found.url = f"http://127.0.0.1:{port}/{TOKEN}"
        yield found


def webhook(hook: Hook) -> Destination:
    """Return the destination that posts to it."""
    (one,) = destinations_of(
        load_settings(
            attached=False,
            alert_destinations="webhook",
            alert_webhook_url=hook.url,
            alert_webhook_secret=SECRET,
        )
    )
    return one


@pytest.fixture
def deliver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., MemorySource]:
    """Return a function that delivers records to a destination until they end, from where it was committed."""
    for name in ("FIRST_WAIT_SECONDS", "LONGEST_WAIT_SECONDS"):
        monkeypatch.setattr(deliverer, name, 0.001)
    monkeypatch.setattr(deliverer, "REST_SECONDS", 0.0)

    def run(destination: Destination, *records: Record, **changes: Any) -> MemorySource:
        stop = Event()
        source = MemorySource(list(records), stop)
        delivered = Delivered(tmp_path / "delivered.sqlite", destination.name)
        options: dict[str, Any] = {"kinds": {"burst", "joined"}, "max_age_hours": 24.0} | changes
        try:
            Deliverer(
                source,
                destination,
                delivered,
                CODEC,
                title_of={603: "The Matrix"}.get,
                clock=ManualClock(NOW),
                **options,
            ).run(stop)
        finally:
            destination.close()
            delivered.close()
        return source

    return run


def test_a_webhook_gets_the_alert_signed_and_named(hook: Hook, deliver: Callable[..., MemorySource]) -> None:
    """JSON with the film's title and a sentence, the id as Idempotency-Key, the HMAC of the bytes as posted."""
    source = deliver(webhook(hook), record())

    ((headers, body),) = hook.posts
    posted = json.loads(body)
    assert posted["title"] == "The Matrix"
    assert posted["text"] == "The Matrix: a burst began, 12 mentions in an hour, 0.5 would be usual"
    assert headers["Idempotency-Key"] == posted["id"] == f"burst/began/603/{NOW - HOUR}"
    assert headers["X-Cinepulse-Signature"] == "sha256=" + hmac.new(SECRET.encode(), body, sha256).hexdigest()
    assert headers["Content-Type"] == "application/json"
    assert source.committed == 1


def test_an_alert_is_delivered_once(hook: Hook, deliver: Callable[..., MemorySource]) -> None:
    """Twice in the topic, and all again after a restart whose commit was lost: one post each."""
    deliver(webhook(hook), record(1), record(2), record(1))
    deliver(webhook(hook), record(1), record(2), record(3))

    assert [name.split("/")[2] for name in hook.ids] == ["1", "2", "3"]


def test_a_receiver_that_fails_for_a_while_gets_everything(hook: Hook, deliver: Callable[..., MemorySource]) -> None:
    """Errors, and a redirect which is not followed: tried again, in order, nothing passed over, and the group kept."""
    hook.statuses = [500, 503, 429, 302, 404, 401, 500, 500, 500]
    source = deliver(webhook(hook), record(1), record(2))

    assert [name.split("/")[2] for name in hook.ids] == ["1", "2"]
    assert source.committed == 2


def test_an_alert_that_is_refused_holds_up_no_other(hook: Hook, deliver: Callable[..., MemorySource]) -> None:
    """A receiver that calls one alert wrong gets the next one."""
    hook.statuses = [422]
    source = deliver(webhook(hook), record(1), record(2))

    assert [name.split("/")[2] for name in hook.ids] == ["2"]
    assert source.committed == 2


def test_what_is_not_wanted_is_passed_over(hook: Hook, deliver: Callable[..., MemorySource]) -> None:
    """Kinds left out, what is too old, and records that are no alerts."""
    source = deliver(
        webhook(hook),
        record(1, kind="left"),
        record(2, age_hours=25),
        Record(b"x", None),
        record(3, kind="joined"),
    )

    assert [name.split("/")[2] for name in hook.ids] == ["3"]
    assert source.committed == 4


def test_a_stop_leaves_the_alert_for_the_next_start(
    hook: Hook, deliver: Callable[..., MemorySource], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told to stop while the receiver is away: nothing is committed, and the next start delivers."""

    def idle(self: MemorySource, _seconds: float) -> None:
        self.stop.set()

    with monkeypatch.context() as patch:
        patch.setattr(MemorySource, "idle", idle)
        patch.setattr(deliverer, "REST_SECONDS", 1.0)
        hook.statuses = [500] * 4
        source = deliver(webhook(hook), record(1))
    assert (source.committed, hook.posts) == (0, [])

    assert deliver(webhook(hook), record(1)).committed == 1
    assert len(hook.posts) == 1


def test_no_error_tells_a_secret(hook: Hook) -> None:
    """Neither the token in the address nor the key of the signature is in what is logged."""
    hook.statuses = [500]
    destination = webhook(hook)
    message = Message(*_decoded(record()))
    with pytest.raises(DestinationUnavailable) as answered:
        destination.send(message)
    destination.close()
    gone = destinations_of(
        Settings(alert_destinations=("webhook",), alert_webhook_url=SecretStr(f"http://127.0.0.1:9/{TOKEN}"))
    )[0]
    with pytest.raises(DestinationUnavailable) as refused:
        gone.send(message)
    gone.close()
    for error in (answered.value, refused.value):
        assert TOKEN not in repr(error) + str(error.__cause__)
        assert SECRET not in repr(error)


def _decoded(one: Record) -> tuple[AlertKey, Alert]:
    return (
        CODEC.decode(TREND_ALERTS.key_subject, one.raw_key or b""),
        CODEC.decode(TREND_ALERTS.value_subject, one.raw_value or b""),
    )


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://example.org/x",
        "file:///etc/passwd",
        "//example.org",
        "https://",
        "http://u:p@h/",
        "http://h:0/",
        "http://h:x/",
        "http://a b/",
    ],
)
def test_an_address_is_checked_when_it_is_set(url: str) -> None:
    """Only whole http and https addresses without a login; the line that says so does not repeat the address."""
    with pytest.raises(ConfigurationInvalid, match="CINEPULSE_ALERT_WEBHOOK_URL") as wrong:
        load_settings(attached=False, alert_destinations="webhook", alert_webhook_url=url)
    assert "u:p" not in str(wrong.value)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "SMTP_HOST"),
        ({"alert_smtp_host": "h", "alert_email_to": "a@b", "alert_email_from": "nobody"}, "EMAIL_FROM"),
        ({"alert_smtp_host": "h", "alert_email_to": "a@b,c\nd@e", "alert_email_from": "a@b"}, "EMAIL_TO"),
        (
            {
                "alert_smtp_host": "h",
                "alert_email_to": "a@b",
                "alert_email_from": "a@b",
                "alert_smtp_user": "u",
                "alert_smtp_starttls": False,
            },
            "STARTTLS",
        ),
    ],
)
def test_mail_settings_are_checked_together(changes: dict[str, Any], told: str) -> None:
    """What is missing is named, and a password never goes over a plain connection."""
    with pytest.raises(ConfigurationInvalid, match=told):
        load_settings(attached=False, alert_destinations="email", **changes)


class MailHandler(socketserver.StreamRequestHandler):
    """As much of a mail server as smtplib needs (RFC 5321)."""

    def handle(self) -> None:
        """Talk."""
        server: Any = self.server
        self._say("220 loopback")
        while line := self.rfile.readline():
            command = line.strip().upper().split(b" ")[0]
            if command == b"DATA":
                self._say("354 go on")
                lines = []
                while (text := self.rfile.readline()) not in {b".\r\n", b""}:
                    lines.append(text)
                if server.refusals:
                    server.refusals -= 1
                    self._say(f"451 not now, {SECRET}")
                else:
                    server.mails.append(b"".join(lines))
                    self._say("250 taken")
            elif command == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 loopback" if command != b"STARTTLS" else "502 no")

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


@pytest.fixture
def mail_server() -> Iterator[Any]:
    """Return a mail server on a loopback port."""

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        mails: list[bytes]
        refusals = 0

    with Server(("127.0.0.1", 0), MailHandler) as server:
        server.mails = []
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def mail(server: Any, **changes: Any) -> Destination:
    """Return the destination that sends mails to it."""
    given: dict[str, Any] = {
        "alert_smtp_host": "127.0.0.1",
        "alert_smtp_port": server.server_address[1],
        "alert_smtp_starttls": False,
        "alert_email_from": "cinepulse@example.org",
        "alert_email_to": "one@example.org,two@example.org",
    }
    (one,) = destinations_of(load_settings(attached=False, alert_destinations="email", **given | changes))
    return one


def test_a_mail_says_what_happened(mail_server: Any, deliver: Callable[..., MemorySource]) -> None:
    """To all receivers, with a subject that says it and a Message-ID that is the same when it is sent again."""
    mail_server.refusals = 2
    deliver(mail(mail_server), record(603), record(604))

    first, second = (message_from_bytes(raw, policy=policy.default) for raw in mail_server.mails)
    assert first["Subject"] == "cinepulse: The Matrix: a burst began, 12 mentions in an hour, 0.5 would be usual"
    assert first["To"] == "one@example.org, two@example.org"
    assert '"tmdb_id": 603' in first.get_content()
    assert "film 604" in second["Subject"]
    assert first["Message-ID"] == f"<{sha256(f'burst/began/603/{NOW - HOUR}'.encode()).hexdigest()[:32]}@cinepulse>"


def test_no_mail_goes_over_a_plain_connection_unless_told(mail_server: Any) -> None:
    """A server that offers no TLS gets nothing; nor does the error repeat what a server answered."""
    with pytest.raises(DestinationUnavailable):
        mail(mail_server, alert_smtp_starttls=True).send(Message(*_decoded(record())))
    mail_server.refusals = 1
    with pytest.raises(DestinationUnavailable) as refused:
        mail(mail_server).send(Message(*_decoded(record())))
    assert SECRET not in str(refused.value)
    assert mail_server.mails == []


def test_the_record_is_bounded_and_of_one_destination(tmp_path: Path) -> None:
    """The latest ids are kept, and another destination's are its own."""
    one = Delivered(tmp_path / "d.sqlite", "log", kept=3)
    other = Delivered(tmp_path / "d.sqlite", "email")
    for number in range(5):
        one.add(str(number))
    assert [one.has(str(number)) for number in range(5)] == [False, False, True, True, True]
    assert not other.has("4")
    one.close()
    other.close()


def test_a_title_cannot_steer_a_terminal_or_a_header() -> None:
    """Titles come from outside: control characters are shown as replaced."""
    message = Message(*_decoded(record()), title="Evil\r\nBcc: x\x1b[31m")
    assert message.sentence().isprintable()
