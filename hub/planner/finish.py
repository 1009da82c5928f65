"""The last touch on the database's text: markers out, counts in. An answer without markers passes untouched."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hub.planner.ir import Withheld

_MARKER: Final = re.compile(rb"\x01([WE!])(\d*)\.?(\d*)\x02")


class PromiseBroken(Exception):  # a bug in the data or a declaration, never an answer
    """A field that is never null had no value."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The data as JSON, which entities were not found (field and index), and how often each rule withheld a value."""

    data: bytes
    missing: tuple[tuple[int, int], ...]
    counts: Counter[int]


def finish(text: bytes) -> Finished:
    """Take the markers out.

    Raises:
        PromiseBroken: when a value is missing that the schema promises.
    """
    if b"\x01" not in text:
        return Finished(text, (), Counter())
    missing: list[tuple[int, int]] = []
    counts: Counter[int] = Counter()

    def replace(found: re.Match[bytes]) -> bytes:
        kind = found[1]
        if kind == b"!":
            raise PromiseBroken
        if kind == b"E":
            missing.append((int(found[2]), int(found[3]) - 1))
        else:
            counts[int(found[2])] += 1
        return b"null"

    return Finished(_MARKER.sub(replace, text), tuple(missing), counts)


def withheld_json(entries: Sequence[Withheld], counts: Counter[int]) -> str:
    """Write `extensions.withheld`; empty when nothing was kept back."""
    told: list[dict[str, object]] = []
    for number, entry in enumerate(entries):
        if entry.by_row and not counts[number]:
            continue
        told.append({"path": list(entry.path), "category": entry.category, "code": entry.code})
        if entry.by_row:
            told[-1]["count"] = counts[number]
    return json.dumps(told) if told else ""
