from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from cinepulse.logging import configure_logging, get_logger

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def unconfigured() -> Iterator[None]:
    """Leave the process's loggers as they were."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    captured = capsys.readouterr()
    assert captured.out == "", "standard output belongs to results"
    return [json.loads(line) for line in captured.err.splitlines()]


def test_a_line_is_a_json_object_with_its_facts(capsys: pytest.CaptureFixture[str]) -> None:
    """Off a terminal each event is one object: the event's name, the level, the time in UTC, the module, the fields."""
    configure_logging()

    get_logger("producers.reddit").info("poll.finished", items=7)

    (line,) = _lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "poll.finished", "level": "info", "logger": "producers.reddit", "items": 7}


def test_the_standard_librarys_loggers_use_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    """A library's warning is a JSON object with its logger's name, its arguments filled in."""
    configure_logging()

    logging.getLogger("aiokafka").warning("no leader for %s", "reddit.posts")

    (line,) = _lines(capsys)
    assert line.pop("timestamp")
    assert line == {"event": "no leader for reddit.posts", "level": "warning", "logger": "aiokafka"}


@pytest.mark.parametrize(
    "name", ["password", "clickhouse_password", "reddit_client_secret", "tmdb_read_token", "Authorization"]
)
def test_fields_with_a_secrets_name_are_masked(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever a caller passes under such a name, its value does not reach the log."""
    configure_logging()

    get_logger("x").warning("login.failed", **{name: "hunter2", "user": "me"})

    (line,) = _lines(capsys)
    assert (line[name], line["user"]) == ("***", "me")


def test_lines_below_the_level_do_not_show(capsys: pytest.CaptureFixture[str]) -> None:
    """The level counts for our loggers and for libraries alike."""
    configure_logging("WARNING")

    get_logger("x").info("quiet")
    logging.getLogger("library").info("quiet")
    get_logger("x").warning("loud")

    assert [line["event"] for line in _lines(capsys)] == ["loud"]


@pytest.mark.parametrize("logger", ["ours", "a library's"])
def test_a_traceback_is_a_field_of_its_line(logger: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An exception stays on one line of JSON, with its traceback as text."""
    configure_logging()

    try:
        int("planted")
    except ValueError:
        if logger == "ours":
            get_logger("x").exception("poll.failed")
        else:
            logging.getLogger("library").exception("poll.failed")

    (line,) = _lines(capsys)
    assert line["event"] == "poll.failed"
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("ValueError: invalid literal for int() with base 10: 'planted'")


def test_a_terminal_gets_text(capsys: pytest.CaptureFixture[str]) -> None:
    """For a reader at a terminal the lines are text, tracebacks included."""
    configure_logging(json=False)

    try:
        int("planted")
    except ValueError:
        get_logger("x").exception("poll.failed", items=7)

    text = capsys.readouterr().err
    assert "poll.failed" in text
    assert "ValueError" in text
    assert not text.startswith("{")


def test_a_traceback_at_a_terminal_shows_no_variables(capsys: pytest.CaptureFixture[str]) -> None:
    """What a function holds, a password perhaps, is not drawn beside its lines."""
    configure_logging(json=False)

    def connect(password: str) -> None:
        raise OSError(len(password))

    try:
        connect("canary".upper())
    except OSError:
        get_logger("here").exception("it.failed")
    shown = capsys.readouterr().err

    assert "in connect" in shown
    assert "CANARY" not in shown


def test_configuring_again_replaces_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    """A logger that was used before follows the new level, and no line comes twice."""
    log = get_logger("x")
    configure_logging("ERROR")
    log.info("before")
    configure_logging("INFO")

    log.info("after")
    logging.getLogger("library").info("after")

    assert [line["event"] for line in _lines(capsys)] == ["after", "after"]


def test_an_unknown_level_is_refused() -> None:
    """A level that does not exist is an error of the caller, not silence."""
    with pytest.raises(KeyError):
        configure_logging("LOUD")


def test_a_logger_survives_the_stream_it_was_configured_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """A logger first used while standard error was a stream that is closed by now writes to the one of today."""
    gone, now = io.StringIO(), io.StringIO()
    monkeypatch.setattr("sys.stderr", gone)
    configure_logging("INFO", json=True)
    log = get_logger("test.survivor")
    log.info("test.first")
    logging.getLogger("test.survivor").warning("first")
    gone.close()
    monkeypatch.setattr("sys.stderr", now)

    log.info("test.second")
    logging.getLogger("test.survivor").warning("third")

    assert "test.second" in now.getvalue()
    assert "third" in now.getvalue()
