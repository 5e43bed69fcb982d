"""A dump through the real workers: it counts as what was polled does, late days included, and once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cinepulse.clock import MILLISECONDS_PER_DAY as DAY
from cinepulse.clock import day_of
from schemas.topics import MOVIE_MENTIONS, REDDIT_POSTS
from stream_processors.workers import COUNT_APP, LINK_APP
from tests.producers.backfill.test_run import backfill, ended
from tests.stream_processors.running import CODEC, Workers, lag, read_all, read_counts, told_counts
from tests.stream_processors.test_workers import BUDAPEST, MAD_MAX, Reddit, workers
from tests.stream_processors.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from schemas.events import Mention

__all__ = ["workers"]

pytestmark = pytest.mark.real

POSTS = 600
OLD_DAYS = 30


def settled(bootstrap: str) -> bool:
    """Return whether everything sent is linked and counted."""
    return lag(bootstrap, LINK_APP, REDDIT_POSTS.name) == 0 and lag(bootstrap, COUNT_APP, MOVIE_MENTIONS.name) == 0


def test_a_dump_counts_on_days_that_are_final_and_twice_is_once(workers: Workers, tmp_path: Path) -> None:
    """600 posts of a month ago beside live ones: exact counts, a higher revision, and the same after a second run.

    A post that was also seen live, later and with another film, keeps what was seen later. One that was deleted since
    is left out. Mentions say where they come from.
    """
    reddit = Reddit(workers, tmp_path)
    old = reddit.now // DAY * DAY - OLD_DAYS * DAY + 3_600_000
    day = day_of(old)
    reddit.film(1, BUDAPEST)
    reddit.film(2, MAD_MAX)
    reddit.open_gate()
    linker, counter = workers.ready("link"), workers.ready("count")
    reddit.post("known", MAD_MAX, created_at=old, observed_at=old + 600_000)
    for number in range(20):
        # Enough for each partition to have moved on to today, so that the old day is over there.
        reddit.post(f"today{number}", f"{BUDAPEST} and {MAD_MAX}")
    today = day_of(reddit.now - 60_000)
    counts = {(1, today): 20, (2, today): 20, (2, day): 1}
    wait_until(lambda: settled(workers.bootstrap) and told_counts(workers.bootstrap) == counts, "live posts counted")
    live = read_counts(workers.bootstrap)[2, day]
    dump: list[dict[str, object]] = [
        {"id": f"old{number:x}z", "title": BUDAPEST if number % 2 else f"{BUDAPEST} and {MAD_MAX}"}
        for number in range(POSTS)
    ]
    dump.append({"id": "known", "title": BUDAPEST})
    dump.append({"id": "gone", "title": MAD_MAX, "_meta": {"was_deleted_later": True}})
    path = tmp_path / "RS.jsonl"
    usual: dict[str, object] = {"subreddit": "movies", "created_utc": old // 1_000, "retrieved_on": old // 1_000 + 300}
    path.write_text("".join(json.dumps(usual | record) + "\n" for record in dump))

    first = ended(backfill(workers.bootstrap, tmp_path / "data", "reddit", str(path)))
    expected = {(1, day): POSTS, (2, day): POSTS // 2 + 1}
    wait_until(lambda: settled(workers.bootstrap), "dump counted")
    once = {key: count for key, count in read_counts(workers.bootstrap).items() if key[1] == day}
    again = ended(backfill(workers.bootstrap, tmp_path / "data", "reddit", str(path), "--again"))
    wait_until(lambda: settled(workers.bootstrap), "dump counted again")
    twice = {key: count for key, count in read_counts(workers.bootstrap).items() if key[1] == day}

    assert [(code, rows[0]["sent"], rows[0]["gone"]) for code, rows, _ in (first, again)] == [(0, POSTS + 1, 1)] * 2
    assert {key: count.mentions for key, count in once.items()} == expected
    assert {key: count.mentions for key, count in twice.items()} == expected
    assert once[2, day].state == "final"
    assert once[2, day].revision > live.revision
    assert origins(workers.bootstrap, old) == {
        "live": {"t3_known"},
        "backfill": {f"t3_old{n:x}z" for n in range(POSTS)},
    }
    assert [linker.stop(), counter.stop()] == [0, 0]


def origins(bootstrap: str, created_at: int) -> dict[str, set[str]]:
    """Return the posts of an instant that mention a film, by where they come from."""
    found: dict[str, set[str]] = {}
    for _, key, value in read_all(bootstrap, MOVIE_MENTIONS.name):
        place = CODEC.decode(MOVIE_MENTIONS.key_subject, key or b"")
        if place.created_at == created_at and value is not None:
            mention: Mention = CODEC.decode(MOVIE_MENTIONS.value_subject, value)
            found.setdefault(mention.origin, set()).add(place.post_id)
    return found
