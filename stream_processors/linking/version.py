"""The version that rides on every mention: what, besides message and catalogue, decides what is linked."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import Final


def _linker_version() -> str:
    """Return a hash of this package's code and data files."""
    digest = hashlib.blake2b(digest_size=6)
    package = files("stream_processors.linking")
    for folder in (package, package.joinpath("data")):
        for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
            if file.is_file() and not file.name.endswith((".pyc", ".md")):
                digest.update(file.name.encode() + file.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


LINKER_VERSION: Final = _linker_version()
