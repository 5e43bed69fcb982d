from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest

from cinepulse.errors import StackUnavailable
from cinepulse.local import jars, kafka
from cinepulse.local.jars import Jar, classpath, fetch, jars_dir, parse_list, pinned_jars, unverified
from cinepulse.local.kafka import BrokerPorts, prepare_broker

if TYPE_CHECKING:
    from jgo.maven import MavenContext

CONTENT = {"a/one/1/one-1.jar": b"one", "a.b/two/2/two-2.jar": b"two"}
LIST = tuple(Jar(PurePosixPath(path), hashlib.sha256(content).hexdigest()) for path, content in CONTENT.items())


class Registry:
    """Serves CONTENT in jgo's place and counts what is asked of it; `broken` paths fail that many times first."""

    def __init__(self, content: dict[str, bytes], broken: dict[str, int] | None = None) -> None:
        self.content = content
        self.broken = broken or {}
        self.asked: list[str] = []

    def __call__(self, context: MavenContext, path: PurePosixPath) -> Path:
        """Write the file into the context's cache, as jgo does."""
        self.asked.append(str(path))
        target = Path(context.repo_cache, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if self.broken.get(str(path), 0) > 0:
            self.broken[str(path)] -= 1
            target.write_bytes(b"half")
            raise ConnectionError("reset")
        target.write_bytes(self.content[str(path)])
        return target


def test_the_installed_jars_are_the_recorded_ones() -> None:
    """What `make setup` fetched is complete, and every byte is what the checked-in list says."""
    wanted = pinned_jars()

    assert len(wanted) > 40
    assert unverified(jars_dir(), wanted) == ()


def test_the_list_names_kafka_and_its_log_bridge() -> None:
    """Without the bridge between SLF4J and log4j the broker would write no log."""
    names = {jar.path.name for jar in pinned_jars()}

    assert f"kafka_2.13-{jars.KAFKA_VERSION}.jar" in names
    assert jars.LOG_BRIDGE.name in names


def test_the_list_is_sha256sum_s_format() -> None:
    """The list can be checked without cinepulse, by `sha256sum --check`."""
    assert parse_list("abc  g/a/1/a-1.jar\n\ndef  g/b/2/b 2.jar\n") == (
        Jar(PurePosixPath("g/a/1/a-1.jar"), "abc"),
        Jar(PurePosixPath("g/b/2/b 2.jar"), "def"),
    )


def test_a_fetch_gets_what_is_missing_and_the_next_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fetch is complete, tells its progress and is not repeated; nothing but the jars and the lock is left."""
    registry = Registry(CONTENT)
    monkeypatch.setattr(jars, "_artifact", registry)
    told: list[tuple[int, int]] = []

    first = fetch(tmp_path, LIST, progress=lambda done, total: told.append((done, total)))
    second = fetch(tmp_path, LIST)

    assert (first, second) == (2, 0)
    assert told == [(1, 2), (2, 2)]
    assert sorted(registry.asked) == sorted(CONTENT)
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()} == {
        ".lock",
        *CONTENT,
    }


def test_two_fetches_at_once_download_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two set-ups on one environment the second waits for the first and finds its jars."""
    registry = Registry(CONTENT)
    monkeypatch.setattr(jars, "_artifact", registry)

    with ThreadPoolExecutor(2) as pool:
        counts = list(pool.map(lambda _: fetch(tmp_path, LIST), range(2)))

    assert sorted(registry.asked) == sorted(CONTENT)
    assert sum(counts) == 2
    assert unverified(tmp_path, LIST) == ()


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """An environment of another user is one clear line."""
    (tmp_path / "file").touch()

    with pytest.raises(StackUnavailable, match="cannot write"):
        fetch(tmp_path / "file" / "jars", LIST)


def test_a_download_that_breaks_off_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The half file of a failed attempt is not taken for the jar."""
    monkeypatch.setattr(jars, "_artifact", Registry(CONTENT, broken={"a/one/1/one-1.jar": 1}))

    fetch(tmp_path, LIST)

    assert unverified(tmp_path, LIST) == ()


def test_an_unreachable_registry_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network the error names the cause and the next step, and leaves no half jar."""
    monkeypatch.setattr(jars, "_artifact", Registry(CONTENT, broken=dict.fromkeys(CONTENT, 99)))

    with pytest.raises(StackUnavailable, match="check the network or proxy") as raised:
        fetch(tmp_path, LIST)

    assert "\n" not in str(raised.value)
    assert unverified(tmp_path, LIST) == LIST


def test_other_bytes_than_recorded_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry that serves a changed jar does not get it into place."""
    monkeypatch.setattr(jars, "_artifact", Registry({**CONTENT, "a/one/1/one-1.jar": b"evil"}))

    with pytest.raises(StackUnavailable, match=r"one-1\.jar is not the one"):
        fetch(tmp_path, LIST)

    assert not (tmp_path / "a/one/1/one-1.jar").exists()


def test_a_changed_jar_is_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fetching mends a directory in which a jar was changed."""
    monkeypatch.setattr(jars, "_artifact", Registry(CONTENT))
    fetch(tmp_path, LIST)
    (tmp_path / "a/one/1/one-1.jar").write_bytes(b"evil")

    mended = fetch(tmp_path, LIST)

    assert mended == 1
    assert unverified(tmp_path, LIST) == ()


def test_a_class_path_of_changed_jars_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Java gets no class path while a jar is missing or has other bytes; the error says how to mend it."""
    monkeypatch.setattr(jars, "_artifact", Registry(CONTENT))
    fetch(tmp_path, LIST)
    whole = classpath(tmp_path, LIST)
    (tmp_path / "a/one/1/one-1.jar").write_bytes(b"evil")

    with pytest.raises(StackUnavailable, match=r"one-1\.jar is changed.*cinepulse kafka fetch"):
        classpath(tmp_path, LIST)

    assert whole.split(":") == [str(tmp_path / jar.path) for jar in LIST]


def test_the_broker_does_not_start_on_changed_jars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check stands between the jars and Java at every start, not only at the download."""
    monkeypatch.setattr(kafka, "jars_dir", lambda: tmp_path / "empty")

    with pytest.raises(StackUnavailable, match="is missing"):
        prepare_broker(tmp_path / "broker", BrokerPorts(1, 2))

    assert not (tmp_path / "broker").exists()
