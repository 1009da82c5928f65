"""Reading one csv file: lines whose cells are asked for by type, and every cell that is wrong written down.

A line goes on after a bad cell, so that all of them are found in one reading; what it gave for the bad cell is a
stand-in, and the whole file is refused anyway.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Final, TypeVar

from schema.vocabulary import REGION_OF, Certainty
from schema.vocabulary.base import Vocabulary

V = TypeVar("V", bound=Vocabulary)
_EDTF: Final = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
_SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_YEARS: Final = range(1900, 2101)


@dataclass(frozen=True, slots=True, order=True)
class Refusal:
    """Why one cell, or one line, is not taken."""

    file: str
    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        """Show it as compilers do."""
        return f"{self.file}:{self.line}: {self.column}: {self.reason}"


@dataclass(slots=True)
class Sheet:
    """One file: its lines, and what was found wrong so far."""

    file: str
    lines: "list[Line]" = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    whole: bool = False
    """True when the file could be read to its end, so that its cells are worth a look."""

    def refuse(self, line: int, column: str, reason: str) -> None:
        """Write down what is wrong."""
        self.refusals.append(Refusal(self.file, line, column, reason))

    def __iter__(self) -> "Iterator[Line]":
        return iter(self.lines)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a file. `number` is where it ends in the file, counted from 1."""

    sheet: Sheet
    number: int
    cells: Mapping[str, str]

    def refuse(self, column: str, reason: str) -> None:
        """Write down what is wrong with a cell."""
        self.sheet.refuse(self.number, column, reason)

    def optional(self, column: str) -> str | None:
        """Give the text, or None where the cell is empty."""
        return self.cells[column] or None

    def text(self, column: str) -> str:
        """Give the text of a cell that must not be empty."""
        if not self.cells[column]:
            self.refuse(column, "must not be empty")
        return self.cells[column]

    def slug(self, column: str) -> str:
        """Give a natural key: small letters and digits with hyphens between."""
        text = self.text(column)
        if text and not _SLUG.fullmatch(text):
            self.refuse(column, f"{text!r} is not small letters and digits with hyphens between")
        return text

    def number_of(self, column: str, kind: type[float] = float) -> float | None:
        """Give a number, or None where the cell is empty."""
        text = self.cells[column]
        try:
            return kind(text) if text else None
        except ValueError:
            self.refuse(column, f"{text!r} is not a number")
            return None

    def whole(self, column: str) -> int | None:
        """Give a whole number, or None where the cell is empty."""
        number = self.number_of(column, int)
        return None if number is None else int(number)

    def within(self, column: str, least: float, most: float) -> float | None:
        """Give a number within bounds, or None where the cell is empty."""
        number = self.number_of(column)
        if number is not None and not least <= number <= most:
            self.refuse(column, f"{number:g} is not from {least:g} to {most:g}")
        return number

    def year(self, column: str) -> int | None:
        """Give a year, or None where the cell is empty."""
        year = self.whole(column)
        if year is not None and year not in _YEARS:
            self.refuse(column, f"{year} is not a year")
        return year

    def partial_date(self, column: str) -> str | None:
        """Give a date of EDTF level 0, or None where the cell is empty."""
        text = self.optional(column)
        if text is not None and not _EDTF.fullmatch(text):
            self.refuse(column, f"{text!r} is not a date such as 2007, 2007-06 or 2007-06-09")
        return text

    def yes(self, column: str, *, words: tuple[str, str] = ("yes", "no")) -> bool:
        """Give a claim, written as one of two words."""
        text = self.cells[column]
        if text not in words:
            self.refuse(column, f"{text!r} is neither {words[0]} nor {words[1]}")
        return text == words[0]

    def one_of(self, column: str, values: type[V], *, also: Mapping[str, V] | None = None) -> V:
        """Give a member of a vocabulary by its code; `also` holds other words for some."""
        text = self.cells[column]
        found = also[text] if also is not None and text in also else coded(values, text)
        if found is None:
            self.refuse(column, f"{text!r} is not one of {', '.join(values)}")
        return found or next(iter(values))

    def list_of(self, column: str) -> list[str]:
        """Give the parts of a cell that holds several, with semicolons between."""
        parts = [part.strip() for part in self.cells[column].split(";")] if self.cells[column] else []
        if not all(parts):
            self.refuse(column, "has an empty part")
        if len(set(parts)) < len(parts):
            self.refuse(column, "names something twice")
        return parts

    def country(self, column: str) -> str | None:
        """Give a code of ISO 3166-1, or None where the cell is empty."""
        text = self.optional(column)
        if text is not None and text not in REGION_OF:
            self.refuse(column, f"{text!r} is not a country code of ISO 3166-1")
        return text

    def sources(self, known: frozenset[str] | set[str], column: str = "source") -> list[str]:
        """Give the codes of the sources, all of which must be known."""
        codes = self.text(column).split()
        for code in codes:
            if code not in known:
                self.refuse(column, f"source {code!r} is not in sources.csv")
        return codes

    def certainty(self, column: str = "certainty") -> Certainty:
        """Give how sure the fact is; a collected fact is never synthetic."""
        certainty = self.one_of(column, Certainty)
        if certainty is Certainty.SYNTHETIC:
            self.refuse(column, "a collected fact is not made up")
        return certainty


def coded(values: type[V], code: str) -> V | None:
    """Find the member of a vocabulary that has this code."""
    return next((value for value in values if value.value == code), None)


def read_sheet(path: Path, columns: Sequence[str], key: Sequence[str]) -> Sheet:
    """Read a file whose header must hold exactly these columns, in any order, and whose key must not come twice."""
    sheet = Sheet(path.name)
    try:
        reader = csv.reader(StringIO(path.read_text(encoding="utf-8-sig"), newline=""), strict=True)
        header = next(reader, [])
        for column in columns:
            if column not in header:
                sheet.refuse(1, column, "this column is missing")
        for column in header:
            if column not in columns or header.count(column) > 1:
                sheet.refuse(1, column, "this column is unknown, or there twice")
        if not sheet.refusals:
            _fill(sheet, header, reader, key)
            sheet.whole = True
    except UnicodeDecodeError as error:
        sheet.refuse(1, "-", f"the file is not UTF-8 at byte {error.start}")
    except csv.Error as error:
        sheet.refuse(reader.line_num, "-", f"the file is not csv: {error}")
    except OSError as error:
        sheet.refuse(1, "-", f"the file cannot be read: {error.strerror}")
    return sheet


def _fill(sheet: Sheet, header: Sequence[str], reader: "Iterator[list[str]]", key: Sequence[str]) -> None:
    seen: dict[tuple[str, ...], int] = {}
    for cells in reader:
        number: int = reader.line_num  # type: ignore[attr-defined]  # csv.reader has no public type
        if not cells:
            continue
        if len(cells) != len(header):
            sheet.refuse(number, "-", f"has {len(cells)} cells in place of {len(header)}")
            continue
        line = Line(sheet, number, {name: cell.strip() for name, cell in zip(header, cells, strict=True)})
        natural = tuple(line.cells[column] for column in key)
        if natural in seen:
            line.refuse(key[-1], f"{' '.join(natural)!r} is in line {seen[natural]} already")
        seen.setdefault(natural, number)
        sheet.lines.append(line)
