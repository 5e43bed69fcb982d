"""`cinepulse dlq` on a real broker and engine: letters listed, shown and put through again once."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner
from confluent_kafka import Producer
from filelock import FileLock

from cinepulse.commands.dlq import dlq as command
from cinepulse.commands.letters import since_ms
from cinepulse.commands.letters_view import dump, escaped
from cinepulse.errors import DataDirectoryBusy
from clickhouse.client import connect
from clickhouse.migrate import load_migrations, migrate
from clickhouse.tables import DEAD_LETTERS
from schemas.append import Appender
from schemas.codec import Codec
from schemas.events import Mention, MentionKey, RedditPost
from schemas.partitioning import post_partition
from schemas.provision import admin_client, create_topics
from schemas.publisher import Publisher
from schemas.reader import RawRecord, TopicReader
from schemas.registry import ManifestIds
from schemas.topics import MOVIE_MENTIONS, REDDIT_POSTS, TOPICS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from click.testing import Result

    from cinepulse.settings import Settings
    from schemas.append import Place, RawAppend
    from tests.fixtures.kafka import BrokerProcess

pytestmark = pytest.mark.real

CODEC = Codec(ManifestIds())
PARTITIONS = 4
# Within what the topics keep.
SENT_AT = time.time_ns() // 1_000_000 - 3_600_000
NASTY = "\x1b]0;owned\x07 \u202eevil"
POST = RedditPost(
    fullname="t3_abc", kind="submission", subreddit="movies", title=NASTY, body="", created_at=SENT_AT,
    observed_at=SENT_AT, score=1, state="live",
)  # fmt: skip
MENTION = Mention(
    community="movies", kind="comment", location="body", method="rules", confidence=0.9, score=1, observed_at=SENT_AT,
    linker_version="test",
)  # fmt: skip


class Bench:
    """A broker with the topics, and what a test does with them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.publisher = Publisher.connected(settings, "test")

    def send(self, topic: str, key: bytes, value: bytes | None, partition: int = 1) -> int:
        """Append a record with a timestamp of its own and return its offset."""
        places: list[int] = []
        producer = Producer({"bootstrap.servers": self.settings.kafka_bootstrap})
        producer.produce(
            topic,
            value,
            key,
            partition,
            lambda _error, message: places.append(message.offset() or 0),
            timestamp=SENT_AT,
        )
        assert producer.flush(10) == 0
        return places[0]

    def letter(self, source: str, offset: int | None, **changes: Any) -> None:
        """Bury a record of partition 1."""
        usual: dict[str, Any] = {
            "stage": "link",
            "reason": "link_failed",
            "error": "t3_abc: ZeroDivisionError",
            "partition": 1,
        }
        self.publisher.dead_letter(**(usual | {"source": source, "offset": offset} | changes))
        self.publisher.flush()

    def records(self, topic: str) -> list[RawRecord]:
        """Return a topic's records."""
        with TopicReader(self.settings, topic, "test") as reader:
            return list(reader.to_end())

    def run(self, *arguments: str) -> Result:
        """Run the command."""
        settings = self.settings
        where = ["--data-dir", str(settings.data_dir), "--kafka-bootstrap", settings.kafka_bootstrap]
        if arguments[0] == "list":
            where += ["--clickhouse-port", str(settings.clickhouse_port)]
            where += ["--clickhouse-database", settings.clickhouse_database]
        environment = {"CINEPULSE_CLICKHOUSE_PASSWORD": settings.clickhouse_password.get_secret_value()}
        name, *others = arguments
        return CliRunner().invoke(
            command, [name, *where, *others], env=environment, standalone_mode=False, catch_exceptions=False
        )

    def actions(self, *arguments: str) -> list[str]:
        """Replay and return what was done with each letter."""
        return [row["action"] for row in json.loads(self.run("replay", "--format", "json", *arguments).stdout)]


@pytest.fixture
def bench(fresh_broker: BrokerProcess, clickhouse_settings: Settings, tmp_path: Path) -> Iterator[Bench]:
    """Yield a bench whose topics are empty."""
    admin = admin_client(fresh_broker.bootstrap)
    create_topics(admin, TOPICS, partitions=PARTITIONS, replication_factor=1)
    settings = clickhouse_settings.model_copy(
        update={"kafka_bootstrap": fresh_broker.bootstrap, "data_dir": tmp_path, "partitions": PARTITIONS}
    )
    migrate(settings, load_migrations())
    yield Bench(settings)
    for deleted in admin.delete_topics([topic.name for topic in TOPICS], operation_timeout=10).values():
        deleted.result(30)
    deadline = time.monotonic() + 30
    while {topic.name for topic in TOPICS} & set(admin.list_topics(timeout=10).topics):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def encoded(post: RedditPost) -> tuple[bytes, bytes]:
    """Return a post's key and value."""
    return CODEC.encode(REDDIT_POSTS.key_subject, post.fullname), CODEC.encode(REDDIT_POSTS.value_subject, post)


