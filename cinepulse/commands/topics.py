"""`cinepulse topics`: create, list and describe the topics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cinepulse.commands.options import Format, format_option, print_rows, with_settings

if TYPE_CHECKING:
    from cinepulse.settings import Settings
    from schemas.provision import TopicState
    from schemas.topics import Topic

HOURS_PER_DAY = 24
MS_PER_HOUR = 3_600_000


@click.group()
def topics() -> None:
    """Create, list or describe the topics that schemas/topics.py declares.

    \b
    Examples:
      cinepulse topics create
      cinepulse topics list --format json
      cinepulse topics describe movie.mentions
    """  # noqa: D301 - click reads \b


@topics.command()
@with_settings("kafka_bootstrap", "partitions", "replication_factor")
@format_option
def create(settings: Settings, output: Format) -> None:
    """Create missing topics and give the others their declared configuration.

    \b
    Examples:
      cinepulse topics create
      cinepulse topics create --partitions 12 --replication-factor 3
    """  # noqa: D301 - click reads \b
    from schemas.provision import admin_client, create_topics
    from schemas.topics import TOPICS

    outcomes = create_topics(
        admin_client(settings),
        TOPICS,
        partitions=settings.partitions,
        replication_factor=settings.replication_factor,
    )
    print_rows([{"topic": name, "outcome": outcome} for name, outcome in outcomes.items()], output, title="Topics")


@topics.command(name="list")
@with_settings("kafka_bootstrap")
@format_option
def list_(settings: Settings, output: Format) -> None:
    """List the declared topics and what the broker holds of each.

    `offsets` counts from the first to the next offset: records, and what compaction removed between them.

    \b
    Examples:
      cinepulse topics list
      cinepulse topics list --format csv
    """  # noqa: D301 - click reads \b
    from schemas.provision import admin_client, describe_topics
    from schemas.topics import TOPICS

    states = describe_topics(admin_client(settings), TOPICS)
    print_rows([_summary(topic, states[topic.name]) for topic in TOPICS], output, title="Topics")


@topics.command()
@click.argument("name")
@with_settings("kafka_bootstrap")
@format_option
def describe(settings: Settings, name: str, output: Format) -> int:
    """Show one topic's configuration and partitions.

    \b
    Examples:
      cinepulse topics describe reddit.posts
      cinepulse topics describe movie.mentions --format json
    """  # noqa: D301 - click reads \b
    from schemas.provision import admin_client, describe_topics
    from schemas.topics import topic_named

    topic = topic_named(name)
    state = describe_topics(admin_client(settings), [topic])[name]
    if state is None:
        click.echo(f"{name} does not exist: run `cinepulse topics create`", err=True)
        return 1
    if output == "table":
        config = [{"setting": key, "value": value} for key, value in sorted(state.config.items())]
        print_rows(config, output, title=f"{name}: {topic.purpose}")
    print_rows([_partition(state, number) for number in range(len(state.partitions))], output)
    return 0


def _summary(topic: Topic, state: TopicState | None) -> dict[str, Any]:
    return {
        "topic": topic.name,
        "holds": topic.purpose,
        "partitions": len(state.partitions) if state else None,
        "replicas": state.replication_factor if state else None,
        "offsets": state.offsets if state else None,
        "cleanup": topic.cleanup,
        "retention": _retention(topic.retention_ms),
        "state": "exists" if state else "missing",
    }


def _partition(state: TopicState, number: int) -> dict[str, Any]:
    partition = state.partitions[number]
    return {
        "topic": state.name,
        "partition": partition.number,
        "leader": partition.leader,
        "first_offset": partition.first_offset,
        "next_offset": partition.next_offset,
    }


def _retention(milliseconds: int | None) -> str:
    if milliseconds is None:
        return "last per key"
    hours = milliseconds // MS_PER_HOUR
    return f"{hours} h" if hours <= 2 * HOURS_PER_DAY else f"{hours // HOURS_PER_DAY} d"
