"""Structured logs: a dotted constant names the event, fields carry the facts.

Lines are JSON when standard error is not a terminal, coloured text when it is. Secret values are masked by
their field's name, whatever a caller passes: a name that is one of the words below, or ends in one.
"""

from __future__ import annotations

import io
import logging
import sys
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

SECRET_WORDS: Final = ("password", "secret", "token", "authorization")


class StandardError(io.StringIO):
    """Whatever standard error is at the moment of writing: loggers outlive the streams put in its place."""

    def write(self, text: str) -> int:
        """Write to the standard error of now."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Flush the standard error of now."""
        sys.stderr.flush()


def mask_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace the value of every field whose name says that it is a secret."""
    for name in event:
        if name.lower().endswith(SECRET_WORDS):
            event[name] = "***"
    return event


def name_logger(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Show the module under the name that the standard library's loggers have: structlog keeps that name to itself."""
    event["logger"] = event.pop("module", None)
    return event


def configure_logging(level: str = "INFO", *, json: bool | None = None) -> None:
    """Send structlog and the standard library's loggers to standard error at `level`.

    `json`: True for one JSON object a line, False for coloured text, None to decide by whether standard error
    is a terminal.
    """
    as_json = not sys.stderr.isatty() if json is None else json
    # The console draws a traceback itself; in JSON it is a field of text.
    rendering: list[Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if as_json
        # Plain, since a traceback that shows local variables shows passwords.
        else [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    )
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        mask_secrets,
    ]
    structlog.configure(
        processors=[name_logger, *shared, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=StandardError()),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(StandardError())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    logging.basicConfig(level=number, handlers=[handler], force=True)
    # It tells every request with its whole address, at a level meant for what happened to us.
    logging.getLogger("httpx").setLevel(max(number, logging.WARNING))


def get_logger(name: str) -> FilteringBoundLogger:
    """Return the logger of one module; `name` rides on each line as `logger`."""
    logger: FilteringBoundLogger = structlog.get_logger(module=name)
    return logger