def test_the_original_bytes_are_put_through_once(bench: Bench) -> None:
    """With their key, timestamp and partition, at its end; run again, or after another letter of it, nothing comes."""
    key, value = encoded(POST)
    offset = bench.send(REDDIT_POSTS.name, key, value)
    # The letter has a part of the bytes alone: the topic has them all.
    bench.letter(REDDIT_POSTS.name, offset, key=key, value=value)
    bench.letter(REDDIT_POSTS.name, offset, key=key, value=value, stage="sink")

    dry = bench.actions("--dry-run")
    untouched = len(bench.records(REDDIT_POSTS.name))
    first, second = bench.actions(), bench.actions()

    original, again = bench.records(REDDIT_POSTS.name)
    assert (dry, untouched) == (["replay", "replayed"], 1)
    assert first == ["put through", "replayed"]
    assert second == ["replayed", "replayed"]
    assert again == original._replace(offset=again.offset, headers=again.headers)
    assert (again.timestamp, again.partition) == (SENT_AT, 1)


def test_a_kill_between_two_records_repeats_neither(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory of what was put through is the record itself: what got out is known, what did not comes next time."""
    for number in range(3):
        key, value = encoded(replace(POST, fullname=f"t3_{number}"))
        bench.letter(REDDIT_POSTS.name, bench.send(REDDIT_POSTS.name, key, value), key=key, value=value)
    append = Appender.append

    def killed(self: Appender, records: Sequence[RawAppend]) -> list[Place]:
        append(self, records[:1])
        raise KeyboardInterrupt

    monkeypatch.setattr(Appender, "append", killed)
    with pytest.raises(click.Abort):
        bench.run("replay")
    monkeypatch.setattr(Appender, "append", append)

    assert sorted(bench.actions()) == ["put through", "put through", "replayed"]
    assert len(bench.records(REDDIT_POSTS.name)) == 6


def test_a_superseded_record_of_a_compacted_topic_stays_where_it_is(bench: Bench) -> None:
    """Put through now, an old mention would undo the retraction behind it."""
    key = CODEC.encode(
        MOVIE_MENTIONS.key_subject, MentionKey(tmdb_id=7, platform="reddit", post_id="t3_abc", created_at=SENT_AT)
    )
    value = CODEC.encode(MOVIE_MENTIONS.value_subject, MENTION)
    offset = bench.send(MOVIE_MENTIONS.name, key, value)
    bench.send(MOVIE_MENTIONS.name, key, None)
    bench.letter(MOVIE_MENTIONS.name, offset, key=key, value=value, stage="count")

    assert bench.actions() == ["superseded"]
    assert len(bench.records(MOVIE_MENTIONS.name)) == 2


def test_a_record_that_the_topic_has_no_more_comes_from_the_letter(bench: Bench) -> None:
    """Whole in the letter, it is put through with the time of its failure; cut short, it cannot be."""
    key, value = encoded(POST)
    bench.letter(REDDIT_POSTS.name, 70, key=key, value=value)
    bench.letter(REDDIT_POSTS.name, 71, key=key, value=b"x" * 100_000)

    result = bench.run("replay", "--format", "json")

    rows = {row["offset"]: row for row in json.loads(result.stdout)}
    assert (rows[70]["action"], rows[71]["action"]) == ("put through", "impossible")
    assert "65536 of its bytes" in rows[71]["why"]
    assert result.return_value == 1
    (record,) = bench.records(REDDIT_POSTS.name)
    assert (record.key, record.value, record.partition) == (key, value, 1)


def test_what_a_producer_could_not_read_is_read_again(bench: Bench) -> None:
    """Reddit's own form of a post becomes a record where the code can read it now; TMDB is read again by itself."""
    thing = {
        "kind": "t3",
        "data": {"name": "t3_abc", "subreddit": "movies", "title": "x", "created_utc": SENT_AT / 1_000},
    }
    usual = {"stage": "producer", "partition": None, "reason": "missing_title"}
    bench.letter("reddit/new", None, value=json.dumps(thing).encode(), **usual)
    bench.letter("reddit/new", None, value=b'{"data": {"name": "t3_x"}}', **usual)
    bench.letter("tmdb/export", None, value=b"{}", **usual)

    first, second = bench.actions(), bench.actions()

    (record,) = bench.records(REDDIT_POSTS.name)
    assert sorted(first) == ["impossible", "impossible", "put through"]
    assert sorted(second) == ["impossible", "impossible", "replayed"]
    assert record.partition == post_partition("t3_abc", PARTITIONS)
    assert CODEC.decode(REDDIT_POSTS.value_subject, record.value or b"").title == "x"


def test_letters_are_chosen_by_what_is_known_of_them(bench: Bench) -> None:
    """Reason, stage, source, time and number narrow the list; one that matches nothing is empty, not an error."""
    bench.letter(REDDIT_POSTS.name, 1, reason="link_failed")
    bench.letter(REDDIT_POSTS.name, 2, reason="title_missing")
    bench.letter(MOVIE_MENTIONS.name, 3, stage="count", reason="corrupt_record")

    def chosen(*arguments: str) -> list[int]:
        rows = json.loads(bench.run("list", "--each", "--format", "json", *arguments).stdout)
        return [row["offset"] for row in rows]

    assert sorted(chosen()) == [1, 2, 3]
    assert chosen("--reason", "title_missing") == [2]
    assert chosen("--stage", "count") == [3]
    assert sorted(chosen("--source", REDDIT_POSTS.name, "--since", "1h")) == [1, 2]
    assert len(chosen("--limit", "1")) == 1
    assert chosen("--since", "2999-01-01") == []
    assert chosen("--reason", "no_such_reason") == []


def test_the_list_tells_of_letters_whose_bytes_are_gone(bench: Bench) -> None:
    """By reason, those that can be shown, and those of which ClickHouse alone knows."""
    bench.letter(REDDIT_POSTS.name, 1)
    client = connect(bench.settings)
    columns = {"stage": "link", "source": "reddit.posts", "reason": "link_failed", "error": "", "code_version": "0"}
    for revision in (1, (1 << 48) + 1):
        values = columns | {"failed_at": SENT_AT, "revision": revision}
        row = [values.get(name, 0) for name, _ in DEAD_LETTERS.columns]
        client.insert(
            DEAD_LETTERS.name, [row], column_names=DEAD_LETTERS.column_names,
            column_type_names=DEAD_LETTERS.column_types,
        )  # fmt: skip

    rows = json.loads(bench.run("list", "--format", "json").stdout)
    table = bench.run("list")

    assert [(row["reason"], row["letters"], row["bytes"]) for row in rows] == [
        ("link_failed", 1, "kept"),
        ("link_failed", 1, "gone after 48 h"),
    ]
    assert "gone after 48 h" in table.stdout


def test_a_letter_is_shown_decoded_and_harmless(bench: Bench) -> None:
    """A record of the contract as its fields, anything else as bytes; nothing in it reaches the terminal as it is."""
    key, value = encoded(POST)
    bench.letter(REDDIT_POSTS.name, 1, key=key, value=value)
    bench.letter(REDDIT_POSTS.name, 2, key=b"\xff", value=b"\0\0\0\xff\xff\x1b[2J", error=NASTY)
    bench.letter("reddit/new", None, partition=None, stage="producer", value=json.dumps({"title": NASTY}).encode())

    text = bench.run("show").stdout
    rows = json.loads(bench.run("show", "--format", "json").stdout)
    ids = [row["id"] for row in rows]
    missing = bench.run("show", "0-999")

    assert '"fullname": "t3_abc"' in text
    assert "00000000  00 00 00 ff ff 1b 5b 32 4a" in text
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
    assert all(not {"\x1b", "\u202e"} & set(json.dumps(row, ensure_ascii=False)) for row in rows)
    assert len(bench.run("show", *ids[:2], "--format", "csv").stdout.splitlines()) > 2
    assert (missing.return_value, missing.stdout) == (1, "")
    assert "kept for 48 hours" in missing.stderr


def test_two_replays_at_once_are_refused(bench: Bench) -> None:
    """Both would look before either has sent."""
    with FileLock(bench.settings.data_dir / "dlq.lock"), pytest.raises(DataDirectoryBusy):
        bench.run("replay")


def test_an_empty_topic_is_said_to_be_so(bench: Bench) -> None:
    """Nothing to list, show or replay is no failure."""
    assert "nothing to show" in bench.run("list").stdout
    assert "no letter with bytes" in bench.run("show").stdout
    result = bench.run("replay")
    assert (result.return_value, "0 put through" in result.stderr) == (0, True)


@pytest.mark.parametrize("text", ["yesterday", "5", "6 h", "-1h", "2026-13-01"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    """With an example of each form."""
    result = CliRunner().invoke(command, ["list", "--since", text])

    assert result.exit_code == 2
    assert "90m, 6h, 2d" in result.stderr


def test_times_are_spans_or_instants() -> None:
    """A span counts back from now, an instant without a zone is UTC."""
    assert since_ms("90m", 10_000_000) == 10_000_000 - 5_400_000
    assert since_ms("1970-01-01T00:00:01", 0) == since_ms("1970-01-01T01:00:01+01:00", 0) == 1_000
    assert since_ms(None, 5) == 0


def test_bytes_are_dumped_up_to_a_limit() -> None:
    """What is left out is told."""
    assert dump(b"ab\n" + b"x" * 30, 20).splitlines() == [
        "00000000  61 62 0a 78 78 78 78 78 78 78 78 78 78 78 78 78  ab.xxxxxxxxxxxxx",
        "00000010  78 78 78 78                                      xxxx",
        "... 13 bytes more",
    ]
    assert dump(b"", 5) == "empty"
    assert escaped("a\tb\nc\x9b") == "a\\tb\nc\\x9b"
