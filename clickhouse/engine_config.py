"""The embedded engine's configuration: limits, grants, and settings that no caller may change.

chDB runs as clickhouse-local does, as its own user's tool: without these files any query could read the machine's
files, call out to other hosts and take all memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import uuid4

if TYPE_CHECKING:
    from pathlib import Path

STORE_FOLDER: Final = "store"
CONFIG_FILE: Final = "engine.xml"
_USERS_FILE: Final = "users.xml"

_MEBIBYTE: Final = 1 << 20
KEEP_FREE_BYTES: Final = 64 * _MEBIBYTE
"""Room on the disk that inserts and merges leave to others: one that runs out of it while it writes may be spoiled
(`clickhouse/full_disk.py`)."""
# A quarter of the engine's own: a streamed block is in memory several times on its way, and rows may be wide.
_BLOCK_ROWS: Final = 16_384
# One query leaves this share of the memory to the others, to merges and to caches.
_QUERY_MEMORY_SHARE: Final = 0.7
REPLACED_SECONDS: Final = 240
"""How long parts live on that a merge has replaced. The embedded engine's own is none at all, where a server has eight
minutes; a part that a full disk has spoiled can be made anew from them (`clickhouse/full_disk.py`)."""

# All that tables need, and nothing beyond: no FILE, URL, S3, REMOTE or other source, no dictionaries (they have sources
# of their own), no BACKUP and FREEZE (they write where they are told), no access control.
_GRANTS: Final = """
    SHOW, SELECT, INSERT, TRUNCATE, OPTIMIZE, DROP, UNDROP TABLE, KILL QUERY,
    CREATE DATABASE, CREATE TABLE, CREATE VIEW, CREATE TEMPORARY TABLE, CREATE FUNCTION,
    ALTER UPDATE, ALTER DELETE, ALTER COLUMN, ALTER INDEX, ALTER PROJECTION, ALTER CONSTRAINT, ALTER TTL,
    ALTER MATERIALIZE TTL, ALTER SETTINGS, ALTER MOVE PARTITION, ALTER VIEW, ALTER DATABASE,
    SYSTEM MERGES, SYSTEM TTL MERGES, SYSTEM DROP CACHE
"""

# Each would have the engine read or write a file of the caller's choice, call out, or run a text as a query.
_FIXED_SETTINGS: Final = (
    "allow_introspection_functions",
    "format_avro_schema_registry_url",
    "format_schema",
    "format_schema_source",
    "format_template_resultset",
    "format_template_row",
    "implicit_select",
    "input_format_record_errors_file_path",
    "output_format_schema",
    "rename_files_after_processing",
    "url_base",
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the engine and its callers may use."""

    memory_bytes: int = 1_500_000_000
    """Memory of all queries, background work and caches together."""
    query_seconds: float = 60.0
    """Longest run of one query; a caller may ask for less, not for more."""
    body_bytes: int = 256 * _MEBIBYTE
    """Largest request body, as sent and decompressed."""
    text_bytes: int = 16 * _MEBIBYTE
    """Largest request body of a statement that is no insert."""
    result_bytes: int = 64 * _MEBIBYTE
    """Largest result in a format that cannot be sent block by block."""
    held_bytes: int = 2048 * _MEBIBYTE
    """Largest result that is held on disk for a caller who waits for the end of the query."""


def write_configuration(path: Path, limits: Limits) -> None:
    """Write the configuration files, and make `default` an ordinary database.

    clickhouse-local's own `default` shows the working directory's files as tables, so it goes under another name here.
    The engine takes over an earlier `default` by the link that a run leaves behind and then refuses to start with two
    databases of one id, so the link has to go before each start.
    """
    metadata = path / STORE_FOLDER / "metadata"
    metadata.mkdir(parents=True, exist_ok=True)
    (metadata / "default").unlink(missing_ok=True)
    if not (metadata / "default.sql").exists():
        (metadata / "default.sql").write_text(f"ATTACH DATABASE _ UUID '{uuid4()}'\nENGINE = Atomic\n", "utf-8")
    _write(path / CONFIG_FILE, _server_config(limits))
    _write(path / _USERS_FILE, _users_config(limits))


def _write(path: Path, text: str) -> None:
    """Write what is not there yet: on a full disk the files of the run before serve on."""
    if not path.exists() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")


def _server_config(limits: Limits) -> str:
    return f"""<clickhouse>
  <users_config>{_USERS_FILE}</users_config>
  <default_database>_local</default_database>
  <timezone>UTC</timezone>
  <max_server_memory_usage>{limits.memory_bytes}</max_server_memory_usage>
  <mark_cache_size>{64 * _MEBIBYTE}</mark_cache_size>
  <background_pool_size>2</background_pool_size>
  <background_schedule_pool_size>2</background_schedule_pool_size>
  <merge_tree><old_parts_lifetime>{REPLACED_SECONDS}</old_parts_lifetime></merge_tree>
  <storage_configuration><disks>
    <default><keep_free_space_bytes>{KEEP_FREE_BYTES}</keep_free_space_bytes></default>
  </disks></storage_configuration>
</clickhouse>
"""


def _users_config(limits: Limits) -> str:
    memory = round(limits.memory_bytes * _QUERY_MEMORY_SHARE)
    fixed = "".join(f"<{name}><const/></{name}>" for name in _FIXED_SETTINGS)
    return f"""<clickhouse>
  <profiles><default>
    <async_insert>0</async_insert>
    <max_block_size>{_BLOCK_ROWS}</max_block_size>
    <implicit_select>0</implicit_select>
    <allow_introspection_functions>0</allow_introspection_functions>
    <max_execution_time>{limits.query_seconds:g}</max_execution_time>
    <max_memory_usage>{memory}</max_memory_usage>
    <constraints>
      <max_execution_time><min>0.001</min><max>{limits.query_seconds:g}</max></max_execution_time>
      <max_memory_usage><min>1</min><max>{memory}</max></max_memory_usage>
      {fixed}
    </constraints>
  </default></profiles>
  <users><default>
    <password></password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>
    <grants><query>GRANT {" ".join(_GRANTS.split())} ON *.*</query></grants>
  </default></users>
  <quotas><default/></quotas>
</clickhouse>
"""
