"""What the world says it served becomes expected mentions, whatever characters the posts hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cinepulse.clock import SystemClock
from cinepulse.commands.ground_truth import PostsInKafka, ServedPost, expected_mentions, served_posts
from cinepulse.commands.reckoning import MentionId
from cinepulse.errors import StackUnavailable
from cinepulse.settings import load_settings
from schemas.events import Movie, RedditPost
from schemas.provision import admin_client, create_topics
from schemas.publisher import Publisher
from schemas.topics import REDDIT_POSTS
from stream_processors.linking import Catalog

if TYPE_CHECKING:
    from tests.fixtures.kafka import BrokerProcess
    from tests.fixtures.world import RunningWorld

CREATED_AT = 1_700_000_000_000
PARTITIONS = 4
CATALOG = Catalog.build(
    [
        Movie(
            tmdb_id=157336,
            title="Interstellar",
            release_date="2014-11-05",
            vote_count=38_911,
            popularity=46.0,
            observed_at=CREATED_AT,
            source="details",
        )
    ]
)


def post(fullname: str, title: str, **changes: object) -> RedditPost:
    """Return a live submission."""
    fields: dict[str, object] = {
        "fullname": fullname,
        "kind": "submission",
        "subreddit": "movies",
        "title": title,
        "body": "",
        "created_at": CREATED_AT,
        "observed_at": CREATED_AT + 1,
        "score": 1,
        "state": "live",
    }
    return RedditPost(**{**fields, **changes})  # type: ignore[arg-type] # the fields above have the right types


@pytest.mark.real
def test_unicode_line_separators_stay_within_a_post(world: RunningWorld) -> None:
    """A text with U+2028, U+0085 and a carriage return is one post with that very text."""
    text = "one\u2028two\u0085three\rfour"
    world.fault("post", data={"title": "separators", "selftext": text, "subreddit": "movies", "id": "zzsep"})

    served = {each.fullname: each for each in served_posts(world.url, SystemClock().now_ms())}

    found = served["t3_zzsep"].post
    assert found is not None
    assert found.body == text


def test_a_world_that_is_gone_is_named() -> None:
    """Nobody answering is an error of the stack, not a traceback of the HTTP client."""
    with pytest.raises(StackUnavailable, match="world"):
        list(served_posts("http://127.0.0.1:1", 0))


def test_only_live_posts_are_expected() -> None:
    """A deleted post and one that belongs in dead letters expect nothing; a live one expects its film."""
    served = [
        ServedPost("t3_live", live=True, post=post("t3_live", 'I loved "Interstellar" (2014)')),
        ServedPost("t3_gone", live=False, post=post("t3_gone", 'I loved "Interstellar" (2014)')),
        ServedPost("t3_dead", live=True, post=None),
    ]

    assert expected_mentions(served, CATALOG, 0.5) == {MentionId(157336, "t3_live", CREATED_AT)}


@pytest.mark.real
def test_kafka_is_behind_until_it_has_the_last_state(fresh_broker: BrokerProcess) -> None:
    """A post is behind while it is missing, has an older text, or is live in Kafka and deleted in the world."""
    settings = load_settings(kafka_bootstrap=fresh_broker.bootstrap, partitions=PARTITIONS)
    create_topics(admin_client(fresh_broker.bootstrap), [REDDIT_POSTS], partitions=PARTITIONS, replication_factor=1)
    publisher = Publisher.connected(settings, "test")
    same, edited, deleted = post("t3_a", "a"), post("t3_b", "b"), post("t3_c", "c")
    for each in (same, edited, deleted):
        publisher.publish(REDDIT_POSTS, each.fullname, each)
    publisher.flush()
    served = [
        ServedPost("t3_a", live=True, post=same),
        ServedPost("t3_b", live=True, post=post("t3_b", "b", body="edited")),
        ServedPost("t3_c", live=False, post=deleted),
        ServedPost("t3_d", live=True, post=post("t3_d", "d")),
    ]
    posts = PostsInKafka(settings)

    posts.refresh()
    behind = posts.behind(served)
    publisher.publish(REDDIT_POSTS, "t3_b", post("t3_b", "b", body="edited", observed_at=CREATED_AT + 2))
    publisher.publish(REDDIT_POSTS, "t3_c", post("t3_c", "c", state="deleted", observed_at=CREATED_AT + 2))
    publisher.flush()
    posts.refresh()
    later = posts.behind(served)
    posts.close()

    assert behind == ["t3_b", "t3_c", "t3_d"]
    assert later == ["t3_d"]
