"""The full sets of fields that Reddit gives of a submission and of a comment.

Names and types as read by praw 8 and listed at https://www.reddit.com/dev/api; `created_utc` in seconds since 1970.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Mapping

DELETED: Final = "[deleted]"
REMOVED: Final = "[removed]"


def submission_data(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a submission's full set of fields: `given`, the rest as Reddit fills it in.

    `given` needs `id`, `subreddit` and `created_utc`.
    """
    community, post_id = given["subreddit"], given["id"]
    permalink = given.get("permalink") or f"/r/{community}/comments/{post_id}/{_slug(given.get('title'))}/"
    is_self = given.get("is_self")
    if is_self is None:
        is_self = not given.get("url") or permalink in str(given["url"])
    url = given.get("url") or f"https://www.reddit.com{permalink}"
    score = given.get("score") if isinstance(given.get("score"), int) else 1
    return _common(given) | {
        "name": f"t3_{post_id}",
        "title": given.get("title", ""),
        "selftext": given.get("selftext", ""),
        "selftext_html": None,
        "edited": given.get("edited") or False,
        "score": score,
        "ups": given.get("ups", score),
        "downs": 0,
        "hide_score": False,
        "upvote_ratio": 1.0 if given.get("upvote_ratio") is None else given["upvote_ratio"],
        "num_comments": given.get("num_comments") or 0,
        "num_crossposts": given.get("num_crossposts", 0),
        "over_18": given.get("over_18", False),
        "spoiler": given.get("spoiler", False),
        "is_self": is_self,
        "is_video": False,
        "url": url,
        "domain": given.get("domain") or (f"self.{community}" if is_self else _host(str(url))),
        "permalink": permalink,
        "link_flair_text": given.get("link_flair_text"),
        "removed_by_category": given.get("removed_by_category"),
        "is_robot_indexable": True,
        "thumbnail": "self" if is_self else "default",
        **({"crosspost_parent": given["crosspost_parent"]} if given.get("crosspost_parent") else {}),
    }


def comment_data(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a comment's full set of fields: `given`, the rest as Reddit fills it in.

    `given` needs `id`, `subreddit`, `created_utc` and `link_id`.
    """
    post_id, link_id = given["id"], given["link_id"]
    thread = str(link_id).removeprefix("t3_")
    permalink = given.get("permalink")
    score = given.get("score") if isinstance(given.get("score"), int) else 1
    return _common(given) | {
        "name": f"t1_{post_id}",
        "body": given.get("body", ""),
        "body_html": None,
        "link_id": link_id,
        "parent_id": given.get("parent_id") or link_id,
        "link_title": given.get("link_title", ""),
        "link_author": given.get("link_author", DELETED),
        "link_permalink": f"https://www.reddit.com/r/{given['subreddit']}/comments/{thread}/",
        "edited": given.get("edited") or False,
        "score": score,
        "ups": given.get("ups", score),
        "downs": 0,
        "controversiality": given.get("controversiality", 0),
        "is_submitter": given.get("is_submitter", False),
        "score_hidden": given.get("score_hidden", False),
        "depth": 0,
        "replies": "",
        "permalink": permalink or f"/r/{given['subreddit']}/comments/{thread}/_/{post_id}/",
    }


def _common(given: Mapping[str, Any]) -> dict[str, Any]:
    community, author = given["subreddit"], given.get("author") or f"reader_{given['id']}"
    created = float(given["created_utc"])
    # Reddit leaves a deleted author's fullname out.
    fullname = {} if author == DELETED else {"author_fullname": f"t2_{_account_id(str(author))}"}
    return {
        "id": given["id"],
        "author": author,
        **({"author_fullname": given["author_fullname"]} if given.get("author_fullname") else fullname),
        "author_flair_text": given.get("author_flair_text"),
        "subreddit": community,
        "subreddit_id": given.get("subreddit_id") or community_fullname(str(community)),
        "subreddit_name_prefixed": f"r/{community}",
        "subreddit_type": "public",
        "created": created,
        "created_utc": created,
        "distinguished": given.get("distinguished"),
        "stickied": given.get("stickied", False),
        "locked": given.get("locked", False),
        "archived": False,
        "gilded": 0,
        "all_awardings": [],
        "saved": False,
        "likes": None,
        "mod_reports": [],
        "user_reports": [],
    }


def community_fullname(community: str) -> str:
    """Return the subreddit's fullname, the same in every run."""
    return f"t5_{_account_id(community.lower())[:5]}"


def _account_id(text: str) -> str:
    return base36(crc32(text.encode()) + 36**5)


def base36(number: int) -> str:
    """Return a natural number in Reddit's notation for ids."""
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
    return digits or "0"


def _slug(title: object) -> str:
    letters = "".join(letter if letter.isalnum() else " " for letter in str(title or "")[:80].lower())
    return "_".join(letters.split())[:50] or "_"


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].removeprefix("www.") or "reddit.com"
