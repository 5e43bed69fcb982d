"""Files from outside: every packing, and whatever may be wrong with one."""

from __future__ import annotations

import gzip
import os
import sys
import tracemalloc
import zipfile
from typing import TYPE_CHECKING

import pytest

from cinepulse.errors import ConfigurationInvalid, DumpDamaged
from producers.backfill import dump_file
from producers.backfill.dump_file import MAX_LINE_BYTES, DumpFile

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LINES = [b'{"a": 1}\n', b"\n", b'{"b": "\xc3\xa9"}\n', b'{"c": 3}']
LONG_WINDOW = {
    int(zstd.CompressionParameter.window_log): 31,
    int(zstd.CompressionParameter.enable_long_distance_matching): 1,
}


def long_zstd(data: bytes) -> bytes:
    """Pack as Reddit's dumps are, with a window of 2 GiB: a compressor that is not told the size declares it whole."""
    compressor = zstd.ZstdCompressor(options=LONG_WINDOW)
    return compressor.compress(data) + compressor.flush()


def checked_zstd(data: bytes) -> bytes:
    """Pack with a checksum, as the command line's zstd does."""
    return zstd.compress(data, options={int(zstd.CompressionParameter.checksum_flag): 1})


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "zstd": checked_zstd,
    "zstd --long=31": long_zstd,
}


def read(path: Path) -> list[tuple[int, bytes | None]]:
    """Return a file's lines."""
    with DumpFile(path) as file:
        return list(file.lines())


@pytest.mark.parametrize("pack", PACKINGS.values(), ids=PACKINGS)
def test_lines_are_the_same_however_packed(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    """The first bytes tell the packing, not the name; a byte order mark is no part of the first line."""
    path = tmp_path / "dump.whatever"
    path.write_bytes(pack(b"\xef\xbb\xbf" + b"".join(LINES)))

    assert read(path) == list(enumerate(LINES, 1))


def test_a_long_window_is_really_declared() -> None:
    """The packing above is one that a reader with the usual bound of 128 MiB refuses: the test tests something."""
    with pytest.raises(zstd.ZstdError):
        zstd.decompress(long_zstd(b"x" * 10))


def test_position_reaches_the_size(tmp_path: Path) -> None:
    """Progress is told in bytes of the file, up to all of them."""
    path = tmp_path / "dump.gz"
    path.write_bytes(gzip.compress(b"".join(LINES)))

    with DumpFile(path) as file:
        assert (file.position, file.size) == (0, path.stat().st_size)
        assert len(list(file.lines())) == len(LINES)
        assert file.position == file.size


def test_a_line_of_any_length_costs_bounded_memory(tmp_path: Path) -> None:
    """A line beyond the bound is told as one that cannot be read; the lines around it are whole."""
    path = tmp_path / "dump"
    path.write_bytes(b"before\n" + b"x" * (6 * MAX_LINE_BYTES) + b"\nafter\n")

    tracemalloc.start()
    lines = read(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert lines == [(1, b"before\n"), (2, None), (3, b"after\n")]
    assert peak < 3 * MAX_LINE_BYTES


@pytest.mark.parametrize("content", [b"x" * 999 + b"\n", b"y" * 1_000], ids=["many lines", "one line"])
def test_a_bomb_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """A small file that swells a thousandfold ends with an error, whether in lines or in one."""
    monkeypatch.setattr(dump_file, "FREE_BYTES", 1_000_000)
    path = tmp_path / "dump.gz"
    path.write_bytes(gzip.compress(content * 40_000))

    with pytest.raises(DumpDamaged, match="swells to more than 250 times"):
        read(path)


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_a_file_that_is_cut_off_gives_what_it_has(tmp_path: Path, name: str) -> None:
    """The lines before the end are read; then it is said that the file is damaged, and behind which line."""
    lines = [os.urandom(30).hex().encode() + b"\n" for _ in range(20_000)]
    path = tmp_path / "dump"
    path.write_bytes(PACKINGS[name](b"".join(lines))[:-20_000])
    got: list[bytes | None] = []

    with DumpFile(path) as file, pytest.raises(DumpDamaged, match=r"damaged or cut off behind line \d+"):
        got.extend(line for _, line in file.lines())

    assert 1_000 < len(got) < len(lines)
    assert got == lines[: len(got)]


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_a_file_with_a_flipped_bit_is_damaged(tmp_path: Path, name: str) -> None:
    """Damage is told as such and never as a failure of this program."""
    data = bytearray(PACKINGS[name](b"".join(b"%d line\n" % number for number in range(50_000))))
    data[len(data) // 2] ^= 0xFF
    path = tmp_path / "dump"
    path.write_bytes(data)

    with pytest.raises(DumpDamaged):
        read(path)


def test_a_link_is_refused(tmp_path: Path) -> None:
    """A symbolic link in a folder of dumps cannot choose what is read."""
    (tmp_path / "secret").write_text("x")
    (tmp_path / "dump").symlink_to(tmp_path / "secret")

    with pytest.raises(ConfigurationInvalid, match="a symbolic link: give the file itself"):
        DumpFile(tmp_path / "dump")


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    """A folder, a pipe nobody writes to, a missing file and a name that is none end at once with a reason."""
    os.mkfifo(tmp_path / "pipe")

    for name, told in (
        ("", "not a regular file|Is a directory"),
        ("pipe", "not a regular"),
        ("none", "No such file"),
        ("a\0b", "null"),
    ):
        with pytest.raises(ConfigurationInvalid, match=told):
            DumpFile(tmp_path / name)


def test_an_archive_is_refused(tmp_path: Path) -> None:
    """An archive has names of its own, such as ../../etc: it is for the user to unpack."""
    with zipfile.ZipFile(tmp_path / "dump.zst", "w") as archive:
        archive.writestr("../../evil.jsonl", "{}")

    with pytest.raises(ConfigurationInvalid, match="a zip file: unpack it"):
        DumpFile(tmp_path / "dump.zst")


def test_a_name_cannot_steer_the_terminal(tmp_path: Path) -> None:
    """Control characters in a file's name are shown, not obeyed."""
    path = tmp_path / "\x1b[2Jdump"
    path.write_bytes(b"{}")

    with DumpFile(path) as file:
        assert "\x1b" not in file.name


def test_a_fingerprint_knows_a_file_by_its_content(tmp_path: Path) -> None:
    """A copy has the same; another beginning, end or size another."""
    names = {"a": b"1" * 200_000, "copy": b"1" * 200_000, "longer": b"1" * 200_001, "end": b"1" * 199_999 + b"2"}
    found = {}
    for name, content in names.items():
        (tmp_path / name).write_bytes(content)
        with DumpFile(tmp_path / name) as file:
            found[name] = file.fingerprint()
            assert next(iter(file.lines()))[0] == 1

    assert found["a"] == found["copy"]
    assert len(set(found.values())) == 3
