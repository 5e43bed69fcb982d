"""Structured logs: a dotted constant names the event, fields carry the facts.

Lines are JSON when standard error is not a terminal, coloured text when it is. Secret values are masked by
their field's name, whatever a caller passes.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

SECRET_FIELDS: Final = frozenset({"password", "secret", "token", "authorization", "client_secret", "read_token"})


def mask_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace the value of every field whose name says that it is a secret."""
    for name in event.keys() & SECRET_FIELDS:
        event[name] = "***"
    return event


def configure_logging(level: str = "INFO", *, json: bool | None = None) -> None:
    """Send structlog and the standard library's loggers to standard error at `level`.

    `json`: True for one JSON object a line, False for coloured text, None to decide by whether standard error
    is a terminal.
    """
    as_json = not sys.stderr.isatty() if json is None else json
    renderer: Processor = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        mask_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(level=number, handlers=[handler], force=True)


def get_logger(name: str) -> FilteringBoundLogger:
    """Return the logger of one module; `name` rides on each line as `logger`."""
    logger: FilteringBoundLogger = structlog.get_logger(logger=name)
    return logger
