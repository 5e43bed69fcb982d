"""What a failed insert means, by ClickHouse's code and by who raised it."""

from __future__ import annotations

import struct

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, DataError, OperationalError

from cinepulse.errors import BrokerUnavailable, ConfigurationInvalid, DatabaseUnavailable, InvalidRecord
from clickhouse.failures import CONFIGURATION_CODES, DATA_CODES, RETRYABLE_CODES, Failure, failure_of


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (DatabaseError("timed out", code=159), Failure.RETRYABLE),
        (DatabaseError("too many parts", code=252), Failure.RETRYABLE),
        (DatabaseError("constraint", code=469), Failure.DATA),
        (DatabaseError("no such column", code=16), Failure.CONFIGURATION),
        (DatabaseError("access denied", code=497), Failure.CONFIGURATION),
        (DatabaseError("something new", code=1_234), Failure.UNKNOWN),
        (DatabaseError("no code"), Failure.UNKNOWN),
        (OperationalError("connection refused"), Failure.RETRYABLE),
        (DataError("does not fit"), Failure.DATA),
        (struct.error("does not fit"), Failure.DATA),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogate"), Failure.DATA),
        (InvalidRecord("poison"), Failure.DATA),
        (DatabaseUnavailable("away"), Failure.RETRYABLE),
        (BrokerUnavailable("away"), Failure.RETRYABLE),
        (ConfigurationInvalid("wrong password"), Failure.CONFIGURATION),
        (RuntimeError("a bug"), Failure.UNKNOWN),
        (KeyError("a bug"), Failure.UNKNOWN),
    ],
    ids=lambda case: f"{type(case).__name__}" if isinstance(case, Exception) else str(case),
)
def test_failures_are_told_apart(error: Exception, failure: Failure) -> None:
    """What may pass, what a row causes, what an operator must mend, and what nobody knows."""
    assert failure_of(error) is failure


def test_no_code_means_two_things() -> None:
    """The classes do not overlap."""
    classes = (RETRYABLE_CODES, CONFIGURATION_CODES, DATA_CODES)

    assert sum(len(codes) for codes in classes) == len(frozenset.union(*classes))
