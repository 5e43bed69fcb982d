"""What one HTTP request asks of ClickHouse: URL parameters and headers as a Call, multipart forms as their fields."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from email.parser import BytesParser
from email.policy import HTTP
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from clickhouse.http_errors import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Meant for the interface itself; the engine knows nothing of them.
_INTERFACE: Final = frozenset(
    {"query", "database", "user", "password", "quota_key", "session_id", "session_timeout", "session_check"}
    | {"query_id", "default_format", "buffer_size", "wait_end_of_query", "compress", "decompress", "role"}
    | {"client_protocol_version", "stacktrace", "close_session"}
)
# The engine's, but about HTTP: followed, or without effect, here.
_TRANSPORT: Final = frozenset(
    {"enable_http_compression", "http_zlib_compression_level", "cancel_http_readonly_queries_on_client_close"}
    | {"send_progress_in_http_headers", "http_headers_progress_interval_ms", "http_wait_end_of_query"}
    | {"http_response_buffer_size", "add_http_cors_header", "http_write_exception_in_output_format"}
)
_PARAMETER: Final = "param_"
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_SESSION_SECONDS: Final = 60
_SESSION_MOST_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read: what to run, with which settings, for that call alone, and how to answer."""

    query: str
    query_id: str
    database: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Values of the query's `{name:Type}`, in ClickHouse's escaped text form."""
    default_format: str = "TabSeparated"
    session_id: str | None = None
    session_seconds: int = _SESSION_SECONDS
    session_must_exist: bool = False
    wait_end: bool = False
    compressed: bool = False
    """Whether the answer may have a Content-Encoding."""
    blocks_out: bool = False
    """Whether the answer is to be in ClickHouse's compressed blocks, whatever else is asked."""
    blocks_in: bool = False
    """Whether the body is in such blocks."""
    read_only: bool = False

    def with_form(self, fields: Mapping[str, str]) -> Call:
        """Return the call with a form's fields, which may bring the query and query parameters."""
        parameters = {**self.parameters, **_parameters(fields)}
        return replace(self, query=self.query or fields.get("query", ""), parameters=parameters)


def read_call(method: str, query: Iterable[tuple[str, str]], headers: Mapping[str, str]) -> Call:
    """Return the call of a request; raises RequestRefused for what cannot be followed."""
    values = dict(query)
    settings = {
        name: value
        for name, value in values.items()
        if name not in _INTERFACE | _TRANSPORT and not name.startswith(_PARAMETER)
    }
    read_only = method in ("GET", "HEAD")
    if values.get("session_id") and settings.get("readonly", "0") != "0":
        # The engine lets nothing undo it, and it is for this call, not for the session.
        del settings["readonly"]
        read_only = True
    seconds = _session_seconds(values.get("session_timeout", ""))
    return Call(
        query=values.get("query", ""),
        query_id=values.get("query_id") or str(uuid4()),
        database=values.get("database") or headers.get("x-clickhouse-database") or None,
        settings=_named(settings),
        parameters=_parameters(values),
        default_format=values.get("default_format") or headers.get("x-clickhouse-format") or "TabSeparated",
        session_id=values.get("session_id") or None,
        session_seconds=seconds,
        session_must_exist=values.get("session_check") == "1",
        wait_end=_on(values.get("wait_end_of_query")) or _on(values.get("http_wait_end_of_query")),
        compressed=_on(values.get("enable_http_compression")),
        blocks_out=_on(values.get("compress")),
        blocks_in=_on(values.get("decompress")),
        read_only=read_only,
    )


def read_form(content_type: str, body: bytes) -> dict[str, str]:
    """Return the fields of a multipart form; raises RequestRefused for files (external tables) and broken forms."""
    head = b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n"
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    fields = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        if part.get_filename() is not None:
            raise RequestRefused("NOT_IMPLEMENTED", "External data is not supported: insert it into a temporary table")
        content = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(content, bytes):
            raise RequestRefused("BAD_ARGUMENTS", "The form is broken")
        fields[name] = content.decode("utf-8", "surrogateescape")
    return fields


def _parameters(values: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix(_PARAMETER): value for name, value in values.items() if name.startswith(_PARAMETER)}


def _named(settings: Mapping[str, str]) -> Mapping[str, str]:
    """Return the settings, refusing names that are no identifiers: names cannot be quoted."""
    for name in settings:
        if not _NAME.fullmatch(name):
            raise RequestRefused("BAD_ARGUMENTS", f"Setting {name!r} is neither a setting nor a parameter")
    return settings


def _session_seconds(text: str) -> int:
    if not text:
        return _SESSION_SECONDS
    if not text.isdecimal() or int(text) > _SESSION_MOST_SECONDS:
        raise RequestRefused("INVALID_SESSION_TIMEOUT", f"session_timeout is at most {_SESSION_MOST_SECONDS} seconds")
    return int(text)


def _on(value: str | None) -> bool:
    return value is not None and value.lower() in ("1", "true")
