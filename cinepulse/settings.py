"""Every setting: typed, frozen, built once by the command line and passed down.

Precedence, highest first: a flag, the environment (`CINEPULSE_*`), the addresses that a running `cinepulse up` wrote
into its data directory, the default below. Nothing is read at import.
"""

from __future__ import annotations

import json
import os
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AliasChoices,
    Field,
    FilePath,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from cinepulse.errors import ConfigurationInvalid

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

PREFIX = "CINEPULSE_"
ENDPOINTS_FILE = Path("run", "endpoints.json")
"""Below the data directory: the settings that `cinepulse up` fixed when it started, readable by its owner only."""

DEFAULT_SUBREDDITS = "movies,boxoffice,TrueFilm,horror,scifi,MovieSuggestions,Letterboxd,flicks,moviecritic,Cinema"


def _known_as(variable: str) -> AliasChoices:
    """Return the names of a setting that other programs know by `variable`; ours, with the prefix, wins over it."""
    return AliasChoices(PREFIX + variable, variable, variable.lower())


# Absolute, since the parts of an embedded stack run in another directory than the command that was typed.
ExistingFile = Annotated[FilePath, AfterValidator(Path.absolute)]


class Settings(BaseSettings):
    """All settings of all parts; a part takes the whole and reads its own."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        # NAME= in an environment file leaves the setting at what it would be without the line.
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        allow_inf_nan=False,
    )

    data_dir: Path = Field(Path(".cinepulse"), description="Where the embedded stack keeps its state.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least severe log line shown.")

    # Kafka and the contract
    kafka_bootstrap: str = Field("127.0.0.1:9092", description="Kafka's bootstrap servers, host:port, comma-separated.")
    partitions: int = Field(4, ge=1, le=1024, description="Partitions of every topic; fixed once topics exist.")
    replication_factor: int = Field(1, ge=1, le=9, description="Replicas of every partition.")
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How to talk to Kafka; SSL is TLS. The embedded broker speaks PLAINTEXT."
    )
    kafka_ca_file: ExistingFile | None = Field(
        None, description="PEM file of the authority that signs Kafka's certificates; the system's when unset."
    )
    kafka_cert_file: ExistingFile | None = Field(
        None, description="PEM file of the certificate to show to Kafka, where it asks for one."
    )
    kafka_key_file: ExistingFile | None = Field(None, description="PEM file of that certificate's key.")
    kafka_key_password: SecretStr = Field(SecretStr(""), description="Password of the key file, if it has one.")
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="How to log in to Kafka with SASL."
    )
    kafka_sasl_user: str = Field("", description="User to log in to Kafka with SASL.")
    kafka_sasl_password: SecretStr = Field(SecretStr(""), description="Password of that user.")
    schema_registry_url: str | None = Field(
        None,
        validation_alias=_known_as("SCHEMA_REGISTRY_URL"),
        description="Confluent-compatible schema registry; ids come from the manifest when unset.",
    )
    schema_registry_user: str = Field("", description="User of the schema registry; none when unset.")
    schema_registry_password: SecretStr = Field(SecretStr(""), description="Password of that user.")
    schema_registry_ca_file: ExistingFile | None = Field(
        None, description="PEM file of the authority that signs the registry's certificate; the usual ones when unset."
    )

    # ClickHouse
    clickhouse_host: str = Field("127.0.0.1", description="ClickHouse's HTTP host.")
    clickhouse_port: int = Field(8123, ge=1, le=65535, description="ClickHouse's HTTP port.")
    clickhouse_user: str = Field("cinepulse", description="ClickHouse user.")
    clickhouse_password: SecretStr = Field(SecretStr(""), description="ClickHouse password.")
    clickhouse_database: str = Field("cinepulse", description="ClickHouse database of all tables.")
    clickhouse_secure: bool = Field(False, description="Talk HTTPS to ClickHouse.")
    clickhouse_ca_file: ExistingFile | None = Field(
        None, description="PEM file of the authority that signs ClickHouse's certificate; the usual ones when unset."
    )
    clickhouse_verify: bool = Field(True, description="Check ClickHouse's certificate; false is for trials only.")
    clickhouse_memory_bytes: int = Field(
        1_500_000_000, ge=300_000_000, description="Most memory the embedded ClickHouse uses, bytes."
    )
    clickhouse_query_seconds: float = Field(
        60.0, gt=0, le=3600, description="Longest run of one query on the embedded ClickHouse, seconds."
    )
    clickhouse_body_bytes: int = Field(
        268_435_456, ge=1_000_000, description="Largest request body the embedded ClickHouse takes, bytes."
    )

    # Reddit
    reddit_client_id: str = Field(
        "",
        validation_alias=_known_as("REDDIT_CLIENT_ID"),
        description="Client id of the Reddit app; the loopback world is used when unset.",
    )
    reddit_client_secret: SecretStr = Field(
        SecretStr(""),
        validation_alias=_known_as("REDDIT_CLIENT_SECRET"),
        description="Client secret of the Reddit app.",
    )
    reddit_user_agent: str = Field(
        "python:cinepulse:v0.1.0 (read-only film trends)", min_length=7, description="User agent told to Reddit."
    )
    reddit_url: str | None = Field(
        None, description="Base address of a loopback Reddit; Reddit itself when unset. Other hosts are refused."
    )
    subreddits: Annotated[tuple[str, ...], NoDecode] = Field(
        tuple(DEFAULT_SUBREDDITS.split(",")), description="Communities to poll, comma-separated."
    )
    reddit_poll_seconds: float = Field(5.0, gt=0, description="Pause between two polls of a listing.")
    reddit_recheck_seconds: Annotated[tuple[float, ...], NoDecode] = Field(
        (3600.0, 21600.0, 86400.0, 172800.0),
        description="Ages at which a post's engagement and deletion are checked again, seconds, comma-separated.",
    )

    # TMDB
    tmdb_read_token: SecretStr = Field(
        SecretStr(""),
        validation_alias=_known_as("TMDB_READ_TOKEN"),
        description="TMDB v4 read access token; the loopback world is used when unset.",
    )
    tmdb_url: str = Field("https://api.themoviedb.org/3", description="Base address of TMDB's API.")
    tmdb_files_url: str = Field("https://files.tmdb.org", description="Base address of TMDB's daily export files.")
    tmdb_requests_per_second: float | None = Field(
        None, gt=0, le=1000, description="Most requests a second sent to TMDB: 20 when unset, 500 to a loopback TMDB."
    )
    tmdb_poll_seconds: float = Field(3600.0, gt=0, description="Pause between two polls of TMDB's lists.")
    tmdb_catalog_titles: int = Field(
        100_000, ge=1, description="How many films the catalogue holds, most popular first."
    )
    tmdb_tracked_titles: int = Field(1000, ge=1, description="How many films get details, most popular first.")

    # Linking and counting
    link_threshold: float = Field(0.5, ge=0, le=1, description="Least confidence at which a mention is kept.")
    grace_hours: float = Field(48.0, ge=0, description="Hours after a day's end until its counts are final.")
    disorder_hours: float = Field(
        1.0, ge=0, description="Hours of event time by which posts of one partition may come out of order."
    )
    idle_hours: float = Field(
        6.0, ge=0, description="Hours of event time behind the others after which a partition holds no day open."
    )
    flush_seconds: float = Field(0.5, gt=0, description="Most seconds between two flushes of the count worker.")
    dead_letter_max_share: float = Field(
        0.5, gt=0, le=1, description="Share of poison among a partition's latest records that stops a worker."
    )

    # Sink
    sink_flush_seconds: float = Field(0.5, gt=0, le=1, description="Most seconds between two inserts of the sink.")
    sink_max_rows: int = Field(50_000, ge=1, description="Most rows in one insert.")
    sink_instance_id: str = Field(
        "", max_length=249, description="Name of this sink in its group, of no other and the same after each start."
    )

    # Delivery of alerts
    alert_destinations: Annotated[tuple[Literal["log", "webhook", "email"], ...], NoDecode] = Field(
        (), description="Where alerts are delivered, comma-separated: log, webhook, email. Nowhere when unset."
    )
    alert_kinds: Annotated[tuple[Literal["burst", "joined", "left", "milestone"], ...], NoDecode] = Field(
        ("burst", "joined", "left", "milestone"), description="Kinds of alerts that are delivered, comma-separated."
    )
    alert_max_age_hours: float = Field(
        24.0, gt=0, description="Age of what happened above which an alert is not delivered, hours."
    )
    alert_webhook_url: SecretStr = Field(
        SecretStr(""), description="Address that alerts are posted to, http or https; it may hold a token."
    )
    alert_webhook_secret: SecretStr = Field(
        SecretStr(""), description="Key of the HMAC that signs what is posted; nothing is signed when unset."
    )
    alert_email_from: str = Field("", description="Sender of alerts by e-mail.")
    alert_email_to: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Receivers of alerts by e-mail, comma-separated."
    )
    alert_smtp_host: str = Field("", description="Mail server that takes alerts.")
    alert_smtp_port: int = Field(587, ge=1, le=65535, description="Its port.")
    alert_smtp_starttls: bool = Field(True, description="Talk TLS to the mail server; false is for trials only.")
    alert_smtp_ca_file: ExistingFile | None = Field(
        None,
        description="PEM file of the authority that signs the mail server's certificate; the usual ones when unset.",
    )
    alert_smtp_user: str = Field("", description="User of the mail server; no login when unset.")
    alert_smtp_password: SecretStr = Field(SecretStr(""), description="Password of that user.")

    # Who may ask the servers that cinepulse runs
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Further host names, comma-separated, under which cinepulse's own servers answer. On loopback they "
        "answer under loopback names only, on other addresses under any name until this is set.",
    )

    # Metrics of one process
    metrics_port: int = Field(0, ge=0, le=65535, description="Port for /metrics and /healthz; 0 for none.")
    metrics_host: str = Field("127.0.0.1", description="Address for /metrics and /healthz.")

    @field_validator(
        "subreddits",
        "reddit_recheck_seconds",
        "allowed_hosts",
        "alert_destinations",
        "alert_kinds",
        "alert_email_to",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        """Take a comma-separated text as well as a sequence."""
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("schema_registry_url", "reddit_url", "tmdb_url", "tmdb_files_url")
    @classmethod
    def _without_credentials(cls, value: str | None) -> str | None:
        """Refuse an address with a user or password in it: addresses are logged."""
        if value is not None and "@" in value.partition("//")[2].partition("/")[0]:
            raise ValueError("an address has no user and no password in it: they have settings of their own")
        return value

    @model_validator(mode="after")
    def _complete_kafka_login(self) -> Self:
        """Refuse credentials that no connection would use, and a login without any."""
        sasl, tls = self.kafka_security_protocol.startswith("SASL"), self.kafka_security_protocol.endswith("SSL")
        if sasl and not (self.kafka_sasl_user and self.kafka_sasl_password.get_secret_value()):
            raise ValueError(
                f"CINEPULSE_KAFKA_SECURITY_PROTOCOL={self.kafka_security_protocol} needs CINEPULSE_KAFKA_SASL_USER and "
                "CINEPULSE_KAFKA_SASL_PASSWORD"
            )
        if self.kafka_sasl_user and not sasl:
            raise ValueError("CINEPULSE_KAFKA_SASL_USER needs CINEPULSE_KAFKA_SECURITY_PROTOCOL=SASL_SSL")
        if (self.kafka_ca_file or self.kafka_cert_file or self.kafka_key_file) and not tls:
            raise ValueError("CINEPULSE_KAFKA_*_FILE need CINEPULSE_KAFKA_SECURITY_PROTOCOL=SSL or SASL_SSL")
        if bool(self.kafka_cert_file) != bool(self.kafka_key_file):
            raise ValueError("CINEPULSE_KAFKA_CERT_FILE and CINEPULSE_KAFKA_KEY_FILE go together")
        return self

    @model_validator(mode="after")
    def _complete_alert_destinations(self) -> Self:
        """Refuse a destination that lacks what it takes to reach it."""
        if "webhook" in self.alert_destinations:
            _check_webhook(self.alert_webhook_url.get_secret_value())
        if "email" in self.alert_destinations:
            addresses = (self.alert_email_from, *self.alert_email_to)
            if not self.alert_smtp_host or not self.alert_email_to or not all(map(_is_mail_address, addresses)):
                raise ValueError(
                    "CINEPULSE_ALERT_DESTINATIONS=email needs CINEPULSE_ALERT_SMTP_HOST, and addresses such as "
                    "name@example.org in CINEPULSE_ALERT_EMAIL_FROM and CINEPULSE_ALERT_EMAIL_TO"
                )
            if self.alert_smtp_user and not self.alert_smtp_starttls:
                raise ValueError("CINEPULSE_ALERT_SMTP_USER needs CINEPULSE_ALERT_SMTP_STARTTLS: no password in plain")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: flags, environment, the running stack's addresses."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, _RunningStack(settings_cls, init_settings, env_settings)


class _DetachedSettings(Settings):
    """Settings without what a running or killed stack wrote: `up` decides that itself."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: flags, environment."""
        del settings_cls, dotenv_settings, file_secret_settings
        return init_settings, env_settings


