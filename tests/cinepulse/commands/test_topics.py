"""The command `cinepulse topics`, against a real broker."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from cinepulse.cli import cli, main
from schemas.topics import TOPICS
from tests.fixtures.kafka import BrokerProcess, unused_port

pytestmark = pytest.mark.real


def run(broker: BrokerProcess, *arguments: str) -> Result:
    """Run a subcommand against the broker."""
    return CliRunner().invoke(
        cli,
        ["topics", *arguments, "--kafka-bootstrap", broker.bootstrap],
        standalone_mode=False,
        catch_exceptions=False,
    )


def test_create_list_describe(fresh_broker: BrokerProcess) -> None:
    """What create makes, list shows and describe details; without it list says missing and describe what to do."""
    missing = json.loads(run(fresh_broker, "list", "--format", "json").stdout)
    refused = run(fresh_broker, "describe", "reddit.posts")
    created = json.loads(run(fresh_broker, "create", "--partitions", "3", "--format", "json").stdout)
    listed = json.loads(run(fresh_broker, "list", "--format", "json").stdout)
    described = json.loads(run(fresh_broker, "describe", "reddit.posts", "--format", "json").stdout)

    assert {row["state"] for row in missing} == {"missing"}
    assert refused.return_value == 1
    assert "cinepulse topics create" in refused.stderr
    assert created == [{"topic": topic.name, "outcome": "created"} for topic in TOPICS]
    assert {(row["state"], row["partitions"], row["offsets"]) for row in listed} == {("exists", 3, 0)}
    assert [(row["partition"], row["next_offset"]) for row in described] == [(0, 0), (1, 0), (2, 0)]


def test_tables_show_retention_and_configuration(fresh_broker: BrokerProcess) -> None:
    """For a person: the policy's 48 hours in the list, the broker's own values in the description."""
    run(fresh_broker, "create", "--partitions", "3")

    assert "48 h" in run(fresh_broker, "list").stdout
    assert "172800000" in run(fresh_broker, "describe", "reddit.posts").stdout


def test_an_unknown_topic_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """A mistyped name lists the right ones and exits with 2, without asking Kafka."""
    code = main(["topics", "describe", "redit.posts", "--kafka-bootstrap", f"127.0.0.1:{unused_port()}"])

    assert code == 2
    assert "reddit.posts" in capsys.readouterr().err
