"""What a failed insert means: try again, leave the row out, stop for the operator, or nobody knows.

Codes: https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp; the retryable ones are those
of ClickHouse's own Kafka Connect sink, and MEMORY_LIMIT_EXCEEDED, which passes when other queries end.
"""

from __future__ import annotations

import struct
from enum import StrEnum
from typing import Final

from clickhouse_connect.driver.exceptions import DataError, Error, OperationalError

from cinepulse.errors import ConfigurationInvalid, Poison, Retryable


class Failure(StrEnum):
    """What to do about a failed insert."""

    RETRYABLE = "retryable"
    """The same insert may succeed later."""
    DATA = "data"
    """A row can never be stored: find it and dead-letter it."""
    CONFIGURATION = "configuration"
    """No insert can succeed until somebody mends the set-up: stop."""
    UNKNOWN = "unknown"
    """Say so loudly, try a few times, then stop. Never dead-letter on a guess."""


RETRYABLE_CODES: Final = frozenset({3, 159, 164, 202, 203, 209, 210, 241, 242, 252, 285, 319, 425, 999, 1002})

# Unknown tables, databases and columns, wrong settings, authentication and access.
CONFIGURATION_CODES: Final = frozenset({8, 10, 16, 20, 36, 44, 47, 60, 81, 115, 192, 193, 194, 291, 471, 497, 516})

# Values that cannot be parsed, converted or held, broken constraints, and blocks that are not what they should be.
DATA_CODES: Final = frozenset({6, 26, 27, 38, 41, 53, 69, 70, 72, 117, 131, 190, 321, 349, 407, 469, 691})

# What the driver's encoders raise on a value that does not fit its column.
ENCODING_ERRORS: Final = (DataError, ValueError, TypeError, AttributeError, OverflowError, struct.error)


def failure_of(error: Exception) -> Failure:
    """Return what a failed insert means."""
    if isinstance(error, Retryable):
        return Failure.RETRYABLE
    if isinstance(error, ConfigurationInvalid):
        return Failure.CONFIGURATION
    code = error.code if isinstance(error, Error) else None
    for codes, failure in (
        (RETRYABLE_CODES, Failure.RETRYABLE),
        (CONFIGURATION_CODES, Failure.CONFIGURATION),
        (DATA_CODES, Failure.DATA),
    ):
        if code in codes:
            return failure
    if code is None and isinstance(error, (*ENCODING_ERRORS, Poison)):
        return Failure.DATA
    if code is None and isinstance(error, OperationalError):
        # The driver's word for a connection that failed, timed out or was answered by something else.
        return Failure.RETRYABLE
    return Failure.UNKNOWN
