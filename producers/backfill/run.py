"""Sending files: line by line, confirmed in batches, remembered after each, so that a kill costs one batch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final, Literal, Protocol

from cinepulse.clock import day_start
from cinepulse.errors import ConfigurationInvalid, DeadLetterRateExceeded, DumpDamaged, InvalidRecord, Poison
from schemas.topics import PIPELINE_COVERAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from producers.backfill.dump_file import DumpFile
    from producers.backfill.reading import LineReader, Read, Source
    from producers.backfill.state import BackfillState, FileProgress
    from producers.outbox import Outbox

Ending = Literal["done", "already", "stopped", "damaged"]

# Lines between two confirmations: some tenths of a second, which a kill repeats.
BATCH_LINES: Final = 5_000
# Lines between two looks at the bar.
STEP_LINES: Final = 250

# So few broken lines are a damaged spot, whatever their share.
FEW_BROKEN: Final = 20


class Watch(Protocol):
    """Whoever looks on."""

    def at(self, position: int, lines: int) -> None:
        """Be told how many bytes of the file were read, and that `lines` more were sent or left out."""
        ...

    def broken(self, name: str, number: int, error: Poison | DumpDamaged) -> None:
        """Be told of a line that is nothing."""
        ...

    def wants_stop(self) -> bool:
        """Return whether to stop behind the current line."""
        ...

    def pace(self, sent: int) -> None:
        """Wait until so many more records may be sent."""
        ...


@dataclass(frozen=True, slots=True)
class Result:
    """How a file ended: `done` whole, `already` in an earlier run, `stopped` on demand or `damaged`.

    `lines`: those of this run.
    """

    progress: FileProgress
    ending: Ending
    lines: int


@dataclass(frozen=True, slots=True)
class Backfill:
    """Sends files of one kind.

    `max_broken_share`: share of broken lines in a file beyond which it is the wrong file.
    """

    source: Source
    state: BackfillState
    outbox: Outbox
    watch: Watch
    max_broken_share: float
    batch_lines: int = BATCH_LINES

    def pending(self, files: Sequence[DumpFile]) -> list[bool]:
        """Return which files are not done yet."""
        return [not self._load(file).done for file in files]

    def forget(self, file: DumpFile) -> None:
        """Forget that a file was read."""
        self.state.forget(self._key(file))

    def send(self, file: DumpFile, *, others_follow: bool = False) -> Result:
        """Send what a file has not yet sent.

        Args:
            file: just opened.
            others_follow: whether files that are not done come behind: then one that is done is looked through for
                what they need.

        Raises:
            BrokerUnavailable: Kafka stays away; the next run goes on from the last confirmed line.
            ConfigurationInvalid: the file is of another kind.
            DeadLetterRateExceeded: most lines are broken.
        """
        progress = self._load(file)
        reader, before = self.source.reader(file.base), progress.tally.lines
        if progress.done:
            if others_follow:
                self._look_through(file, reader)
            return Result(progress, "already", 0)
        try:
            finished = self._read(file, reader, progress)
        except DumpDamaged as error:
            progress.tally.broken += 1
            self.watch.broken(file.name, progress.tally.lines + 1, error)
            self.outbox.confirm()
            # Nothing is remembered beyond the last batch: the same file will be damaged again, another is read anew.
            return Result(progress, "damaged", progress.tally.lines - before)
        if not finished:
            self._confirm(progress)
            return Result(progress, "stopped", progress.tally.lines - before)
        for topic, key, value in reader.closing():
            self.outbox.send(topic, key, value, listing=self._listing(file), thing={"file": file.name})
        for covered, report in self.source.coverage(progress):
            self.outbox.send(PIPELINE_COVERAGE, covered, report, listing=self._listing(file), thing={"file": file.name})
        progress.done = True
        self._confirm(progress)
        return Result(progress, "done", progress.tally.lines - before)

    def _key(self, file: DumpFile) -> str:
        return self.source.key(file.fingerprint())

    def _load(self, file: DumpFile) -> FileProgress:
        return self.state.load(self._key(file), file.name)

    def _look_through(self, file: DumpFile, reader: LineReader) -> None:
        for number, line in file.lines():
            if line is not None:
                reader.pass_over(line)
            if number % STEP_LINES == 0:
                self.watch.at(file.position, 0)
                if self.watch.wants_stop():
                    return

    def _read(self, file: DumpFile, reader: LineReader, progress: FileProgress) -> bool:
        """Read the lines that were not sent yet; return False when asked to stop before the last."""
        tally, confirmed, sent = progress.tally, progress.tally.lines, progress.tally.sent
        for number, line in file.lines():
            if number <= confirmed:
                if line is not None:
                    reader.pass_over(line)
            else:
                self._take(file, number, line, reader, progress)
                tally.lines = number
            if number % STEP_LINES == 0:
                self.watch.at(file.position, max(0, min(STEP_LINES, number - confirmed)))
                if self.watch.wants_stop():
                    return False
            if number > confirmed and number % self.batch_lines == 0:
                self._confirm(progress)
                self.watch.pace(tally.sent - sent)
                sent = tally.sent
        return True

    def _take(
        self, file: DumpFile, number: int, line: bytes | None, reader: LineReader, progress: FileProgress
    ) -> None:
        if line is None:
            error: Poison = InvalidRecord("longer than any record", reason="line_too_long")
            self._broken(file, number, b"", error, progress)
            return
        try:
            read = reader.read(line)
        except ConfigurationInvalid as error:
            raise ConfigurationInvalid(f"{file.name}: {error}") from None
        if isinstance(read, Poison):
            self._broken(file, number, line, read, progress)
        elif read is not None:
            self._send(file, number, read, progress)

    def _send(self, file: DumpFile, number: int, read: Read, progress: FileProgress) -> None:
        tally, fate = progress.tally, read.fate
        if read.feed is not None:
            progress.spans.see(read.feed, read.first, read.last)
        if read.community is not None and self.source.worth_telling(read.community):
            progress.communities.add(read.community.lower())
        if read.sending is not None:
            topic, key, value = read.sending
            listing = self._listing(file)
            if not self.outbox.send(topic, key, value, listing=listing, thing={"line": number, "key": key}):
                tally.broken += 1
                self.watch.broken(file.name, number, InvalidRecord("does not fit the schema"))
                return
        setattr(tally, fate, getattr(tally, fate) + 1)

    def _broken(self, file: DumpFile, number: int, line: bytes, error: Poison, progress: FileProgress) -> None:
        tally = progress.tally
        tally.broken += 1
        self.watch.broken(file.name, number, error)
        letter = type(error)(f"line {number}: {error}", reason=error.reason)
        self.outbox.dead_letter(self._listing(file), letter, key=None, thing=line)
        if tally.broken > FEW_BROKEN and tally.broken > self.max_broken_share * number:
            self._confirm(progress)
            raise DeadLetterRateExceeded(
                f"{file.name}: {tally.broken} of the first {number} lines cannot be read as {self.source.name}: "
                f"is it the right file? First see the latest: {error}"
            )

    def _listing(self, file: DumpFile) -> str:
        return f"backfill/{file.base}"

    def _confirm(self, progress: FileProgress) -> None:
        self.outbox.confirm()
        self.state.save(progress)


def wanted(names: Iterable[str]) -> frozenset[str]:
    """Return communities as they are compared: without `r/`, in lower case."""
    return frozenset(name.strip().removeprefix("/").removeprefix("r/").rstrip("/").lower() for name in names)


def first_and_last(progress: FileProgress) -> tuple[date | None, date | None]:
    """Return the first and last UTC day of which a file holds lines, None for a file without any."""
    days = [day for _, day in progress.spans.days]
    if not days:
        return None, None
    first, last = (datetime.fromtimestamp(day_start(day) / 1_000, UTC).date() for day in (min(days), max(days)))
    return first, last