class _RunningStack(PydanticBaseSettingsSource):
    """What a running `cinepulse up` wrote below the data directory."""

    def __init__(
        self,
        settings_cls: type[BaseSettings],
        flags: PydanticBaseSettingsSource,
        environment: PydanticBaseSettingsSource,
    ) -> None:
        super().__init__(settings_cls)
        self._flags = flags
        self._environment = environment

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        """Not used: the file is read whole."""
        raise NotImplementedError

    def __call__(self) -> dict[str, Any]:
        named = {**self._environment(), **self._flags()}
        found = _read_endpoints(Path(named.get("data_dir", Settings.model_fields["data_dir"].default)))
        # Of two names of one setting pydantic takes the first in its list, not the one of the higher source.
        return {name: value for name, value in found.items() if not named.keys() & _names_of(name)}


def _check_webhook(url: str) -> None:
    """Raise ValueError, without the address, for one that alerts cannot be posted to."""
    problem = "CINEPULSE_ALERT_WEBHOOK_URL: give a whole address such as https://example.org/hook"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(problem) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0 or not url.isprintable() or " " in url:
        raise ValueError(problem)
    if parts.username is not None or parts.password is not None:
        raise ValueError("CINEPULSE_ALERT_WEBHOOK_URL: an address has no user and no password in it")


