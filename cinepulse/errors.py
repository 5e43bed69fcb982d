"""Every error that cinepulse raises on purpose, by the condition it names.

* CinepulseError
  x ConfigurationInvalid     a setting is missing or wrong: stop, say what to set (exit 2)
  x StackUnavailable         an embedded part is missing, busy or does not start (exit 1)
    - DataDirectoryBusy      another `cinepulse up` owns the data directory
  x Retryable                the same call may succeed later; carries `retry_after`
    - BrokerUnavailable      Kafka does not answer
    - DatabaseUnavailable    ClickHouse does not answer
    - RegistryUnavailable    the schema registry does not answer
    - SourceUnavailable      Reddit or TMDB fails or answers nonsense
      . RateLimited          ... and says how long to wait
  x SchemaIncompatible       the registry refuses a schema that breaks readers
  x DumpDamaged              a file to backfill is cut off, damaged, or swells beyond measure
  x SourceRefused            Reddit or TMDB rejects the credentials or the request for good
  x Poison                   this record can never be processed: dead-letter it; carries `reason`
    - CorruptRecord          the bytes are not what their header promises
    - UnknownSchemaId        the header names a schema nobody registered
    - InvalidRecord          well-formed, but a field breaks the contract
  x DeadLetterRateExceeded   so much is poison that the configuration must be wrong: stop
  x OffsetsExpired           Kafka no longer has the records after the committed offset
  x FileUnwritable           the file that output is to go to cannot be written
  x FilmUnknown              no film, or more than one, answers to an id or title
  x WorkerCrashed            a stream processor met what it cannot handle: end it, start it again
    - RecordsMissing         records between two batches never arrived
    - ClientGaveUp           the Kafka client does not come back, and may not be closed
  x VerificationFailed       stored counts and raw mentions disagree
  x PromotionRefused         the live pipeline does not come to what a replay found
"""

from __future__ import annotations


class CinepulseError(Exception):
    """Base class; `exit_code` is what the command line returns when it reaches the top."""

    exit_code = 1


class ConfigurationInvalid(CinepulseError):
    """A setting is missing or wrong. The message names the setting and what to put there."""

    exit_code = 2


class StackUnavailable(CinepulseError):
    """A part of the embedded stack is missing, busy or does not start."""


class DataDirectoryBusy(StackUnavailable):
    """Another `cinepulse up` owns the data directory."""


class Retryable(CinepulseError):
    """The same call may succeed later.

    `retry_after`: seconds the other side asked to wait, None where it did not say.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BrokerUnavailable(Retryable):
    """Kafka does not answer."""


class DatabaseUnavailable(Retryable):
    """ClickHouse does not answer."""


class RegistryUnavailable(Retryable):
    """The schema registry does not answer."""


class SourceUnavailable(Retryable):
    """Reddit or TMDB fails for now, or answers something that is not its API's format."""


class RateLimited(SourceUnavailable):
    """The source asks for a pause; `retry_after` says how long, where it told."""


class SchemaIncompatible(CinepulseError):
    """The registry refuses a schema that would break readers or writers of an earlier version."""


class DumpDamaged(CinepulseError):
    """A file to backfill is cut off, damaged, or swells beyond measure; what was read before is sent."""


class SourceRefused(CinepulseError):
    """The source rejects the credentials or this request for good."""


class Poison(CinepulseError):
    """This record can never be processed; `reason` is the dead letter's class, a snake_case constant."""

    reason = "poison"

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        super().__init__(message)
        if reason is not None:
            self.reason = reason


class CorruptRecord(Poison):
    """The bytes are not what their header promises: no magic byte, or a truncated or overlong body."""

    reason = "corrupt_record"


class UnknownSchemaId(Poison):
    """The header names a schema that neither the manifest nor the registry knows."""

    reason = "unknown_schema_id"


class InvalidRecord(Poison):
    """Well-formed, but a field breaks the contract."""

    reason = "invalid_record"


class DeadLetterRateExceeded(CinepulseError):
    """Too large a share of a partition's records is poison, so the worker stops instead of draining the topic."""


class OffsetsExpired(CinepulseError):
    """Kafka no longer has, or never had, the records after the committed offset: going on would lose some silently."""


class FileUnwritable(CinepulseError):
    """The file that output is to go to cannot be written."""


class FilmUnknown(CinepulseError):
    """No film, or more than one, answers to an id or title."""


class WorkerCrashed(CinepulseError):
    """A stream processor met what it cannot handle; started again, it goes on from the last commit."""


class RecordsMissing(WorkerCrashed):
    """Records between two batches never arrived."""


class ClientGaveUp(WorkerCrashed):
    """The Kafka client does not come back by itself, and closing it may take for ever: the process has to end."""


class VerificationFailed(CinepulseError):
    """Stored counts and raw mentions disagree."""


class PromotionRefused(CinepulseError):
    """The live pipeline is behind, or does not come to what the replay found."""
