"""A post of the loopback Reddit: what it says, what happens to it later, and its JSON at any moment."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from math import exp
from typing import Any, Final, Literal

from cinepulse.world.fields import DELETED, REMOVED

Kind = Literal["t1", "t3"]
State = Literal["live", "deleted", "removed"]
ChangeKind = Literal["edited", "deleted", "removed", "gone"]

# Votes arrive fast at first; after about an hour a post has most of what it will ever get.
SCORE_HALF_AGE_SECONDS: Final = 120.0
SETTLED_SECONDS: Final = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happens to a post: an edit, a deletion by its author, a removal, or its disappearance.

    `at`: seconds on the world's time line. `text` and `films`: an edited post's new body and the films it names.
    `category`: a removed submission's `removed_by_category`.
    """

    at: float
    kind: ChangeKind
    text: str = ""
    films: tuple[int, ...] = ()
    category: str = "moderator"


@dataclass(slots=True, eq=False)
class Post:
    """A submission (t3) or comment (t1).

    `data`: Reddit's own fields as first posted. `at`: seconds on the world's time line at which it appears.
    `films`: the films it names, when the feed knows. `peak_score` and `peak_comments`: what it grows to;
    None leaves `data` as it is. `sequence` is set on release: a later post has a higher one.
    """

    kind: Kind
    data: dict[str, Any]
    at: float
    films: tuple[int, ...] | None = None
    changes: tuple[Change, ...] = ()
    peak_score: int | None = None
    peak_comments: int = 0
    sequence: int = -1
    _rendered: tuple[object, str] = field(default=(None, ""), repr=False)

    @property
    def name(self) -> str:
        """The fullname: kind and base-36 id."""
        return f"{self.kind}_{self.data['id']}"

    @property
    def text(self) -> str:
        """The body or self text as first posted."""
        return str(self.data["body" if self.kind == "t1" else "selftext"])

    @property
    def community(self) -> str:
        """The subreddit's name in lower case, which is how Reddit compares them."""
        return str(self.data["subreddit"]).lower()

    def happened(self, now: float) -> tuple[Change, ...]:
        """Return the changes up to `now`, seconds on the time line."""
        return tuple(change for change in self.changes if change.at <= now) if self.changes else ()

    def ending(self, now: float) -> Change | None:
        """Return the change that took the post away, None while it is live."""
        return next((change for change in self.happened(now) if change.kind != "edited"), None)

    def render(self, now: float) -> str:
        """Return the JSON thing, `{"kind", "data"}`, as Reddit gives it at `now`; cached until something moved."""
        key = (_age_step(now - self.at) if self.peak_score is not None else None, len(self.happened(now)))
        if self._rendered[0] != key:
            thing = {"kind": self.kind, "data": self.visible(now)}
            self._rendered = (key, json.dumps(thing, separators=(",", ":")))
        return self._rendered[1]

    def visible(self, now: float) -> dict[str, Any]:
        """Return Reddit's fields at `now`, blanked where the post is deleted or removed."""
        data = self.truth(now)
        ending = self.ending(now)
        if ending is None:
            return data
        by_author = ending.kind == "deleted"
        data["author"] = DELETED
        data.pop("author_fullname", None)
        data["body" if self.kind == "t1" else "selftext"] = DELETED if by_author else REMOVED
        if self.kind == "t3":
            data["removed_by_category"] = "deleted" if by_author else ending.category
            data["is_robot_indexable"] = False
        return data

    def truth(self, now: float) -> dict[str, Any]:
        """Return the fields with the last text that was visible, whatever happened to the post since."""
        data = dict(self.data)
        for change in self.happened(now):
            if change.kind == "edited":
                data["body" if self.kind == "t1" else "selftext"] = change.text
                data["edited"] = float(int(data["created_utc"] + change.at - self.at))
        if self.peak_score is not None:
            grown = 1 - exp(-max(0.0, now - self.at) / SCORE_HALF_AGE_SECONDS)
            data["score"] = data["ups"] = 1 + round((self.peak_score - 1) * grown)
            if self.kind == "t3":
                data["num_comments"] = round(self.peak_comments * grown)
        return data

    def named(self, now: float) -> tuple[int, ...] | None:
        """Return the films that the last visible text names, None when the feed does not know."""
        edits = [change for change in self.happened(now) if change.kind == "edited"]
        return edits[-1].films if edits and self.films is not None else self.films

    def state(self, now: float) -> State:
        """Return whether the post is live, deleted by its author, or removed (also: gone without a trace)."""
        ending = self.ending(now)
        if ending is not None:
            return "deleted" if ending.kind == "deleted" else "removed"
        # A recorded post may have been taken away before it was recorded.
        category = self.data.get("removed_by_category")
        if category == "deleted" or self.text == DELETED:
            return "deleted"
        return "removed" if category or self.text == REMOVED else "live"


def _age_step(age: float) -> int:
    """Return a number that changes as often as the engagement is worth rendering again."""
    if age < SCORE_HALF_AGE_SECONDS * 5:
        return int(age / 5)
    return 1_000 + int(min(age, SETTLED_SECONDS) / 600)