def _is_mail_address(text: str) -> bool:
    name, _, host = text.rpartition("@")
    return bool(name and host) and text.isprintable() and not set(text) & set(" ,;<>")


def _read_endpoints(data_dir: Path) -> dict[str, Any]:
    path = data_dir / ENDPOINTS_FILE
    try:
        found = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not JSON"
        raise ConfigurationInvalid(f"{path}: {reason}; delete it unless `cinepulse up` is running") from None
    if not isinstance(found, dict) or found.keys() - Settings.model_fields:
        raise ConfigurationInvalid(f"{path} is not of this version; delete it unless `cinepulse up` is running")
    return found


def _names_of(field_name: str) -> set[str]:
    alias = Settings.model_fields[field_name].validation_alias
    return {field_name, *(map(str, alias.choices) if isinstance(alias, AliasChoices) else ())}


def load_settings(*, attached: bool = True, **flags: Any) -> Settings:
    """Return the settings; `flags` left at None do not count.

    `attached`: take what no flag or variable sets from the stack that runs on the data directory.

    Raises ConfigurationInvalid with one line that names the setting and what is wrong with it.
    """
    _refuse_unknown_variables(os.environ)
    try:
        kind = Settings if attached else _DetachedSettings
        return kind(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        reason = first["msg"].removeprefix("Value error, ")
        # What is wrong with several settings together names them itself.
        where = f"{variable_of(str(first['loc'][0]).lower())}: " if first["loc"] else ""
        raise ConfigurationInvalid(where + reason) from None


def _refuse_unknown_variables(environment: Iterable[str]) -> None:
    """Raise ConfigurationInvalid for a variable with our prefix that sets nothing: most likely it is misspelt."""
    known = {name.upper() for name in Settings.model_fields}
    for name in environment:
        if name.upper().startswith(PREFIX) and name.upper().removeprefix(PREFIX) not in known:
            close = get_close_matches(name.upper().removeprefix(PREFIX), known, n=1)
            raise ConfigurationInvalid(f"{name}: no such setting" + (f"; is it {PREFIX}{close[0]}?" if close else ""))


def variable_of(field_name: str) -> str:
    """Return the environment variable that sets a field, for example CINEPULSE_DATA_DIR."""
    field_name = field_name.removeprefix(PREFIX.lower())
    field = Settings.model_fields.get(field_name)
    if field is not None and isinstance(field.validation_alias, AliasChoices):
        return field_name.upper()
    return field_name.upper() if field is None else PREFIX + field_name.upper()
