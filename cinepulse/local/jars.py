"""Kafka's jars: resolved once by jgo, pinned by SHA-256, kept beside the interpreter's packages.

The list `kafka-jars.sha256` has one line a jar in `sha256sum`'s format, its name being its path in Maven's repository
layout. It is both what to download and what to trust: nothing is resolved on a user's machine, and no byte runs that
the list does not name.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

import stamina
from filelock import FileLock

from cinepulse.errors import StackUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jgo.maven import MavenContext

KAFKA_VERSION: Final = "4.3.1"
ENDPOINT: Final = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}"
# Kafka logs through SLF4J 1.7 and brings log4j without the bridge between them; its version is that of Kafka's log4j.
# Resolved apart, since in one resolution with Kafka its parent's managed versions would replace Kafka's own.
LOG_BRIDGE: Final = PurePosixPath("org/apache/logging/log4j/log4j-slf4j-impl/2.25.4/log4j-slf4j-impl-2.25.4.jar")
LIST_FILE: Final = "kafka-jars.sha256"

# The repository serves each file fast and answers slowly, so a few at a time; more would be impolite.
CONNECTIONS: Final = 4
ATTEMPTS: Final = 3
REQUEST_SECONDS: Final = 20


@dataclass(frozen=True, slots=True)
class Jar:
    """One jar: its path in Maven's layout (group/artifact/version/file) and its SHA-256 in hex."""

    path: PurePosixPath
    sha256: str


def jars_dir() -> Path:
    """Return where the jars live: with the virtual environment, so that removing it removes them."""
    return Path(sys.prefix, "share", "cinepulse", f"kafka-{KAFKA_VERSION}")


def parse_list(text: str) -> tuple[Jar, ...]:
    """Return the jars of a list in `sha256sum`'s format."""
    pairs = (line.split(maxsplit=1) for line in text.splitlines() if line.strip())
    return tuple(Jar(PurePosixPath(name), digest) for digest, name in pairs)


def pinned_jars() -> tuple[Jar, ...]:
    """Return the jars that this version of cinepulse runs."""
    return parse_list(files("cinepulse.local").joinpath(LIST_FILE).read_text("utf-8"))


def unverified(directory: Path, jars: Iterable[Jar]) -> tuple[Jar, ...]:
    """Return the jars that `directory` lacks or holds with other bytes than the list says."""
    return tuple(jar for jar in jars if _digest(directory / jar.path) != jar.sha256)


def classpath(directory: Path, jars: tuple[Jar, ...]) -> str:
    """Return Java's class path of the verified jars.

    Raises StackUnavailable when one is missing or its bytes are not those of the list.
    """
    wrong = unverified(directory, jars)
    if wrong:
        state = "changed" if (directory / wrong[0].path).exists() else "missing"
        raise StackUnavailable(
            f"{len(wrong)} of Kafka's {len(jars)} jars missing or changed ({wrong[0].path.name} is {state}): "
            "run `cinepulse kafka fetch`"
        )
    return ":".join(str(directory / jar.path) for jar in jars)


def fetch(directory: Path, jars: tuple[Jar, ...], *, progress: Callable[[int, int], None] | None = None) -> int:
    """Download what `directory` lacks, verify it and move it into place; return how many jars that were.

    Safe for two processes at once, and a broken-off fetch leaves only whole, verified jars. `progress` is told the
    jars present and the jars in all, after each. Raises StackUnavailable when the registry cannot be reached or serves
    other bytes than the list says.
    """
    if not unverified(directory, jars):
        return 0
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StackUnavailable(f"cannot write {directory}: {error.strerror}") from error
    with FileLock(directory / ".lock"), tempfile.TemporaryDirectory(prefix=".fetch-", dir=directory) as staging:
        # Another process may have fetched them while this one waited for the lock.
        wanted = unverified(directory, jars)
        with ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="jars") as pool:
            tasks = [pool.submit(_fetch_one, jar, directory, Path(staging)) for jar in wanted]
            try:
                for done, task in enumerate(as_completed(tasks), len(jars) - len(wanted) + 1):
                    task.result()
                    if progress:
                        progress(done, len(jars))
            finally:
                pool.shutdown(cancel_futures=True)
        return len(wanted)


def record() -> str:
    """Resolve the endpoint afresh and return the list's text: for a new Kafka version, not for a user's machine."""
    from jgo.env import EnvironmentBuilder, LinkStrategy
    from jgo.maven import MavenContext

    with tempfile.TemporaryDirectory() as scratch:
        repository = Path(scratch, "repository")
        context = MavenContext(repo_cache=repository, timeout=REQUEST_SECONDS)
        EnvironmentBuilder(context, cache_dir=Path(scratch, "cache"), link_strategy=LinkStrategy.HARD).from_endpoint(
            ENDPOINT
        )
        _artifact(context, LOG_BRIDGE)
        return "".join(
            f"{_digest(jar)}  {jar.relative_to(repository).as_posix()}\n" for jar in sorted(repository.rglob("*.jar"))
        )


def _fetch_one(jar: Jar, directory: Path, staging: Path) -> None:
    downloaded = _download(jar, staging)
    if _digest(downloaded) != jar.sha256:
        raise StackUnavailable(f"the registry's {jar.path.name} is not the one that {LIST_FILE} names: refused")
    target = directory / jar.path
    target.parent.mkdir(parents=True, exist_ok=True)
    downloaded.replace(target)


def _download(jar: Jar, staging: Path) -> Path:
    from jgo.maven import MavenContext

    try:
        for attempt in stamina.retry_context(on=(OSError, RuntimeError), attempts=ATTEMPTS, timeout=60):
            with attempt:
                # jgo trusts a file that is there, so what a failed attempt left must not be found by the next.
                repository = staging / str(attempt.num)
                shutil.rmtree(repository / jar.path.parent, ignore_errors=True)
                return _artifact(MavenContext(repo_cache=repository, timeout=REQUEST_SECONDS), jar.path)
    except (OSError, RuntimeError) as error:
        raise StackUnavailable(
            f"cannot download {jar.path.name} from Maven Central ({type(error).__name__}): "
            "check the network or proxy, then run `cinepulse kafka fetch` again"
        ) from error
    raise AssertionError  # stamina either returns or raises


def _artifact(context: MavenContext, jar: PurePosixPath) -> Path:
    *group, name, version, _file = jar.parts
    path: Path = context.project(".".join(group), name).at_version(version).artifact().resolve()
    return path


def _digest(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return None
