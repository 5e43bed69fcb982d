"""Failures as ClickHouse's HTTP interface tells them: a status, the code in a header, the message in the body."""

from __future__ import annotations

from typing import Final

# As ClickHouse's src/Server/HTTP/exceptionCodeToHTTPStatus.cpp maps them; what it does not name is 500.
_NAMES_BY_STATUS: Final = {
    400: """
        BAD_ARGUMENTS CANNOT_COMPILE_REGEXP DUPLICATE_COLUMN ILLEGAL_COLUMN THERE_IS_NO_COLUMN SYNTAX_ERROR
        CANNOT_PARSE_TEXT CANNOT_PARSE_ESCAPE_SEQUENCE CANNOT_PARSE_QUOTED_STRING CANNOT_PARSE_NUMBER CANNOT_PARSE_DATE
        CANNOT_PARSE_DATETIME CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING CANNOT_PARSE_UUID CANNOT_PARSE_IPV4
        CANNOT_PARSE_IPV6 CANNOT_PARSE_INPUT_ASSERTION_FAILED UNKNOWN_ELEMENT_IN_AST UNKNOWN_TYPE_OF_AST_NODE
        TOO_DEEP_AST TOO_BIG_AST UNEXPECTED_AST_STRUCTURE INCORRECT_DATA TYPE_MISMATCH
        VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
    """,
    401: "REQUIRED_PASSWORD",
    403: "UNKNOWN_USER WRONG_PASSWORD AUTHENTICATION_FAILED SET_NON_GRANTED_ROLE ACCESS_DENIED",
    404: """
        UNKNOWN_TABLE UNKNOWN_FUNCTION UNKNOWN_IDENTIFIER UNKNOWN_TYPE UNKNOWN_STORAGE UNKNOWN_DATABASE UNKNOWN_SETTING
        UNKNOWN_DIRECTION_OF_SORTING UNKNOWN_AGGREGATE_FUNCTION UNKNOWN_FORMAT UNKNOWN_DATABASE_ENGINE
        UNKNOWN_TYPE_OF_QUERY UNKNOWN_ROLE
    """,
    408: "TIMEOUT_EXCEEDED",
    411: "HTTP_LENGTH_REQUIRED",
    413: "QUERY_IS_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    501: "NOT_IMPLEMENTED",
    503: "SOCKET_TIMEOUT CANNOT_OPEN_FILE CANNOT_SCHEDULE_TASK",
}
_STATUS: Final = {name: status for status, names in _NAMES_BY_STATUS.items() for name in names.split()}

_CODES: Final = {
    "BAD_ARGUMENTS": 36,
    "NOT_IMPLEMENTED": 48,
    "SYNTAX_ERROR": 62,
    "QUERY_IS_TOO_LARGE": 77,
    "TOO_LARGE_SIZE_COMPRESSED": 130,
    "TIMEOUT_EXCEEDED": 159,
    "READONLY": 164,
    "TOO_MANY_SIMULTANEOUS_QUERIES": 202,
    "SOCKET_TIMEOUT": 209,
    "NOT_ENOUGH_SPACE": 243,
    "CANNOT_DECOMPRESS": 271,
    "SESSION_NOT_FOUND": 372,
    "SESSION_IS_LOCKED": 373,
    "INVALID_SESSION_TIMEOUT": 374,
    "RECEIVED_EMPTY_DATA": 376,
    "TOO_MANY_ROWS_OR_BYTES": 396,
    "ACCESS_DENIED": 497,
    "AUTHENTICATION_FAILED": 516,
}


class RequestRefused(Exception):
    """A request that the interface itself refuses, in the form of the engine's errors.

    `name`: ClickHouse's symbolic name of the error; `status`: HTTP status, None for the name's own.
    """

    def __init__(self, name: str, message: str, *, status: int | None = None) -> None:
        self.name, self.code = name, _CODES[name]
        self.status = status_of(name) if status is None else status
        self.message = f"Code: {self.code}. DB::Exception: {message}. ({name})"
        super().__init__(self.message)


def status_of(name: str) -> int:
    """Return the HTTP status of an error's symbolic name."""
    return _STATUS.get(name, 500)
