"""A file from outside, read line by line in bounded memory: plain, gzip or zstd, told by its first bytes.

Windows of up to 2 GiB are read (`zstd --long=31`), as Reddit's public dumps have them:
https://github.com/ArthurHeitmann/arctic_shift
"""

from __future__ import annotations

import gzip
import os
import stat
import sys
import zlib
from hashlib import blake2b
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from cinepulse.errors import ConfigurationInvalid, DumpDamaged

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import Self

GZIP: Final = b"\x1f\x8b"
ZSTD: Final = b"\x28\xb5\x2f\xfd"
# An archive names files of its own, which might lie anywhere; nothing here unpacks one.
ARCHIVES: Final = {b"PK\x03\x04": "zip", b"7z\xbc\xaf": "7z", b"Rar!": "rar", b"\xfd7zX": "xz", b"BZh": "bzip2"}
WINDOW_LOG: Final = 31

# The longest posts with all that Reddit sends beside them take a few hundred kilobytes.
MAX_LINE_BYTES: Final = 4 * 1024 * 1024
CHUNK_BYTES: Final = 64 * 1024

# JSON lines shrink to a tenth, at most to a thirtieth. A file that swells more than this is made to fill a machine.
MAX_SWELL: Final = 250
FREE_BYTES: Final = 256 * 1024 * 1024

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class DumpFile:
    """One regular file, open for reading.

    Args:
        path: the file; `name` and `base` are its path and last part, fit to be printed. A symbolic link is refused:
            whoever may put links into a folder of dumps must not choose what this process reads.

    Raises:
        ConfigurationInvalid: there is no such file, it is no regular file, or it is an archive.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = shown(path)
        self.base = shown(path.name)
        self._file = _opened(path)
        self.size = os.fstat(self._file.fileno()).st_size
        magic = self._file.read(4)
        self._file.seek(0)
        for start, kind in ARCHIVES.items():
            if magic.startswith(start):
                self._file.close()
                raise ConfigurationInvalid(f"{self.name}: a {kind} file: unpack it and give what is in it")
        self._stream = _decompressed(self._file, magic)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def position(self) -> int:
        """How many bytes of the file were read, of `size`."""
        return self._file.tell()

    def fingerprint(self) -> str:
        """Return what tells the file from others wherever it lies: a digest of its size, beginning and end."""
        here = self._file.tell()
        digest = blake2b(str(self.size).encode(), digest_size=16)
        for start in (0, max(0, self.size - CHUNK_BYTES)):
            self._file.seek(start)
            digest.update(self._file.read(CHUNK_BYTES))
        self._file.seek(here)
        return digest.hexdigest()

    def lines(self) -> Iterator[tuple[int, bytes | None]]:
        """Yield each line's number, from 1, and the line; None for one longer than MAX_LINE_BYTES.

        Raises DumpDamaged when the file is cut off, damaged, or swells beyond measure.
        """
        number = swollen = 0
        while True:
            line = self._readline(MAX_LINE_BYTES + 1, number)
            if not line:
                return
            swollen += len(line)
            whole = len(line) <= MAX_LINE_BYTES
            rest = line
            while not whole and rest and not rest.endswith(b"\n"):
                rest = self._readline(CHUNK_BYTES, number)
                swollen += len(rest)
                self._check_swell(swollen, number)
            number += 1
            self._check_swell(swollen, number)
            yield number, (line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line) if whole else None

    def _readline(self, limit: int, number: int) -> bytes:
        try:
            return self._stream.readline(limit)
        except (EOFError, OSError, zlib.error, zstd.ZstdError) as error:
            raise DumpDamaged(f"{self.name}: damaged or cut off behind line {number}: {error}") from None

    def _check_swell(self, swollen: int, number: int) -> None:
        if swollen > FREE_BYTES and swollen > MAX_SWELL * self.position:
            raise DumpDamaged(
                f"{self.name}: swells to more than {MAX_SWELL} times its size behind line {number}: not read on"
            )


def shown(path: Path | str) -> str:
    """Return a path as it may be printed and logged: without control characters and lone surrogates."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in str(path))


def _opened(path: Path) -> BinaryIO:
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for its writer.
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        if path.is_symlink():
            raise ConfigurationInvalid(f"{shown(path)}: a symbolic link: give the file itself") from None
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigurationInvalid(f"{shown(path)}: {reason}") from None
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise ConfigurationInvalid(f"{shown(path)}: not a regular file")
    return os.fdopen(number, "rb")


def _decompressed(file: BinaryIO, magic: bytes) -> BinaryIO:
    if magic.startswith(GZIP):
        return cast("BinaryIO", gzip.GzipFile(fileobj=file))
    if magic == ZSTD:
        options = {int(zstd.DecompressionParameter.window_log_max): WINDOW_LOG}
        return cast("BinaryIO", zstd.ZstdFile(file, options=options))
    return file
