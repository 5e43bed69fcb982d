"""Writes the parts of the documentation that follow from the code: `python -m tests.generate_docs [--check]`.

A page holds generated tables between `<!-- generated: NAME -->` and `<!-- end -->`; two files are generated whole.
With `--check` nothing is written, and the exit code is 1 where a file is not what the code says.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import annotated_types
import click
from prometheus_client.metrics import MetricWrapperBase
from pydantic import SecretStr

from cinepulse import metrics
from cinepulse.cli import COMMANDS, cli
from cinepulse.settings import Settings, variable_of
from clickhouse import film_measures, measures
from clickhouse.mention_measures import HOURS, MENTIONS
from clickhouse.rows import routes
from clickhouse.sqltext import split_statements
from schemas.registry import read_manifest
from schemas.topics import DAY_MS, HOUR_MS, TOPICS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from schemas.topics import Topic

ROOT: Final = Path(__file__).parents[1]
PAGES: Final = ("README.md", "docs/architecture.md", "docs/metrics.md", "docs/operations.md", "docs/sql.md")
BLOCK: Final = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
TWO_DAYS_MS: Final = 2 * DAY_MS

# What must be filled in before compose starts; everything else has a default.
REQUIRED: Final = ("clickhouse_password", "reddit_client_id", "reddit_client_secret", "tmdb_read_token")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; bars in cells are escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def settings_table() -> str:
    """Return every setting with its default and what it takes."""
    rows = (
        (f"`{variable_of(name)}`", _code(default_of(name)), range_of(name), description_of(name))
        for name in Settings.model_fields
    )
    return table(("Variable", "Default", "Takes", "Meaning"), rows)


def default_of(name: str) -> str:
    """Return a setting's default as it is written in an environment file."""
    default = Settings.model_fields[name].default
    if isinstance(default, SecretStr) or default is None:
        return ""
    return ",".join(map(_plain, default)) if isinstance(default, tuple) else _plain(default)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def range_of(name: str) -> str:
    """Return the bounds of a number or the choices of a text."""
    field = Settings.model_fields[name]
    signs = {annotated_types.Ge: ("≥", "ge"), annotated_types.Gt: (">", "gt"), annotated_types.Le: ("≤", "le")}
    bounds = [
        f"{sign} {_plain(getattr(bound, attribute))}"
        for kind, (sign, attribute) in signs.items()
        for bound in field.metadata
        if isinstance(bound, kind)
    ]
    choices = getattr(field.annotation, "__args__", ())
    if choices and all(isinstance(choice, str) for choice in choices):
        return ", ".join(choices)
    return ", ".join(bounds)


def description_of(name: str) -> str:
    """Return what a setting means, one sentence."""
    return Settings.model_fields[name].description or ""


def metrics_table() -> str:
    """Return every metric with its labels and what to make of it."""
    found = [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]
    rows = (
        (
            f"`{metric._name}{'_total' if metric._type == 'counter' else ''}`",
            str(metric._type),
            ", ".join(metric._labelnames),
            str(metric._documentation),
        )
        for metric in found
    )
    return table(("Metric", "Kind", "Labels", "Meaning, and what to do"), rows)


def topics_table() -> str:
    """Return every topic with its schemas, how long it is kept and the table that it feeds."""
    tables = {route.topic.name: route.table.name for route in routes()}
    manifest = read_manifest()
    rows = (
        (
            f"`{topic.name}`",
            _schema_name(manifest[topic.key_subject][-1].schema),
            _schema_name(manifest[topic.value_subject][-1].schema),
            kept(topic),
            f"`{tables[topic.name]}`" if topic.name in tables else "",
            topic.purpose,
        )
        for topic in TOPICS
    )
    return table(("Topic", "Key", "Value", "Kept", "Table", "Holds"), rows)


def _schema_name(schema: Mapping[str, Any]) -> str:
    return str(schema.get("name", schema["type"]))


def kept(topic: Topic) -> str:
    """Return how long Kafka keeps a topic's records."""
    if topic.retention_ms is None:
        return "the last of each key"
    if topic.retention_ms <= TWO_DAYS_MS:
        return f"{topic.retention_ms // HOUR_MS} h"
    return f"{topic.retention_ms // DAY_MS} d"


