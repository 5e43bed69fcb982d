"""The generated posts: the same for a seed, true to their own truth, and with the story in them."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from cinepulse.errors import ConfigurationInvalid
from cinepulse.settings import Settings
from cinepulse.world.catalog import load_films
from cinepulse.world.fates import UNTIL_SECONDS
from cinepulse.world.generator import BACKLOG_POSTS, Generator
from cinepulse.world.server import WorldOptions, build
from cinepulse.world.story import (
    ACT_SECONDS,
    AMBIGUOUS_TITLES,
    BACKLOG,
    BACKLOG_SECONDS,
    FEWEST_FILMS,
    act_at,
    cast_of,
    unambiguous,
    weights_at,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cinepulse.world.post import Post

FILMS = load_films()
STARTED = 1_800_000_000.0
FOREVER = 1 << 40


def generator(
    seed: int = 7,
    *,
    rate: float = 10,
    run: int = 0,
    started: float = STARTED,
    stamp: Callable[[float], float] | None = None,
) -> Generator:
    """Return a generator whose world started at a wall time, or with a time line of its own."""
    return Generator(
        seed,
        tuple(FILMS.by_id.values()),
        Settings().subreddits,
        rate=rate,
        run=run,
        stamp=stamp or (lambda at: started + at),
    )


def told(feed: Generator, seconds: float) -> list[Post]:
    """Return the backlog and the posts of the first seconds."""
    return [*feed.backlog(), *feed.due(seconds, FOREVER)]


def content(posts: list[Post]) -> list[str]:
    """Return what posts say and what becomes of them, without wall times."""
    return [
        json.dumps({name: value for name, value in post.data.items() if not name.startswith("created")})
        + repr((post.kind, post.at, post.films, post.changes))
        for post in posts
    ]


@pytest.fixture(scope="module")
def two_acts() -> list[Post]:
    """The backlog and two acts of seed 7."""
    return told(generator(), 2 * ACT_SECONDS)


def test_the_same_seed_tells_the_same_story() -> None:
    """Content and order depend on the seed alone: not on the wall time, nor on how often somebody looks."""
    once = told(generator(), 90)
    feed = generator(started=1_500_000_000.25)
    again = list(feed.backlog())
    for tenth in range(901):
        again += feed.due(tenth / 10, 3 if tenth % 2 else FOREVER)

    assert content(again) == content(once)
    assert {
        round(late.data["created_utc"] - early.data["created_utc"]) for late, early in zip(once, again, strict=True)
    } <= {
        300_000_000,
        299_999_999,
    }


def test_other_seeds_and_runs_differ() -> None:
    """Another seed tells another story; another run of a seed tells the same under other ids."""
    mine, other, run = told(generator(7), 30), told(generator(8), 30), told(generator(7, run=1), 30)

    assert content(mine) != content(other)
    assert [post.text for post in mine] == [post.text for post in run]
    assert not {post.name for post in mine} & ({post.name for post in run} | {post.name for post in other})


def test_ids_are_unique_short_and_lead_back() -> None:
    """Each fullname is one post's, fits 62 bits, and the post can be told again from it alone."""
    feed = generator(rate=2)
    posts = told(feed, 1.5 * ACT_SECONDS)
    names = [post.name for post in posts]
    sample = posts[:: len(posts) // 50]

    assert len(set(names)) == len(names)
    assert max(int(name[3:], 36) for name in names) < 1 << 62
    assert content([found for post in sample if (found := feed.find(post.name))]) == content(sample)
    assert content(list(feed.yielded())) == content(posts)
    assert [feed.find(name) for name in ("t3_zzz", "t3_!", "t3_" + "z" * 40)] == [None, None, None]


def test_the_future_is_not_found() -> None:
    """A post of an act that has not begun cannot be asked for."""
    later = told(generator(rate=1), ACT_SECONDS + 5)[-1]
    feed = generator(rate=1)
    told(feed, 5)

    assert feed.find(later.name) is None


def test_the_backlog_covers_two_days_and_never_changes(two_acts: list[Post]) -> None:
    """Some 900 posts lie behind the start, over both days, and nothing happens to any of them."""
    backlog = [post for post in two_acts if post.at < 0]

    assert len(backlog) == BACKLOG_POSTS
    assert min(post.at for post in backlog) > -BACKLOG_SECONDS
    assert sum(post.at < -86_400 for post in backlog) > BACKLOG_POSTS / 3
    assert not any(post.changes for post in backlog)


def test_changes_come_within_the_quickest_recheck(two_acts: list[Post]) -> None:
    """Edits, deletions and removals happen, each soon after its post, and end with at most one ending."""
    changes = [(post, change) for post in two_acts for change in post.changes]
    kinds = Counter(change.kind for _, change in changes)

    assert all(0 < change.at - post.at <= UNTIL_SECONDS for post, change in changes)
    assert min(kinds[kind] for kind in ("edited", "deleted", "removed", "gone")) > 20
    assert any(set(change.films) - set(post.films or ()) for post, change in changes if change.kind == "edited")


def test_every_named_film_is_in_the_text(two_acts: list[Post]) -> None:
    """The truth is true: each film of a post is written there by a title or alias; ambiguous ones with a cue."""
    for post in two_acts:
        text = f"{post.data.get('title', '')}\n{post.text}".lower()
        for tmdb_id in post.films or ():
            film = FILMS.by_id[tmdb_id]
            assert any(name.lower() in text for name in (film.title, *film.aliases)), (film.title, text)
            if film.title in AMBIGUOUS_TITLES:
                title = film.title.lower()
                cues = (
                    f"{title} ({film.year})",
                    f"*{title}*",
                    f'"{title}"',
                    f"movie {title}",
                    f"film {title}",
                    f"'s {title}",
                )
                assert any(cue in text for cue in cues), text


def test_talk_without_a_film_names_none(two_acts: list[Post]) -> None:
    """No plain title stands in a post whose truth is empty, so whatever is found there is a mistake."""
    plain = [film.title for film in FILMS.by_id.values() if film.title not in AMBIGUOUS_TITLES]
    texts = {f"{post.data.get('title', '')}\n{post.text}" for post in two_acts if not post.films}

    assert [(title, text) for title in plain for text in texts if title in text] == []


def test_the_story_is_told(two_acts: list[Post]) -> None:
    """The trailer bursts and fades, the sleeper grows, the last hit dies down, the crowd stays."""
    cast = cast_of(7, 1, tuple(FILMS.by_id.values()))
    minutes: dict[int, Counter[int]] = {}
    for post in two_acts:
        if 0 <= post.at < ACT_SECONDS:
            minutes.setdefault(int(post.at // 60), Counter()).update(post.films or ())
    burst, sleeper, fading = (
        [minutes[minute][film.tmdb_id] for minute in range(10)] for film in (cast.burst, cast.sleeper, cast.fading)
    )
    steady = [sum(minutes[minute][film.tmdb_id] for film in cast.steady) for minute in range(10)]

    assert max(burst[:2]) > 5 * max(burst[9], 1)
    assert sum(sleeper[6:]) > 2 * sum(sleeper[:4])
    assert sum(fading[:4]) > 2 * sum(fading[6:])
    assert min(steady) > 0.3 * max(steady)


def test_replies_belong_to_their_threads(two_acts: list[Post]) -> None:
    """A comment's thread and parent exist before it, in the same community, and it carries the thread's title."""
    before: dict[str, Post] = {}
    for post in two_acts:
        if post.kind == "t1":
            thread = before[post.data["link_id"]]
            assert post.data["parent_id"] in before
            assert post.data["subreddit"] == thread.data["subreddit"]
            assert post.data["link_title"] == thread.data["title"]
        before[post.name] = post


def test_the_pace_is_the_rate(two_acts: list[Post]) -> None:
    """Ten a second are asked for; the story makes it five to twenty."""
    seconds = Counter(int(post.at // 30) for post in two_acts if post.at >= 0)

    assert all(5 * 30 <= count <= 20 * 30 for count in seconds.values())


def test_acts_follow_each_other() -> None:
    """The time line is the backlog, then acts of ten minutes whose weights are never negative."""
    assert act_at(-BACKLOG_SECONDS * 3) == (BACKLOG, 0)
    assert act_at(0) == (1, 0)
    assert act_at(ACT_SECONDS * 1.5) == (2, 0.5)
    assert all(weight >= 0 for share in (0, 0.05, 0.5, 1) for weight in weights_at(share, 1).values())


def test_too_few_films_are_refused() -> None:
    """A story cannot be cast from a handful of films."""
    with pytest.raises(ValueError, match=str(FEWEST_FILMS)):
        cast_of(1, 1, unambiguous(list(FILMS.by_id.values()))[: FEWEST_FILMS - 1])
    assert cast_of(1, 1, unambiguous(list(FILMS.by_id.values()))[:FEWEST_FILMS]).ambiguous


def test_a_catalogue_without_the_storys_films_is_refused(tmp_path: Path) -> None:
    """The message says which option is wrong."""
    path = tmp_path / "films.csv"
    path.write_text("tmdb_id,title\n1,Only One\n")

    with pytest.raises(ConfigurationInvalid, match="--catalog"):
        build(WorldOptions(catalog=path), Settings())
