"""docs/security.md names tests that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_test_the_review_names_is_there():
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "security.md").read_text()))
    there = {
        name
        for room in ("auth", "delivery")
        for file in (ROOT / "tests" / room).glob("test_*.py")
        for name in re.findall(r"def (test_\w+)", file.read_text())
    }
    assert named
    assert named - there == set()


def test_every_module_the_review_names_is_there():
    text = (ROOT / "docs" / "security.md").read_text()
    modules = set(re.findall(r"`(\w+\.py)`", text))
    rooms = ("hub/auth", "hub/partners", "tests/auth")
    there = {file.name for room in rooms for file in (ROOT / room).rglob("*.py")}
    assert modules - there == set()