def tables_table() -> str:
    """Return every table of ClickHouse with its order and its purpose, as the migrations declare them."""
    declared = re.compile(
        r"CREATE TABLE IF NOT EXISTS (\w+).*\nENGINE = (\w+).*\nORDER BY (.*?)\n.*COMMENT '(.*?)'", re.DOTALL
    )
    # A later migration may make a table anew.
    found = {
        one[1]: one.groups() for statement in split_statements(migrations_text()) if (one := declared.search(statement))
    }
    rows = ((f"`{name}`", engine, f"`{order}`", comment) for name, engine, order, comment in found.values())
    return table(("Table", "Engine", "Ordered by", "Holds"), rows)


def views_list() -> str:
    """Return every view with its purpose, parameters and columns, as the migrations declare them."""
    found = re.findall(
        r"CREATE VIEW IF NOT EXISTS (\w+)(?:\n\((.*?)\n\))?\s+AS\s(.*?)\nCOMMENT '(.*?)'", migrations_text(), re.DOTALL
    )
    parts = []
    for name, columns, body, comment in {one[0]: one for one in found}.values():
        parameters = ", ".join(f"{key} = {kind}" for key, kind in dict(re.findall(r"\{(\w+):(\w+)\}", body)).items())
        parts.append(f"### {name}{f'({parameters})' if parameters else ''}\n\n{comment}\n")
        rows = re.findall(r"^    (\w+) (.+?) COMMENT '(.*?)',?$", columns, re.MULTILINE)
        if rows:
            parts.append(table(("Column", "Type", "Meaning"), ((f"`{key}`", kind, text) for key, kind, text in rows)))
    return "\n".join(parts)


def migrations_text() -> str:
    """Return the SQL of all migrations, in order."""
    paths = sorted((ROOT / "clickhouse" / "migrations").glob("*.sql"))
    return ";\n".join(path.read_text("utf-8") for path in paths)


def commands_table() -> str:
    """Return every command with its one line of help."""
    rows = ((f"`cinepulse {' '.join(words)}`", command.get_short_help_str(200)) for words, command in leaves(cli))
    return table(("Command", "What it does"), rows)


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command that does something, with its words."""
    context = click.Context(group)
    for name in group.list_commands(context) if path else COMMANDS:
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from leaves(command, (*path, name))
        elif command is not None and not command.hidden:
            yield (*path, name), command


def measures_table(family: Sequence[measures.Measure]) -> str:
    """Return the metrics of a family as the registry has them."""
    rows = ((f"`{one.name}`", one.formula, one.unit, one.null, one.example) for one in family)
    return table(("Metric", "Formula", "Unit", "Null when", "Example"), rows)


def schemas_page() -> str:
    """Return the page of all schemas, field by field."""
    manifest = read_manifest()
    parts = [SCHEMAS_HEAD]
    for topic in TOPICS:
        parts.append(f"\n## {topic.name}\n\n{topic.purpose.capitalize()}. Kept: {kept(topic)}.\n")
        for part, subject in (("Key", topic.key_subject), ("Value", topic.value_subject)):
            version = manifest[subject][-1]
            parts.append(f"\n### {part}: {_schema_name(version.schema)}\n\n")
            parts.append(f"Subject `{subject}`, version {version.version}, id {version.schema_id} in the manifest.")
            parts.append(f" {version.schema['doc']}\n\n" if "doc" in version.schema else "\n")
            if "fields" in version.schema:
                parts.append(table(("Field", "Type", "Default", "Meaning"), map(_field_row, version.schema["fields"])))
    return "".join(parts)


SCHEMAS_HEAD: Final = """\
# Schemas

The contract between the stages. This page is written from the Avro files in
[`schemas/avro`](../schemas/avro) by `make format`; change those.

Every key and value is Avro in Confluent's wire format: a zero byte, the schema's id in four big-endian bytes, the
body. Ids come from [`schemas/manifest.json`](../schemas/manifest.json), or from a registry when
`SCHEMA_REGISTRY_URL` is set; the body is the same bytes either way. Instants are milliseconds since 1970-01-01 UTC,
days are days since then. Null is unknown, never zero.

