"""Loaders of files that are law to the code: they are held against it and not stored."""

import re
from collections.abc import Sequence
from typing import Final

from hub.facts.loaders.base import Loader
from hub.facts.records import Batch, World
from hub.facts.sheet import Sheet
from schema.vocabulary import Category, ReferralState, Relation

_CELL: Final = re.compile(r"[VCAOMB][ctronsd]?|-")
_TRANSITION: Final = re.compile(r"T\d\d")
_EVENT: Final = re.compile(r"[a-z]+(_[a-z]+)*")
START: Final = "-"
SAME: Final = "same"


def _access_matrix(sheet: Sheet, _: dict[str, Sheet], __: World) -> Sequence[Batch]:
    for line in sheet:
        line.one_of("actor", Relation)
        line.text("label")
        for category in Category:
            cell = line.cells[category.value]
            if not _CELL.fullmatch(cell):
                line.refuse(category.value, f"{cell!r} is not a letter of the matrix")
    missing = set(Relation) - {line.cells["actor"] for line in sheet}
    for relation in sorted(missing):
        sheet.refuse(1, "actor", f"there is no row for {relation.value!r}")
    return []


def _referral_transitions(sheet: Sheet, _: dict[str, Sheet], __: World) -> Sequence[Batch]:
    steps: dict[tuple[str, str], int] = {}
    named: set[str] = set()
    for line in sheet:
        if not _TRANSITION.fullmatch(line.cells["id"]):
            line.refuse("id", "is not T and two digits")
        if not _EVENT.fullmatch(line.cells["event"]):
            line.refuse("event", "is not small letters with underscores between")
        for column in ("actor", "guard", "side_effects"):
            line.text(column)
        to, *from_ = line.cells["to_state"], *line.cells["from_states"].split("|")
        named.add(to)
        if to != SAME and to not in set(ReferralState):
            line.refuse("to_state", f"{to!r} is not a state of a referral")
        for state in from_:
            if state != START and state not in set(ReferralState):
                line.refuse("from_states", f"{state!r} is not a state of a referral")
            step = state, line.cells["event"]
            if step in steps:
                line.refuse("event", f"what it does to {state!r} is in line {steps[step]} already")
            steps.setdefault(step, line.number)
    for state in sorted(set(ReferralState) - named):
        sheet.refuse(1, "to_state", f"no transition leads to {state.value!r}")
    return []


ACCESS_MATRIX: Final = Loader(
    "access_matrix.csv",
    ("actor", "label", *(category.value for category in Category), "scopes"),
    ("actor",),
    _access_matrix,
)
REFERRAL_TRANSITIONS: Final = Loader(
    "referral_transitions.csv",
    ("id", "from_states", "event", "to_state", "actor", "guard", "side_effects"),
    ("id",),
    _referral_transitions,
)
