"""Every setting: typed, frozen, built once by the command line and passed down.

Precedence, highest first: a flag, the environment (`CINEPULSE_*`), the addresses that a running `cinepulse up` wrote
into its data directory, the default below. Nothing is read at import.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from cinepulse.errors import ConfigurationInvalid

PREFIX = "CINEPULSE_"
ENDPOINTS_FILE = Path("run", "endpoints.json")
"""Below the data directory: the settings that `cinepulse up` fixed when it started, readable by its owner only."""

DEFAULT_SUBREDDITS = "movies,boxoffice,TrueFilm,horror,scifi,MovieSuggestions,Letterboxd,flicks,moviecritic,Cinema"


class Settings(BaseSettings):
    """All settings of all parts; a part takes the whole and reads its own."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", populate_by_name=True)

    data_dir: Path = Field(Path(".cinepulse"), description="Where the embedded stack keeps its state.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least severe log line shown.")

    # Kafka and the contract
    kafka_bootstrap: str = Field("127.0.0.1:9092", description="Kafka's bootstrap servers, host:port, comma-separated.")
    partitions: int = Field(4, ge=1, le=1024, description="Partitions of every topic; fixed once topics exist.")
    replication_factor: int = Field(1, ge=1, le=9, description="Replicas of every partition.")
    schema_registry_url: str | None = Field(
        None,
        validation_alias=AliasChoices("SCHEMA_REGISTRY_URL", "schema_registry_url"),
        description="Confluent-compatible schema registry; ids come from the manifest when unset.",
    )

    # ClickHouse
    clickhouse_host: str = Field("127.0.0.1", description="ClickHouse's HTTP host.")
    clickhouse_port: int = Field(8123, ge=1, le=65535, description="ClickHouse's HTTP port.")
    clickhouse_user: str = Field("cinepulse", description="ClickHouse user.")
    clickhouse_password: SecretStr = Field(SecretStr(""), description="ClickHouse password.")
    clickhouse_database: str = Field("cinepulse", description="ClickHouse database of all tables.")
    clickhouse_secure: bool = Field(False, description="Talk HTTPS to ClickHouse.")

    # Reddit
    reddit_client_id: str = Field(
        "",
        validation_alias=AliasChoices("REDDIT_CLIENT_ID", "reddit_client_id"),
        description="Client id of the Reddit app; the loopback world is used when unset.",
    )
    reddit_client_secret: SecretStr = Field(
        SecretStr(""),
        validation_alias=AliasChoices("REDDIT_CLIENT_SECRET", "reddit_client_secret"),
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
        validation_alias=AliasChoices("TMDB_READ_TOKEN", "tmdb_read_token"),
        description="TMDB v4 read access token; the loopback world is used when unset.",
    )
    tmdb_url: str = Field("https://api.themoviedb.org/3", description="Base address of TMDB's API.")
    tmdb_files_url: str = Field("https://files.tmdb.org", description="Base address of TMDB's daily export files.")
    tmdb_requests_per_second: float = Field(20.0, gt=0, le=40, description="Most requests a second sent to TMDB.")
    tmdb_poll_seconds: float = Field(3600.0, gt=0, description="Pause between two polls of TMDB's lists.")
    tmdb_tracked_titles: int = Field(1000, ge=1, description="How many films get details, most popular first.")

    # Linking and counting
    link_threshold: float = Field(0.5, ge=0, le=1, description="Least confidence at which a mention is kept.")
    grace_hours: float = Field(48.0, ge=0, description="Hours after a day's end until its counts are final.")
    flush_seconds: float = Field(0.5, gt=0, description="Most seconds between two flushes of the count worker.")
    dead_letter_max_share: float = Field(
        0.5, gt=0, le=1, description="Share of poison among a partition's latest records that stops a worker."
    )

    # Sink
    sink_flush_seconds: float = Field(0.5, gt=0, le=1, description="Most seconds between two inserts of the sink.")
    sink_max_rows: int = Field(50_000, ge=1, description="Most rows in one insert.")

    # Metrics of one process
    metrics_port: int = Field(0, ge=0, le=65535, description="Port for /metrics and /healthz; 0 for none.")
    metrics_host: str = Field("127.0.0.1", description="Address for /metrics and /healthz.")

    @field_validator("subreddits", "reddit_recheck_seconds", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Take a comma-separated text as well as a sequence."""
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

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
        data_dir = Path(named.get("data_dir", Settings.model_fields["data_dir"].default))
        try:
            found: dict[str, Any] = json.loads((data_dir / ENDPOINTS_FILE).read_text("utf-8"))
        except FileNotFoundError:
            return {}
        return found


def load_settings(**flags: Any) -> Settings:
    """Return the settings; `flags` left at None do not count.

    Raises ConfigurationInvalid with one line that names the setting and what is wrong with it.
    """
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        raise ConfigurationInvalid(f"{variable_of(name.lower())}: {first['msg']}") from None


def variable_of(field_name: str) -> str:
    """Return the environment variable that sets a field, for example CINEPULSE_DATA_DIR."""
    field = Settings.model_fields.get(field_name)
    if field is not None and isinstance(field.validation_alias, AliasChoices):
        return str(field.validation_alias.choices[0])
    return field_name.upper() if field is None else PREFIX + field_name.upper()