To change a schema, add the next version beside the old ones (`SUBJECT.vN.avsc`) and to the manifest with an id of
its own, and change `schemas/events.py`. Every version must be able to read, and be read by, every other
(FULL_TRANSITIVE): in practice new fields have defaults, and nothing is renamed or changes its type.
`schemas/compatibility.py` checks it in the tests, and a registry checks it again.
"""


def _field_row(field: Mapping[str, Any]) -> tuple[str, str, str, str]:
    default = f"`{_json(field['default'])}`" if "default" in field else ""
    return f"`{field['name']}`", type_name(field["type"]), default, field["doc"]


def _json(value: object) -> str:
    return (
        {None: "null", True: "true", False: "false"}[value] if value is None or isinstance(value, bool) else str(value)
    )


def type_name(declared: Any) -> str:
    """Return an Avro type in words: `long`, `string or null`, `list of string`, an enum's symbols."""
    if isinstance(declared, list):
        return " or ".join(type_name(branch) for branch in sorted(declared, key=lambda branch: branch == "null"))
    if isinstance(declared, str):
        return declared
    if declared["type"] == "enum":
        return "one of " + ", ".join(declared["symbols"])
    if declared["type"] == "array":
        return f"list of {type_name(declared['items'])}"
    logical = {"timestamp-millis": "instant", "date": "day"}.get(declared.get("logicalType", ""))
    return f"{logical} ({declared['type']})" if logical else str(declared["type"])


def env_example() -> str:
    """Return the environment file with every setting: the required ones empty, the others commented with defaults."""
    required = "".join(f"\n# {description_of(name)}\n{variable_of(name)}=\n" for name in REQUIRED)
    others = "".join(
        f"\n# {description_of(name)}{_takes(name)}\n# {variable_of(name)}={_quoted(default_of(name))}\n"
        for name in Settings.model_fields
        if name not in REQUIRED
    )
    return ENV_HEAD + required + ENV_OTHERS + others


def _takes(name: str) -> str:
    return f" Takes: {range_of(name)}." if range_of(name) else ""


def _quoted(text: str) -> str:
    """Quote what a shell would take apart; compose takes the quotes off as a shell does."""
    return text if re.fullmatch(r"[\w.,:/+-]*", text) else f"'{text}'"


ENV_HEAD: Final = """\
# Copy to .env for `docker compose`. cinepulse itself reads the environment only; to use this file without compose:
#   set -a; . ./.env; set +a
# A variable that is empty or left out has its default. This file is written by `make format`.

# Kafka: single (one broker) or cluster (three; then set CINEPULSE_REPLICATION_FACTOR=3 below).
COMPOSE_PROFILES=single

# Tag of the image that compose builds and runs; the version of the code when left out.
# IMAGE_TAG=

# --- Required by compose: keys and passwords -----------------------------------------------------------------------
"""
ENV_OTHERS: Final = """
# --- Everything else, with its default. Compose sets addresses, ports and the data directory itself. ---------------
"""

BLOCKS: Final[Mapping[str, Callable[[], str]]] = {
    "settings": settings_table,
    "metrics": metrics_table,
    "topics": topics_table,
    "tables": tables_table,
    "views": views_list,
    "commands": commands_table,
    "measures": partial(measures_table, measures.POPULARITY),
    "kpis": partial(measures_table, film_measures.KPIS),
    "groups": partial(measures_table, film_measures.GROUPS),
    "together": partial(measures_table, film_measures.TOGETHER),
    "forecasts": partial(measures_table, film_measures.FORECASTS),
    "measures_now": partial(measures_table, measures.NOW),
    "sentiment_measures": partial(measures_table, measures.SENTIMENT),
    "why_measures": partial(measures_table, measures.WHY),
    "mention_measures": partial(measures_table, MENTIONS),
    "mention_hours": partial(measures_table, HOURS),
}
WHOLE: Final[Mapping[str, Callable[[], str]]] = {"docs/schemas.md": schemas_page, ".env.example": env_example}


def wanted() -> dict[Path, str]:
    """Return every generated file with the text that it should have."""
    texts = {ROOT / name: page() for name, page in WHOLE.items()}
    for name in PAGES:
        text = (ROOT / name).read_text("utf-8")
        texts[ROOT / name] = BLOCK.sub(lambda found: found[1] + BLOCKS[found[2]]() + found[3], text)
    return texts


def stale() -> list[str]:
    """Return the names of the files that are not what the code says."""
    return [
        path.relative_to(ROOT).as_posix()
        for path, text in wanted().items()
        if not path.exists() or path.read_text("utf-8") != text
    ]


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 where a file is out of date.")
def main(*, check: bool) -> None:
    """Write the generated parts of the documentation."""
    names = stale()
    if check and names:
        raise click.ClickException(f"out of date: {', '.join(names)}; run `make format`")
    for path, text in wanted().items():
        if not check:
            path.write_text(text, "utf-8")
    if not check:
        click.echo(f"{len(names)} generated files changed")


if __name__ == "__main__":
    main()
