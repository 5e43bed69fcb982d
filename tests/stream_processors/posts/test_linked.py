from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from cinepulse.authors import author_sketch
from schemas.events import Mention, RedditPost
from stream_processors.posts import LinkedPost, mentions_of, next_step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.events import MentionLocation, PostState

POST = RedditPost(
    fullname="t3_abc",
    kind="submission",
    subreddit="movies",
    title="Dune",
    body="",
    created_at=1_000,
    observed_at=2_000,
    score=1,
    state="live",
)


@dataclass(frozen=True)
class Found:
    """What the linker finds."""

    tmdb_id: int
    confidence: float = 0.9
    location: MentionLocation = "body"
    method: str = "rules"


def link(post: RedditPost) -> Mapping[int, Mention]:
    """Return a mention for each number in the post's title."""
    return mentions_of(post, [Found(int(word)) for word in (post.title or "").split() if word.isdigit()], "v1")


def seen(title: str, at: int, *, score: int = 1, state: PostState = "live") -> RedditPost:
    """Return an observation of the post."""
    return replace(POST, title=title, observed_at=at, score=score, state=state)


def sends(known: LinkedPost | None, post: RedditPost) -> tuple[LinkedPost | None, dict[int, bool]]:
    """Return the post as known afterwards, and for each film sent whether it is mentioned."""
    step = next_step(known, post, link)
    if step is None:
        return known, {}
    return step.post, {film: mention is not None for film, mention in step.sends}


def test_a_film_named_three_times_is_one_mention_by_its_surest_place() -> None:
    """Of equally sure places the title comes first."""
    found = [Found(7, 0.8, "title"), Found(7, 0.9, "body"), Found(7, 0.9, "title"), Found(8)]

    mentions = mentions_of(POST, found, "v1")

    assert set(mentions) == {7, 8}
    assert (mentions[7].confidence, mentions[7].location) == (0.9, "title")


def test_an_author_becomes_an_observation_that_goes_with_the_account() -> None:
    """A mention has the author's observation of its film alone; once the account is gone, the mention is sent again."""
    known, _ = sends(None, replace(seen("1 2", 10), author="spez"))
    mentions = link(replace(seen("1 2", 10), author="spez"))

    step = next_step(known, seen("1 2", 20), link)

    assert {film: mention.author_sketch for film, mention in mentions.items()} == {
        film: author_sketch(film, "spez") for film in (1, 2)
    }
    assert step is not None
    assert [mention and mention.author_sketch for _, mention in step.sends] == [None, None]
    assert [film for film, _ in step.sends] == [1, 2]


def test_a_post_without_films_leaves_no_trace() -> None:
    """Most posts name no film; they take no memory."""
    assert next_step(None, seen("hello", 1), link) is None


def test_an_edit_moves_the_mentions() -> None:
    """Films that vanished are retracted, before the new ones are mentioned."""
    known, _ = sends(None, seen("1 2", 10))

    step = next_step(known, seen("2 3", 20), link)

    assert step is not None
    assert [(film, mention is not None) for film, mention in step.sends] == [(1, False), (3, True)]


def test_a_deletion_retracts_every_film() -> None:
    """What a user deletes is taken back, and a later look at the deleted post says nothing new."""
    known, _ = sends(None, seen("1 2", 10))
    known, deleted = sends(known, seen("", 20, state="deleted"))

    _, again = sends(known, seen("", 30, state="removed"))

    assert deleted == {1: False, 2: False}
    assert again == {}


def test_a_deleted_post_is_not_linked() -> None:
    """A deleted post's text, should it come, is not read."""

    def refuse(_: RedditPost) -> Mapping[int, Mention]:
        raise AssertionError

    assert next_step(None, seen("1", 10, state="deleted"), refuse) is None


def test_an_unchanged_post_sends_nothing_and_a_new_score_does() -> None:
    """Re-checks send a mention again only when something about it is new."""
    known, _ = sends(None, seen("1", 10))
    known, unchanged = sends(known, seen("1", 20))

    _, scored = sends(known, seen("1", 30, score=99))

    assert unchanged == {}
    assert scored == {1: True}


def test_an_observation_older_than_the_known_one_says_nothing() -> None:
    """Out of order, the later look at the post wins."""
    known, _ = sends(None, seen("1", 20))

    assert next_step(known, seen("2", 19), link) is None


def test_the_same_observation_again_sends_everything_again() -> None:
    """After a crash between state and mentions, mentions and retractions are all sent once more."""
    known, _ = sends(None, seen("1 2", 10))
    known, _ = sends(known, seen("2", 20))

    _, again = sends(known, seen("2", 20))

    assert again == {1: False, 2: True}


def test_a_mention_keeps_the_day_of_the_first_observation() -> None:
    """The event time never changes, so that a retraction meets the mention it takes back."""
    known, _ = sends(None, seen("1", 10))

    step = next_step(known, replace(seen("", 20, state="deleted"), created_at=77), link)

    assert step is not None
    assert step.post.created_at == 1_000


observations = st.builds(
    lambda films, state: (" ".join(map(str, films)), state),
    st.lists(st.integers(1, 4), max_size=3, unique=True),
    st.sampled_from(["live", "live", "deleted"]),
)


@given(st.lists(observations, min_size=1, max_size=8), st.data())
def test_a_crash_leaves_exactly_the_films_of_the_last_observation(
    looks: list[tuple[str, PostState]], data: st.DataObject
) -> None:
    """State is kept before mentions are sent; after a crash in between, redelivery makes up for what was not sent."""
    history = [seen(title, at, state=state) for at, (title, state) in enumerate(looks, 1)]
    committed = data.draw(st.integers(0, len(history)))
    kept = data.draw(st.integers(committed, len(history)))
    mentioned: dict[int, bool] = {}
    known: LinkedPost | None = None
    for post in history[:committed]:
        known, sent = sends(known, post)
        mentioned |= sent
    for post in history[committed:kept]:
        known, _ = sends(known, post)

    for post in history[committed:]:
        known, sent = sends(known, post)
        mentioned |= sent

    last = history[-1]
    expected = set() if last.state == "deleted" else set(link(last))
    assert {film for film, there in mentioned.items() if there} == expected
