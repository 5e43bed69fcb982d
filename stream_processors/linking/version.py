"""The version that rides on every mention: what, besides message and catalogue, decides what it says."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from importlib.resources import files
from typing import Final

PACKAGES: Final = ("stream_processors.linking", "stream_processors.sentiment")


def _linker_version() -> str:
    """Return a hash of the code and data files of linking and sentiment, and of the version of VADER's lexicon."""
    digest = hashlib.blake2b(version("vaderSentiment").encode(), digest_size=6)
    for package in PACKAGES:
        for folder in (files(package), files(package).joinpath("data")):
            for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
                if file.is_file() and not file.name.endswith((".pyc", ".md")):
                    digest.update(file.name.encode() + file.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


LINKER_VERSION: Final = _linker_version()
