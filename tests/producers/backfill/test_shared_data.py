"""The real posts and lists of the shared data, where they are: every line is understood as the live producers would."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from cinepulse.clock import SystemClock
from producers.backfill.dump_file import DumpFile
from producers.backfill.posts import PostFiles
from producers.backfill.reading import Read
from producers.backfill.snapshots import SnapshotFiles
from producers.reddit.records import read_post

DATA = Path(__file__).parents[4] / "shared" / "data"
POSTS = DATA / "reddit_posts_dev.jsonl.gz"
LISTS = DATA / "tmdb_daily_2026-01-21_2026-02-21.csv.gz"


def here(path: Path) -> Path:
    """Return the file, or skip the test."""
    if not path.is_file():
        pytest.skip(f"the shared data are not there: {path.name}")
    return path


def test_real_posts_are_those_of_the_live_poller() -> None:
    """16,120 posts: field by field what a listing of them gives, apart from origin and time of observation."""
    reader = PostFiles(SystemClock()).reader("posts")
    with DumpFile(here(POSTS)) as file:
        read = [reader.read(line or b"") for _, line in file.lines()]
    with gzip.open(POSTS) as lines:
        live = [read_post({"kind": "t3", "data": json.loads(line)}, SystemClock().now_ms()) for line in lines]

    sent = [found.sending[2] for found in read if isinstance(found, Read) and found.sending is not None]
    assert len(sent) == len(live) == 16_120
    assert [replace(post, origin="live", observed_at=0) for post in sent] == [
        replace(post, observed_at=0) for post in live if not isinstance(post, Exception)
    ]


def test_real_lists_are_understood() -> None:
    """32 days of lists: 8,320 rows, of which 56 are a film's second place in a list."""
    reader = SnapshotFiles(SystemClock(), set).reader("lists")
    with DumpFile(here(LISTS)) as file:
        read = [reader.read(line or b"") for _, line in file.lines()]

    assert Counter(found.fate for found in read if isinstance(found, Read)) == {"sent": 8_264, "repeated": 56}
    assert [found for found in read if not isinstance(found, Read)] == [None]
