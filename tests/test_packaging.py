from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from importlib import import_module
from importlib.metadata import metadata, packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ["cinepulse", "producers", "schemas", "stream_processors", "clickhouse"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built as the image builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_ours(package: str) -> None:
    """The folder names are generic: no other distribution may bring, or win over, a package of the same name."""
    installed_by = set(packages_distributions().get(package, []))
    file = import_module(package).__file__

    assert installed_by <= {"cinepulse"}
    assert file is not None
    assert Path(file).is_relative_to(ROOT)


def test_it_can_never_be_published() -> None:
    """The index refuses a distribution with this classifier."""
    assert "Private :: Do Not Upload" in (metadata("cinepulse").get_all("Classifier") or [])


def test_the_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    """Schemas, migrations, queries and data go along with the code; nothing else does."""
    files = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}

    assert held == files


def test_an_unpacked_wheel_works_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """The packages find their data files where they are installed, not where they were written."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = (
        "import cinepulse; from cinepulse.cli import main; from schemas.registry import read_manifest; "
        "print(cinepulse.__file__, len(read_manifest())); raise SystemExit(main(['--version']))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
    )

    assert done.stdout.split()[0] == str(tmp_path / "cinepulse" / "__init__.py")
    assert "cinepulse, version" in done.stdout
