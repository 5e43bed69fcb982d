"""Text files that may be compressed, told by their first bytes and not by their name."""

from __future__ import annotations

import gzip
import io
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, TextIO, cast

from cinepulse.errors import ConfigurationInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """Open a UTF-8 text file, plain, gzip or zstd; newlines are left as they are.

    Raises ConfigurationInvalid when the file is damaged or is not text.
    """
    with path.open("rb") as file:
        magic = file.read(len(ZSTD))
        file.seek(0)
        try:
            with io.TextIOWrapper(_decompressed(file, magic), encoding="utf-8-sig", newline="") as text:
                yield text
        except (UnicodeDecodeError, EOFError, gzip.BadGzipFile, OSError) as error:
            raise ConfigurationInvalid(f"{path}: {error}") from error


def _decompressed(file: BinaryIO, magic: bytes) -> BinaryIO:
    if magic.startswith(GZIP):
        return cast("BinaryIO", gzip.GzipFile(fileobj=file))
    if magic == ZSTD:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
        return cast("BinaryIO", zstd.ZstdFile(file))
    return file
