from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from cinepulse.errors import ConfigurationInvalid
from cinepulse.settings import ENDPOINTS_FILE, Settings, load_settings, variable_of

SECRETS = [name for name, field in Settings.model_fields.items() if field.annotation is SecretStr]
SOURCES = ["flag", "environment", "stack"]
POWER_SET = [frozenset(given) for size in range(4) for given in combinations(SOURCES, size)]
SHARED_VARIABLES = ["SCHEMA_REGISTRY_URL", "REDDIT_CLIENT_ID", "REDDIT_CLIENT_SECRET", "TMDB_READ_TOKEN"]


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data directory that the environment names."""
    (tmp_path / ENDPOINTS_FILE).parent.mkdir()
    monkeypatch.setenv("CINEPULSE_DATA_DIR", str(tmp_path))
    return tmp_path


def _running_stack(data_dir: Path, **values: Any) -> None:
    (data_dir / ENDPOINTS_FILE).write_text(json.dumps(values), "utf-8")


def _plain(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def test_the_defaults_need_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an empty environment every setting has a value, and the data directory is the current one's."""
    monkeypatch.delenv("CINEPULSE_DATA_DIR")

    assert load_settings().data_dir == Path(".cinepulse")


def test_settings_are_frozen() -> None:
    """No part can change what another reads."""
    with pytest.raises(ValidationError, match="frozen"):
        load_settings().partitions = 5  # type: ignore[misc]  # the very thing that must fail


@pytest.mark.parametrize("field", ["kafka_bootstrap", "reddit_client_id", "reddit_client_secret", "tmdb_read_token"])
@pytest.mark.parametrize("given", POWER_SET, ids=lambda given: "+".join(sorted(given)) or "nothing")
def test_a_flag_beats_the_environment_beats_the_running_stack(
    field: str, given: frozenset[str], data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The highest source that has the setting decides, also where the setting has other names."""
    if "stack" in given:
        _running_stack(data_dir, **{field: "of the stack"})
    if "environment" in given:
        monkeypatch.setenv(variable_of(field), "of the environment")

    flags: dict[str, Any] = {field: "of the flag"} if "flag" in given else {}
    value = _plain(getattr(load_settings(**flags), field))

    highest = next((source for source in SOURCES if source in given), None)
    assert value == (f"of the {highest}" if highest else _plain(Settings.model_fields[field].default))


@pytest.mark.parametrize("variable", SHARED_VARIABLES)
def test_a_shared_variable_is_known_with_our_prefix_too(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """REDDIT_CLIENT_ID and its like also answer to CINEPULSE_..., which wins where both are set."""
    monkeypatch.setenv(variable, "shared")
    shared = _plain(getattr(load_settings(), variable.lower()))
    monkeypatch.setenv(f"CINEPULSE_{variable}", "ours")
    ours = _plain(getattr(load_settings(), variable.lower()))

    assert (shared, ours) == ("shared", "ours")


def test_the_data_dir_flag_decides_whose_stack_is_asked(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings come from the stack of the data directory in force: the flag's, not the environment's."""
    other = tmp_path / "other"
    (other / ENDPOINTS_FILE).parent.mkdir(parents=True)
    _running_stack(data_dir, kafka_bootstrap="127.0.0.1:1")
    _running_stack(other, kafka_bootstrap="127.0.0.1:2")

    assert load_settings().kafka_bootstrap == "127.0.0.1:1"
    assert load_settings(data_dir=str(other)).kafka_bootstrap == "127.0.0.1:2"
    monkeypatch.setenv("CINEPULSE_DATA_DIR", str(other))
    assert load_settings().kafka_bootstrap == "127.0.0.1:2"


def test_whoever_starts_a_stack_does_not_ask_the_last_one(data_dir: Path) -> None:
    """`cinepulse up` decides addresses itself: what an earlier run has left in the file does not count."""
    _running_stack(data_dir, kafka_bootstrap="127.0.0.1:1")

    assert load_settings(attached=False).kafka_bootstrap == "127.0.0.1:9092"
    assert load_settings().kafka_bootstrap == "127.0.0.1:1"


def test_the_running_stacks_values_get_their_types(data_dir: Path) -> None:
    """Secrets read from the stack's file are as hidden as those of the environment, lists become tuples."""
    _running_stack(data_dir, clickhouse_password="hunter2", clickhouse_port=18123, subreddits=["movies", "horror"])

    settings = load_settings()

    assert settings.clickhouse_password == SecretStr("hunter2")
    assert settings.clickhouse_port == 18123
    assert settings.subreddits == ("movies", "horror")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b'{"kafka', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "not of this version"),
        (b"null", "not of this version"),
        (b'{"kafka_servers": "x"}', "not of this version"),
    ],
)
def test_a_damaged_file_of_the_stack_is_named(data_dir: Path, content: bytes, complaint: str) -> None:
    """A half-written or foreign endpoints.json is one line with the path and what to do."""
    (data_dir / ENDPOINTS_FILE).write_bytes(content)

    with pytest.raises(ConfigurationInvalid) as failure:
        load_settings()

    assert str(data_dir / ENDPOINTS_FILE) in str(failure.value)
    assert complaint in str(failure.value)
    assert "\n" not in str(failure.value)


