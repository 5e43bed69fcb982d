"""Writes one generated post: who says what about which film, and where."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from cinepulse.world import phrases
from cinepulse.world.fates import changes_of
from cinepulse.world.fields import comment_data, submission_data
from cinepulse.world.naming import named
from cinepulse.world.odds import Odds
from cinepulse.world.post import Post

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping, Sequence

    from cinepulse.world.catalog import Film
    from cinepulse.world.story import Cast, Topic

COMMENT_SHARE: Final = 0.7
REPLY_TO_COMMENT_SHARE: Final = 0.4
THREADS_REMEMBERED: Final = 60
SPOILER_SHARE: Final = 0.03
HIDDEN_SCORE_SHARE: Final = 0.1
SUBMISSION_EXTRAS: Final[Odds[Literal["nothing", "film", "list"]]] = Odds({"nothing": 0.82, "film": 0.12, "list": 0.06})
"""What a submission's text names besides the film of its title."""
SUBMISSION_LINKS: Final[Odds[Literal["self", "image", "crosspost"]]] = Odds(
    {"self": 0.73, "image": 0.20, "crosspost": 0.07}
)
"""What a submission without text is."""
REPLIES: Final[Odds[Literal["quote", "no_film", "two_films", "film"]]] = Odds(
    {"quote": 0.12, "no_film": 0.33, "two_films": 0.10, "film": 0.45}
)
"""How a comment answers; most comments on Reddit never repeat the title."""
STORY_TITLES: Final = {
    "burst": phrases.BURST_TITLES,
    "sleeper": phrases.SLEEPER_TITLES,
    "fading": phrases.FADING_TITLES,
}
HIGHEST_SCORE: Final = 60_000
SCORE_TAIL: Final = 0.9


@dataclass(slots=True)
class Thread:
    """A submission that people reply to, and its comments."""

    post: Post
    topic: Topic
    film: Film | None
    comments: list[Post] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Words:
    """A text and the films it names; `title_films` are those of its title."""

    text: str
    films: frozenset[int] = frozenset()
    title: str = ""
    title_films: frozenset[int] = frozenset()


