"""Supervisor, the library, as our process keeper: its configuration, its process and its RPC over a local socket.

supervisord starts, logs, rotates, restarts and reaps; what to start when and whether a part really works is decided in
`stack.py`. Its documentation: http://supervisord.org/configuration.html and http://supervisord.org/api.html
"""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cinepulse.errors import StackUnavailable
from cinepulse.local.processes import ProcessRef, end_processes
from cinepulse.local.state import LOGS_DIR, RUN_DIR

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cinepulse.local.parts import Part

CONFIG_FILE: Final = "supervisord.conf"
SOCKET_FILE: Final = "supervisor.sock"
LOG_FILE: Final = "supervisord.log"
# The kernel takes at most 104 (macOS) or 108 (Linux) bytes; supervisord binds a name with its pid added.
LONGEST_SOCKET_PATH: Final = 90
UP_SECONDS: Final = 15.0
RPC_SECONDS: Final = 2.0
DOWN_SECONDS: Final = 1.5

# A part that ends within QUICK_SECONDS of its start counts as one that failed to start: supervisord waits 1, then 2
# seconds before it tries again and then leaves it to the stack's own, longer back-off.
QUICK_SECONDS: Final = 10
QUICK_RETRIES: Final = 2

RPC_FACTORY: Final = "supervisor.rpcinterface:make_main_rpcinterface"
FAILURES: Final = (OSError, HTTPException, xmlrpc.client.Error)


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """A part's process as supervisord sees it.

    `pid` is 0 while there is none. `idle`: supervisord will not start it by itself. `failed`: every try ended at once.
    """

    pid: int
    idle: bool
    failed: bool


class Supervisord:
    """One supervisord process for the parts of a data directory."""

    def __init__(self, home: Path, parts: Iterable[Part], environment: Mapping[str, str]) -> None:
        self._home = home
        self._parts = tuple(parts)
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self.socket = home / RUN_DIR / SOCKET_FILE
        self.ref: ProcessRef | None = None

    def start(self) -> None:
        """Start supervisord and return once it answers; no part runs yet. Raises StackUnavailable if it does not."""
        run = self._home / RUN_DIR
        remove_socket(self.socket, self._home)
        self._place_socket()
        (run / CONFIG_FILE).write_text(config_text(self._parts, self.socket), "utf-8")
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "supervisor.supervisord", "-c", CONFIG_FILE],
            cwd=run,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C reaches every process of a terminal's group; the stack stops its parts itself, in order.
            start_new_session=True,
        )
        self.ref = ProcessRef.of(self._process.pid)
        deadline = time.monotonic() + UP_SECONDS
        while self.processes() is None:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise StackUnavailable(f"supervisord does not start: see {self._home / LOGS_DIR / LOG_FILE}")
            time.sleep(0.02)

    def alive(self) -> bool:
        """Return whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def processes(self) -> dict[str, ProcessInfo] | None:
        """Return each part's process by the part's name, None when supervisord does not answer."""
        try:
            infos: list[dict[str, Any]] = self._ask("getAllProcessInfo")
        except FAILURES:
            return None
        return {info["name"]: _process_info(info) for info in infos}

    def start_part(self, name: str) -> None:
        """Start a part's process unless it runs."""
        self._call("startProcess", name, False)

    def stop_part(self, name: str) -> None:
        """Ask a part's process to end and to stay ended; supervisord ends it by force after its `stop_seconds`."""
        self._call("stopProcess", name, False)

    def signal_part(self, name: str, signal: str) -> None:
        """Send a signal by its name, for example TERM; supervisord starts the part again if it ends."""
        self._call("signalProcess", name, signal)

    def stop(self) -> None:
        """End supervisord and whatever still runs below it."""
        if self.alive():
            self._call("shutdown")
            self._wait(DOWN_SECONDS)
        if self.ref:
            end_processes([self.ref], grace=DOWN_SECONDS)
        self._wait(DOWN_SECONDS)
        remove_socket(self.socket, self._home)

    def _wait(self, seconds: float) -> None:
        if self._process:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)

    def _place_socket(self) -> None:
        """Put the socket into a private directory of the system's when the data directory lies too deep for one."""
        self.socket = self._home / RUN_DIR / SOCKET_FILE
        if len(os.fsencode(self.socket)) > LONGEST_SOCKET_PATH:
            base = tempfile.gettempdir() if len(tempfile.gettempdir()) < LONGEST_SOCKET_PATH // 2 else "/tmp"  # noqa: S108 - mkdtemp below makes a directory of its owner's
            self.socket = Path(tempfile.mkdtemp(prefix="cinepulse-", dir=base)) / SOCKET_FILE

    def _ask(self, method: str, *arguments: object) -> Any:
        with xmlrpc.client.ServerProxy("http://localhost", transport=_UnixTransport(self.socket)) as server:
            return getattr(server.supervisor, method)(*arguments)

    def _call(self, method: str, *arguments: object) -> None:
        """Call supervisord and go on whatever it says: the next look at the processes tells what came of it."""
        with suppress(*FAILURES):
            self._ask(method, *arguments)