def test_a_file_of_the_stack_that_cannot_be_read_is_named(data_dir: Path) -> None:
    """Whatever lies at the file's place is told by the system's own reason."""
    (data_dir / ENDPOINTS_FILE).mkdir()

    with pytest.raises(ConfigurationInvalid, match=r"endpoints\.json: Is a directory; delete it"):
        load_settings()


def test_a_data_directory_that_is_a_file_has_no_stack(tmp_path: Path) -> None:
    """Reading settings works anywhere; complaining about the directory is for those who write there."""
    (tmp_path / "file").touch()

    assert load_settings(data_dir=tmp_path / "file").kafka_bootstrap == "127.0.0.1:9092"


@pytest.mark.parametrize(
    ("variable", "text", "complaint"),
    [
        ("CINEPULSE_PARTITIONS", "many", "CINEPULSE_PARTITIONS: Input should be a valid integer"),
        ("CINEPULSE_PARTITIONS", "0", "CINEPULSE_PARTITIONS: Input should be greater than or equal to 1"),
        ("CINEPULSE_LOG_LEVEL", "LOUD", "CINEPULSE_LOG_LEVEL: Input should be 'DEBUG', "),
        (
            "CINEPULSE_REDDIT_RECHECK_SECONDS",
            "60,soon",
            "CINEPULSE_REDDIT_RECHECK_SECONDS: Input should be a valid number",
        ),
        ("CINEPULSE_GRACE_HOURS", "nan", "CINEPULSE_GRACE_HOURS: Input should be a finite number"),
        ("CINEPULSE_TMDB_POLL_SECONDS", "inf", "CINEPULSE_TMDB_POLL_SECONDS: Input should be a finite number"),
    ],
)
def test_a_wrong_value_is_one_line_with_its_variable(
    variable: str, text: str, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says which variable to mend and what it takes."""
    monkeypatch.setenv(variable, text)

    with pytest.raises(ConfigurationInvalid) as failure:
        load_settings()

    assert str(failure.value).startswith(complaint)
    assert "\n" not in str(failure.value)


def test_a_misspelt_variable_is_refused_with_the_right_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that would silently do nothing is an error."""
    monkeypatch.setenv("CINEPULSE_KAFKA_BOOTSTRAPS", "127.0.0.1:1")

    with pytest.raises(ConfigurationInvalid, match=r"BOOTSTRAPS: no such setting; is it CINEPULSE_KAFKA_BOOTSTRAP\?"):
        load_settings()


def test_an_unlike_variable_is_refused_without_a_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    """No suggestion is better than a far-fetched one."""
    monkeypatch.setenv("CINEPULSE_XYZZY", "1")

    with pytest.raises(ConfigurationInvalid, match=r"^CINEPULSE_XYZZY: no such setting$"):
        load_settings()


def test_an_unknown_flag_is_refused() -> None:
    """A command that passes a setting which does not exist fails loudly."""
    with pytest.raises(ConfigurationInvalid, match="Extra inputs are not permitted"):
        load_settings(kafka_servers="x")


@pytest.mark.parametrize("field", sorted(Settings.model_fields))
def test_an_empty_variable_changes_nothing(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line NAME= of an environment file leaves the default."""
    monkeypatch.delenv("CINEPULSE_DATA_DIR")
    monkeypatch.setenv(variable_of(field), "")

    assert getattr(load_settings(), field) == Settings.model_fields[field].default


@pytest.mark.parametrize("text", ["movies,horror", " movies , horror ", "movies,,horror,"])
def test_lists_are_comma_separated(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blanks and empty parts do not count, in the environment as in a flag."""
    monkeypatch.setenv("CINEPULSE_SUBREDDITS", text)

    assert load_settings().subreddits == ("movies", "horror")
    assert load_settings(subreddits=text).subreddits == ("movies", "horror")


@pytest.mark.parametrize("name", SECRETS)
def test_no_secret_shows_in_the_settings_text(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Printing, logging or formatting the settings masks every secret."""
    monkeypatch.setenv(variable_of(name), "hunter2")

    settings = load_settings()

    assert getattr(settings, name).get_secret_value() == "hunter2"
    assert "hunter2" not in f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_says_what_it_is(name: str) -> None:
    """The description is the help of its flag and its row in the documentation."""
    assert (Settings.model_fields[name].description or "").endswith(".")


def test_every_secret_is_a_secret_type() -> None:
    """A name that says secret, password or token has the type that hides its value; so has an address with a token."""
    named = [name for name in Settings.model_fields if name.endswith(("secret", "password", "token", "webhook_url"))]

    assert named == SECRETS


def test_nothing_is_read_at_import(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two calls under two environments give two settings: nothing is kept from the first."""
    monkeypatch.setenv("CINEPULSE_PARTITIONS", "7")
    first = load_settings()
    _running_stack(data_dir, replication_factor=3)
    monkeypatch.setenv("CINEPULSE_PARTITIONS", "8")
    second = load_settings()

    assert (first.partitions, first.replication_factor) == (7, 1)
    assert (second.partitions, second.replication_factor) == (8, 3)


@pytest.mark.parametrize(
    ("field", "variable"),
    [
        ("data_dir", "CINEPULSE_DATA_DIR"),
        ("tmdb_read_token", "TMDB_READ_TOKEN"),
        ("cinepulse_reddit_client_id", "REDDIT_CLIENT_ID"),
    ],
)
def test_the_documented_variable_of_a_field(field: str, variable: str) -> None:
    """Errors and help name one variable for each setting: the shared one where there is one."""
    assert variable_of(field) == variable


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, "KAFKA_SASL_USER"),
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_USER": "u"}, "KAFKA_SASL_PASSWORD"),
        ({"KAFKA_SASL_USER": "u", "KAFKA_SASL_PASSWORD": "hunter2"}, "KAFKA_SECURITY_PROTOCOL=SASL_SSL"),
        ({"KAFKA_CA_FILE": __file__}, "KAFKA_SECURITY_PROTOCOL=SSL"),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_CERT_FILE": __file__}, "KAFKA_KEY_FILE go together"),
        ({"KAFKA_SECURITY_PROTOCOL": "TLS"}, "KAFKA_SECURITY_PROTOCOL: Input should be 'PLAINTEXT'"),
        ({"KAFKA_CA_FILE": "/no/such/file"}, "KAFKA_CA_FILE: Path does not point to a file"),
        ({"CLICKHOUSE_CA_FILE": "/no/such/file"}, "CLICKHOUSE_CA_FILE: Path does not point to a file"),
        ({"SCHEMA_REGISTRY_URL": "https://u:hunter2@r/api"}, "SCHEMA_REGISTRY_URL: an address has no user"),
        ({"TMDB_URL": "https://u:hunter2@r/api"}, "TMDB_URL: an address has no user"),
        ({"REDDIT_URL": "http://u@r"}, "REDDIT_URL: an address has no user"),
    ],
)
def test_half_a_login_is_refused(
    variables: dict[str, str], reason: str, monkeypatch: pytest.MonkeyPatch, data_dir: Path
) -> None:
    """What would connect without its credentials, or send them nowhere, is told in one line without any of them."""
    del data_dir
    for name, value in variables.items():
        monkeypatch.setenv(f"CINEPULSE_{name}", value)

    with pytest.raises(ConfigurationInvalid) as refused:
        load_settings()

    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_an_at_sign_in_a_path_is_no_login() -> None:
    """Only what stands before the host is a login."""
    assert Settings(tmdb_url="https://r/api/@me").tmdb_url == "https://r/api/@me"


def test_files_are_named_from_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path means the same file for parts that run in another directory."""
    (tmp_path / "ca.pem").touch()
    monkeypatch.chdir(tmp_path)

    settings = load_settings(kafka_security_protocol="SSL", kafka_ca_file="ca.pem", clickhouse_ca_file="ca.pem")

    assert settings.kafka_ca_file == settings.clickhouse_ca_file == tmp_path / "ca.pem"
