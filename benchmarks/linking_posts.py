"""The names that the linker counts most in recorded posts, with mentions to check by hand.

Run: python benchmarks/linking_posts.py ../shared/data --sample 8
"""

from __future__ import annotations

import gzip
import json
import random
from argparse import ArgumentParser
from collections import defaultdict
from pathlib import Path
from typing import Final

from stream_processors.linking import Catalog, Message, link
from stream_processors.linking.message import TITLE_SEPARATOR
from stream_processors.linking.train.__main__ import POSTS, read_catalog

AROUND: Final = 45
SEED: Final = 11


def main() -> None:
    """Print the most counted names, each with a sample of its mentions in their context."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--top", type=int, default=30)
    parser.add_argument("--sample", type=int, default=8)
    arguments = parser.parse_args()
    catalog = Catalog.build(read_catalog(arguments.folder))
    found: dict[str, list[str]] = defaultdict(list)
    posts = 0
    with gzip.open(arguments.folder / POSTS, "rt", encoding="utf-8") as lines:
        for line in lines:
            posts += 1
            post = json.loads(line)
            text = f"{post['title']}{TITLE_SEPARATOR}{post['selftext'] or ''}"
            message = Message(
                text,
                title_end=len(post["title"]),
                community=post["subreddit"],
                flair=post["link_flair_text"],
                url=post["url"],
                created_at=int(post["created_utc"]) * 1000,
            )
            counted: set[int] = set()
            for one in link(message, catalog):
                if one.tmdb_id not in counted:
                    counted.add(one.tmdb_id)
                    film = catalog.films[catalog.by_tmdb[one.tmdb_id]]
                    context = text[max(one.start - AROUND, 0) : one.end + AROUND].replace("\n", " ")
                    year = "?" if film.released != film.released else int(film.released)
                    found[one.alias].append(
                        f"{one.confidence:.2f} r/{post['subreddit']}: {context} => {film.title} ({year})"
                    )
    total = sum(map(len, found.values()))
    print(f"{posts} posts, {total} mentions, {len(found)} names")
    source = random.Random(SEED)  # noqa: S311 - no secret
    for alias, mentions in sorted(found.items(), key=lambda one: (-len(one[1]), one[0]))[: arguments.top]:
        print(f"\n{alias}: {len(mentions)}")
        for mention in source.sample(mentions, min(arguments.sample, len(mentions))):
            print(f"  {mention}")


if __name__ == "__main__":
    main()
