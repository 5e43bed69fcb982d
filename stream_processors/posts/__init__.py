"""From observations of posts to mentions and retractions: pure, no input or output."""

from __future__ import annotations

from stream_processors.posts.checks import check_post
from stream_processors.posts.linked import LinkedPost, Step, mentions_of, next_step
from stream_processors.posts.table import decode_posts, encode_posts, merge_posts

__all__ = [
    "LinkedPost",
    "Step",
    "check_post",
    "decode_posts",
    "encode_posts",
    "mentions_of",
    "merge_posts",
    "next_step",
]
