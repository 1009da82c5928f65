"""docs/security.md names tests and places in the code that are there."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text()
ROOMS = ("connectors", "hub", "schema", "tests")
FILE = re.compile(r"[\w./-]+\.(?:py|ts|tsx|json)")


@cache
def sources() -> tuple[Path, ...]:
    """Give the files of the project, without what other people wrote or what was built."""
    found = (file for room in ROOMS for file in (ROOT / room).rglob("*.*"))
    return tuple(
        file for file in found if FILE.fullmatch(file.name) and not {"node_modules", "built"} & set(file.parts)
    )


def rows() -> Iterator[list[str]]:
    """Give the cells of each row of a table that tells a place and a test."""
    headed = False
    for line in TEXT.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if "Where" in cells:
            headed = True
        elif not cells:
            headed = False
        elif headed and not set(line) <= set("|-"):
            yield cells


def places(cell: str) -> Iterator[tuple[str, str]]:
    """Give files with the names that are said to be in them; an empty name where only the file is said."""
    file = ""
    for word in re.findall(r"`([^`]+)`", cell):
        if FILE.fullmatch(word):
            file = word
            yield file, ""
        elif file and re.fullmatch(r"\w+", word):
            yield file, word


def holds(file: Path, name: str) -> bool:
    """Tell whether a file makes something of this name."""
    made = rf"^\s*(?:async def|def|class|export \w+|function|const) {name}\b|^\s*{name}\b(?:: [^=\n]+)? ="
    return re.search(made, file.read_text(), re.MULTILINE) is not None


def test_every_test_the_review_names_is_there():
    named = set(re.findall(r"`(test_\w+)`", TEXT))
    there = {name for file in sources() for name in re.findall(r"def (test_\w+)", file.read_text())}
    assert named
    assert named - there == set()


def test_every_file_the_review_names_is_there():
    named = {word for word in re.findall(r"`([^`]+)`", TEXT) if FILE.fullmatch(word) and not word.startswith("data/")}
    assert len(named) > 50
    assert {name for name in named if not any(of(name))} == set()


def of(name: str) -> Iterator[Path]:
    """Give the files of a name, or of the end of a path."""
    return (file for file in sources() if f"/{file.relative_to(ROOT)}".endswith(f"/{name}"))


def test_every_place_in_the_code_the_review_names_is_there():
    found = {place for cells in rows() for place in places(cells[1]) if place[1]}
    assert len(found) > 40
    assert {(file, name) for file, name in found if not any(holds(each, name) for each in of(file))} == set()


def test_every_rule_has_a_place_and_a_test():
    for cells in rows():
        assert len(cells) == 3, cells
        rule, _, tried = cells
        assert rule
        assert re.search(r"test|node clients|the same|as above", tried), rule


@pytest.mark.parametrize(
    ("text", "name", "there"),
    [
        ("def take(self): ...", "take", True),
        ("LEEWAY: Final = 10", "LEEWAY", True),
        ("class Frames:", "Frames", True),
        ("take()", "take", False),
        ("def taken(): ...", "take", False),
        ("# LEEWAY = 10 it was", "LEEWAY", False),
    ],
)
def test_a_name_that_is_only_mentioned_is_not_there(tmp_path: Path, text: str, name: str, there: bool):
    file = tmp_path / "module.py"
    file.write_text(text)
    assert holds(file, name) is there