class Writer:
    """Writes the posts of one act, one after the other; replies go to the threads it wrote before.

    Args:
        cast: who plays.
        communities: where film talk happens, busiest first.
        stamp: turns seconds on the time line into seconds since 1970.
        post_id: returns the id of the act's n-th post.
    """

    def __init__(
        self,
        cast: Cast,
        communities: Sequence[str],
        stamp: Callable[[float], float],
        post_id: Callable[[int], str],
    ) -> None:
        self._cast = cast
        self._communities = communities
        self._stamp = stamp
        self._post_id = post_id
        self._place = 0
        self._threads: list[Thread] = []

    def write(self, draw: random.Random, at: float, weights: Mapping[Topic, float], *, changes: bool) -> Post:
        """Write the post at `at` seconds on the time line about a topic drawn by weight.

        `changes`: whether anything may happen to it later.
        """
        topic = draw.choices(list(weights), list(weights.values()))[0]
        reply = self._threads and draw.random() < COMMENT_SHARE
        post, title_films = self._comment(draw, at, topic) if reply else self._submission(draw, at, topic)
        if changes:
            post.changes = changes_of(draw, post, title_films, self._steady(draw))
        self._place += 1
        return post

    # --- submissions

    def _submission(self, draw: random.Random, at: float, topic: Topic) -> tuple[Post, frozenset[int]]:
        film = self._film(draw, topic)
        community, words = self._community(draw), self._opening(draw, topic, film)
        if topic == "off_topic":
            community, title = draw.choice(phrases.OFF_TOPIC)
            words = Words(draw.choice(phrases.OFF_TOPIC_BODIES), title=title)
        data = submission_data(
            {
                "id": self._post_id(self._place),
                "subreddit": community,
                "author": _author(draw),
                "created_utc": int(self._stamp(at)),
                "title": words.title,
                "selftext": words.text,
                "link_flair_text": draw.choice(phrases.FLAIRS),
                "upvote_ratio": round(draw.uniform(0.55, 0.99), 2),
                "spoiler": draw.random() < SPOILER_SHARE,
                **({} if words.text or topic == "off_topic" else self._link(draw, topic)),
            }
        )
        peak = _peak(draw)
        post = Post("t3", data, at, tuple(sorted(words.films)), peak_score=peak, peak_comments=peak // 4)
        self._threads = [*self._threads[-THREADS_REMEMBERED + 1 :], Thread(post, topic, film)]
        return post, words.title_films

    def _link(self, draw: random.Random, topic: Topic) -> dict[str, str]:
        """Return what makes a submission without text a link or a crosspost."""
        if topic == "burst":
            return {"url": f"https://www.youtube.com/watch?v={draw.getrandbits(44):011x}"}
        match SUBMISSION_LINKS.draw(draw):
            case "image":
                return {"url": f"https://i.redd.it/{draw.getrandbits(52):013x}.jpg"}
            case "crosspost" if self._threads:
                return {"crosspost_parent": draw.choice(self._threads).post.name}
            case _:
                return {}

    def _opening(self, draw: random.Random, topic: Topic, film: Film | None) -> Words:
        if film is None:
            decoy = topic == "decoy"
            title = draw.choice(phrases.DECOY_TITLES if decoy else phrases.CHATTER_TITLES)
            return Words(draw.choice(phrases.DECOY_BODIES if decoy else phrases.CHATTER_BODIES), title=title)
        if topic == "several":
            other = self._other(draw, film)
            both = frozenset({film.tmdb_id, other.tmdb_id})
            title = draw.choice(phrases.SEVERAL_TITLES).format(film=named(draw, film), other=named(draw, other))
            return Words("", both, title, both)
        title = draw.choice(STORY_TITLES.get(topic, phrases.SUBMISSION_TITLES)).format(film=named(draw, film))
        extra = self._extra(draw, film)
        mine = frozenset({film.tmdb_id})
        return Words(extra.text, mine | extra.films, title, mine)

    def _extra(self, draw: random.Random, film: Film) -> Words:
        """Return a submission's text."""
        first, second = self._other(draw, film), self._other(draw, film)
        match SUBMISSION_EXTRAS.draw(draw):
            case "film":
                text = draw.choice(phrases.BODIES_WITH_FILM).format(film=named(draw, first))
                return Words(text, frozenset({first.tmdb_id}))
            case "list":
                text = draw.choice(phrases.LIST_BODIES).format(film=named(draw, first), other=named(draw, second))
                return Words(text, frozenset({first.tmdb_id, second.tmdb_id}))
            case _:
                return Words(draw.choice(phrases.SUBMISSION_BODIES))

    # --- comments

    def _comment(self, draw: random.Random, at: float, topic: Topic) -> tuple[Post, frozenset[int]]:
        thread = self._thread(draw, topic)
        deeper = thread.comments and draw.random() < REPLY_TO_COMMENT_SHARE
        parent = draw.choice(thread.comments) if deeper else thread.post
        words = self._reply(draw, topic, thread, parent)
        submission, post_id = thread.post.data, self._post_id(self._place)
        data = comment_data(
            {
                "id": post_id,
                "subreddit": submission["subreddit"],
                "author": _author(draw),
                "created_utc": int(self._stamp(at)),
                "body": words.text,
                "link_id": thread.post.name,
                "parent_id": parent.name,
                "link_title": submission["title"],
                "link_author": submission["author"],
                "permalink": f"{submission['permalink']}{post_id}/",
                "score_hidden": draw.random() < HIDDEN_SCORE_SHARE,
            }
        )
        post = Post("t1", data, at, tuple(sorted(words.films)), peak_score=_peak(draw))
        thread.comments.append(post)
        return post, frozenset()

    def _thread(self, draw: random.Random, topic: Topic) -> Thread:
        """Return a thread to reply to: one on the topic if there is one, young ones first."""
        fitting = [thread for thread in self._threads if thread.topic == topic] or self._threads
        return fitting[-1 - int(len(fitting) * draw.random() ** 2)]

    def _reply(self, draw: random.Random, topic: Topic, thread: Thread, parent: Post) -> Words:
        if thread.topic == "off_topic":
            return Words(draw.choice(phrases.OFF_TOPIC_COMMENTS))
        film = self._film(draw, topic)
        if film is None:
            return Words(draw.choice(phrases.DECOY_COMMENTS if topic == "decoy" else phrases.COMMENTS_WITHOUT_FILM))
        match REPLIES.draw(draw):
            case "quote" if parent.kind == "t1" and "\n" not in parent.text:
                text = f"> {parent.text}\n\n{draw.choice(phrases.QUOTED_REPLIES)}"
                return Words(text, frozenset(parent.films or ()))
            case "no_film":
                return Words(draw.choice(phrases.COMMENTS_WITHOUT_FILM))
            case "two_films":
                other = self._other(draw, film)
                text = draw.choice(phrases.COMMENTS_WITH_TWO).format(film=named(draw, film), other=named(draw, other))
                return Words(text, frozenset({film.tmdb_id, other.tmdb_id}))
            case _:
                pool = phrases.BURST_COMMENTS if topic == "burst" else phrases.COMMENTS_WITH_FILM
                return Words(draw.choice(pool).format(film=named(draw, film)), frozenset({film.tmdb_id}))

    # --- drawing

    def _film(self, draw: random.Random, topic: Topic) -> Film | None:
        """Return the film of a topic, None for talk about something else."""
        cast = self._cast
        match topic:
            case "burst" | "sleeper" | "fading":
                film: Film = getattr(cast, topic)
                return film
            case "steady" | "several":
                return self._steady(draw)
            case "ambiguous":
                return draw.choice(cast.ambiguous)
            case "long_tail":
                return self._any(draw)
            case _:
                return None

    def _steady(self, draw: random.Random) -> Film:
        return draw.choices(self._cast.steady, cum_weights=self._cast.steady_weights)[0]

    def _any(self, draw: random.Random) -> Film:
        return draw.choices(self._cast.everything, cum_weights=self._cast.everything_weights)[0]

    def _other(self, draw: random.Random, film: Film) -> Film:
        """Return another film, whose name is not part of this one's nor the other way round."""
        while True:
            other = self._any(draw)
            if other.title not in film.title and film.title not in other.title:
                return other

    def _community(self, draw: random.Random) -> str:
        """Return a film community; the first is the busiest."""
        return self._communities[int(len(self._communities) * draw.random() ** 2)]


def _peak(draw: random.Random) -> int:
    """Return the score that a post grows to: most stay small, a few get thousands."""
    return min(HIGHEST_SCORE, int(draw.paretovariate(SCORE_TAIL)))


def _author(draw: random.Random) -> str:
    return f"{draw.choice(phrases.FIRST_NAMES)}_{draw.choice(phrases.LAST_NAMES)}_{draw.randrange(100)}"