class _UnixConnection(HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=RPC_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(RPC_SECONDS)
        try:
            self.sock.connect(str(self._path))
        except OSError:
            self.close()
            raise


class _UnixTransport(xmlrpc.client.Transport):
    """XML-RPC over a local socket with a time limit: a supervisord that hangs must not hang its stack."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> _UnixConnection:
        # Where the base class looks for what it has to close.
        self._connection = host, _UnixConnection(self._path)
        return self._connection[1]


def remove_socket(path: Path, home: Path) -> None:
    """Remove a stack's socket, with the directory that was made for it where it lies outside the data directory."""
    path.unlink(missing_ok=True)
    if not path.is_relative_to(home):
        with suppress(OSError):
            path.parent.rmdir()


def config_text(parts: Iterable[Part], socket_path: Path) -> str:
    """Return supervisord's configuration.

    Files are named relative to the folder in which supervisord and the parts run, so that nothing in the data
    directory's name can be read as syntax.
    """
    sections = [
        ("unix_http_server", {"file": _literal(str(socket_path)), "chmod": "0700"}),
        ("rpcinterface:supervisor", {"supervisor.rpcinterface_factory": RPC_FACTORY}),
        (
            "supervisord",
            {
                "nodaemon": "true",
                "silent": "true",
                "logfile": f"../{LOGS_DIR}/{LOG_FILE}",
                "logfile_maxbytes": "1MB",
                "logfile_backups": "1",
                "pidfile": "supervisord.pid",
                "childlogdir": f"../{LOGS_DIR}",
                # Only the file limit that parts need is asked for; processes are few.
                "minprocs": "1",
            },
        ),
        *((f"program:{part.name}", _program(part)) for part in parts),
    ]
    return "\n".join(
        f"[{title}]\n" + "".join(f"{key}={value}\n" for key, value in values.items()) for title, values in sections
    )


def _program(part: Part) -> dict[str, str]:
    environment = ",".join(f'{name}="{_literal(value)}"' for name, value in part.environment.items())
    return {
        "command": _literal(shlex.join(part.command)),
        "autostart": "false",
        "autorestart": "true",
        "startsecs": str(QUICK_SECONDS),
        "startretries": str(QUICK_RETRIES),
        "stopsignal": "TERM",
        "stopwaitsecs": str(round(part.stop_seconds)),
        "killasgroup": "true",
        "umask": "077",
        "redirect_stderr": "true",
        "stdout_logfile": f"../{LOGS_DIR}/{part.name}.log",
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": "2",
        **({"environment": environment} if environment else {}),
    }


def _literal(text: str) -> str:
    """Return text that supervisord reads as it is: no expansion of %, no comment at ; or # after a space.

    For a quoted command an empty pair of quotes parts the space from the sign and vanishes in the reading.
    """
    return re.sub(r"(\s)(?=[;#])", r"\1''", text.replace("%", "%%"))


def _process_info(info: Mapping[str, Any]) -> ProcessInfo:
    from supervisor.states import ProcessStates

    # A part that has EXITED is not idle: `autorestart` starts it within the same second.
    idle = info["state"] in {ProcessStates.STOPPED, ProcessStates.FATAL, ProcessStates.UNKNOWN}
    return ProcessInfo(int(info["pid"]), idle, info["state"] == ProcessStates.FATAL)
