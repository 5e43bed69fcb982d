from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from cinepulse.cli import COMMANDS, cli
from cinepulse.commands.stack import CONTROLLER_PORT, WORLD_PORT
from cinepulse.settings import Settings, variable_of
from clickhouse.tables import TABLES
from schemas.topics import TOPICS
from tests.generate_docs import BLOCK, BLOCKS, PAGES, leaves, stale

ROOT = Path(__file__).parents[1]
DOCS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = {path: path.read_text("utf-8") for path in DOCS}
EVERYTHING = "\n".join(TEXTS.values())
ROOMS = ("cinepulse", "producers", "schemas", "stream_processors", "clickhouse")
CODE = "\n".join(path.read_text("utf-8") for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")))
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")

ATTRIBUTION = "This product uses the TMDB API but is not endorsed or certified by TMDB."


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_generated_parts_are_up_to_date() -> None:
    """Settings, metrics, topics, tables, commands and schemas are documented as they are; `make format` writes them."""
    assert stale() == []


def test_every_generated_block_is_known_and_used() -> None:
    """Each marker names a table that exists, and each table stands on a page."""
    used = [name for page in PAGES for _, name, _ in BLOCK.findall((ROOT / page).read_text("utf-8"))]

    assert set(used) == set(BLOCKS)
    assert EVERYTHING.count("<!-- generated: ") == len(used)


@pytest.mark.parametrize("words", [" ".join(words) for words, _ in leaves(cli)])
def test_every_command_is_documented(words: str) -> None:
    """Whoever reads the operations page finds each command."""
    assert f"`cinepulse {words}`" in TEXTS[ROOT / "docs" / "operations.md"]


@pytest.mark.parametrize("name", [*(topic.name for topic in TOPICS), *(table.name for table in TABLES)])
def test_every_topic_and_table_is_documented(name: str) -> None:
    """The architecture page names what data lives where."""
    assert f"`{name}`" in TEXTS[ROOT / "docs" / "architecture.md"]


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_documented(name: str) -> None:
    """The operations page has every variable."""
    assert f"`{variable_of(name)}`" in TEXTS[ROOT / "docs" / "operations.md"]


@pytest.mark.parametrize("path", DOCS, ids=_name)
def test_every_command_in_a_page_exists(path: Path) -> None:
    """What a page tells to type is a command with options that it has."""
    for line in re.findall(r"cinepulse ([a-z][^|#<\n]*)", _typed(TEXTS[path])):
        command: click.Command | None = cli
        words = line.split()
        while isinstance(command, click.Group) and words:
            command = command.get_command(click.Context(command), words.pop(0))
        assert command is not None, line
        options = {name for option in command.params for name in option.opts}
        assert {word for word in words if word.startswith("--")} <= options, line


def _typed(text: str) -> str:
    """Return what a page shows as typed: code blocks and inline code that begin with the command."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    inline = re.findall(r"`((?:\.venv/bin/)?cinepulse [a-z][^`]*)`", text)
    return "\n".join(line for block in [*blocks, *inline] for line in block.splitlines() if "cinepulse " in line)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:`|^)make ([a-z]+)", EVERYTHING, re.MULTILINE))))
def test_every_make_target_in_the_docs_exists(target: str) -> None:
    """What a page tells to make can be made."""
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("path", DOCS, ids=_name)
def test_every_relative_link_resolves(path: Path) -> None:
    """Links lead to files that are there and headings that they have."""
    for link in re.findall(r"\]\(([^)]+)\)", TEXTS[path]):
        if "://" in link:
            continue
        target, _, anchor = link.partition("#")
        file = (path.parent / target).resolve() if target else path
        assert file.exists(), link
        assert not anchor or anchor in _anchors(file.read_text("utf-8")), link


@pytest.mark.parametrize("path", DOCS, ids=_name)
def test_paths_in_a_page_exist(path: Path) -> None:
    """A file of the repository that a page names is there."""
    roots = "|".join((*ROOMS, "docs", "tests"))
    for found in re.findall(rf"`((?:{roots})/[\w/.-]*)`", TEXTS[path]):
        assert (ROOT / found).exists(), found


@pytest.mark.parametrize("path", [ROOT / "README.md", ROOT / "docs" / "architecture.md"], ids=_name)
def test_tmdb_is_attributed(path: Path) -> None:
    """Where TMDB's data shows, TMDB's own sentence stands."""
    assert ATTRIBUTION in " ".join(TEXTS[path].split())


def test_the_readme_is_short() -> None:
    """What a newcomer reads fits on two screens; the rest is behind links."""
    assert len(TEXTS[ROOT / "README.md"].splitlines()) < 120


def test_the_diagram_shows_the_folders() -> None:
    """The boxes of the diagram are the folders."""
    diagram = TEXTS[ROOT / "README.md"].split("```")[1]

    assert all(f"{room}/" in diagram for room in ROOMS)


def test_every_command_of_the_table_is_in_the_readme_or_operations() -> None:
    """No command is known to its author alone."""
    assert all(f"cinepulse {name}" in EVERYTHING for name in COMMANDS)


def test_ports_are_those_of_the_code() -> None:
    """The table of usual ports is true."""
    page = TEXTS[ROOT / "docs" / "operations.md"]

    assert f"| {Settings.model_fields['clickhouse_port'].default} |" in page
    assert f"| {WORLD_PORT} |" in page
    assert f"9092, its controller {CONTROLLER_PORT}" in page


MESSAGES = re.findall(r"^\| `([^|]*)` \|", TEXTS[ROOT / "docs" / "troubleshooting.md"], re.MULTILINE)


@pytest.mark.parametrize("message", MESSAGES)
def test_messages_in_troubleshooting_are_the_codes_own(message: str) -> None:
    """Each message that the page explains is one that the code prints, word for word around its values."""
    for words in message.split(" ... "):
        assert words in CODE or words in MAKEFILE, words


def test_troubleshooting_explains_messages() -> None:
    """The table is read by the test above."""
    assert len(MESSAGES) > 15


def test_the_changelog_keeps_a_changelogs_form() -> None:
    """The changes that are not released yet come first, under kinds that the form knows."""
    text = TEXTS[ROOT / "CHANGELOG.md"]

    assert re.findall(r"^## (.*)$", text, re.MULTILINE)[0] == "[Unreleased]"
    assert set(re.findall(r"^### (.*)$", text, re.MULTILINE)) <= {
        *("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
    }
