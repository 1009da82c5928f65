"""Forms as tables: a partner's field, the hub's field, and the words where they differ.

A table is read in both directions, so words are one to one. What it does not know is kept beside, in `unmapped`: the
whole field, or the part of it that has no word. Nothing is dropped.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from connectors.content import Content
from connectors.errors import Invalid
from connectors.messages import Form, Unmapped
from connectors.protocol import Decoded
from connectors.words import FIELDS, Category

OWN: Final = "icorn/1"
"""The hub's own form: category by category, in the hub's own words."""
_NOTHING: Final = object()


@dataclass(frozen=True, slots=True)
class Row:
    """One field of a form."""

    theirs: str
    category: Category
    ours: str
    words: Mapping[str, str] | None = None
    """The hub's word to theirs; None when values are the same on both sides."""
    inside: str | None = None
    """The values are objects, and the words are those of this member."""


@dataclass(frozen=True, slots=True)
class Table:
    """A form, read in both directions."""

    name: str
    rows: tuple[Row, ...]
    _theirs: dict[str, Row] = field(init=False, repr=False)
    _ours: dict[tuple[str, str], Row] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_theirs", {row.theirs: row for row in self.rows})
        object.__setattr__(self, "_ours", {(row.category, row.ours): row for row in self.rows})
        assert len(self._theirs) == len(self._ours) == len(self.rows), "a field comes twice"
        for row in self.rows:
            assert row.ours in FIELDS[row.category], row.ours
            assert row.words is None or len(set(row.words.values())) == len(row.words), row.theirs

    def encode(self, content: Content, **beside: str) -> Form:
        """Write content in the form's words, with what stands beside it in fields of their own."""
        fields: dict[str, Any] = {}
        unmapped: list[Unmapped] = []
        for category, ours, value in _leaves(content):
            row = self._ours.get((category, ours))
            said, left = (_NOTHING, value) if row is None else _translated(value, row.words, row.inside)
            if row is not None and said is not _NOTHING:
                fields[row.theirs] = said
            if left is not _NOTHING:
                unmapped.append(Unmapped(field=f"{category}.{ours}", value=left, category=category))
        return Form(name=self.name, fields=fields | beside, unmapped=tuple(unmapped))

    def decode(self, form: Form) -> Decoded:
        """Read a form of this kind, or of the hub's own.

        Raises:
            Invalid: it is another form.
        """
        if form.name == OWN:
            return own(form)
        if form.name != self.name:
            raise Invalid("it is another form", form=form.name)
        content: dict[Category, dict[str, Any]] = {}
        unmapped = list(form.unmapped)
        for theirs, value in form.fields.items():
            row = self._theirs.get(theirs)
            if row is None:
                unmapped.append(Unmapped(field=theirs, value=value))
                continue
            said, left = _translated(value, _back(row.words), row.inside)
            if said is not _NOTHING:
                content.setdefault(row.category, {})[row.ours] = said
            if left is not _NOTHING:
                unmapped.append(Unmapped(field=theirs, value=left, category=row.category))
        return Decoded(content, tuple(unmapped))


def as_own(content: Content) -> Form:
    """Write content in the hub's own form."""
    fields: dict[str, dict[str, Any]] = {}
    unmapped: list[Unmapped] = []
    for category, name, value in _leaves(content):
        if name in FIELDS.get(category, ()):
            fields.setdefault(category, {})[name] = value
        else:
            unmapped.append(Unmapped(field=f"{category}.{name}", value=value, category=category))
    return Form(name=OWN, fields=fields, unmapped=tuple(unmapped))


def own(form: Form) -> Decoded:
    """Read the hub's own form.

    Raises:
        Invalid: it is another form.
    """
    if form.name != OWN:
        raise Invalid("it is another form", form=form.name)
    content: dict[Category, dict[str, Any]] = {}
    unmapped = list(form.unmapped)
    for name, fields in form.fields.items():
        category = next((each for each in FIELDS if each == name), None)
        if category is None or not isinstance(fields, dict):
            unmapped.append(Unmapped(field=name, value=fields))
            continue
        for ours, value in fields.items():
            if ours in FIELDS[category]:
                content.setdefault(category, {})[ours] = value
            else:
                unmapped.append(Unmapped(field=f"{category}.{ours}"[:200], value=value, category=category))
    return Decoded(content, tuple(unmapped))


def one_to_one(words: Mapping[str, str]) -> Mapping[str, str]:
    """Turn words around."""
    return {theirs: ours for ours, theirs in words.items()}


def _leaves(content: Content) -> Iterable[tuple[Category, str, Any]]:
    for category, fields in content.items():
        for name, value in fields.items():
            yield category, name, value


def _back(words: Mapping[str, str] | None) -> Mapping[str, str] | None:
    return None if words is None else one_to_one(words)


def _translated(value: Any, words: Mapping[str, str] | None, inside: str | None) -> tuple[Any, Any]:
    """Give what has a word, and what is left; either may be nothing."""
    if words is None:
        return value, _NOTHING
    if isinstance(value, list | tuple):
        pairs = [_word(each, words, inside) for each in value]
        said = [each for each, _ in pairs if each is not _NOTHING]
        left = [each for _, each in pairs if each is not _NOTHING]
        return said if said or not left else _NOTHING, left or _NOTHING
    return _word(value, words, inside)


def _word(value: Any, words: Mapping[str, str], inside: str | None) -> tuple[Any, Any]:
    """Translate one value; a list is none, and is left whole."""
    if inside is not None:
        if isinstance(value, dict) and isinstance(value.get(inside), str) and value[inside] in words:
            return value | {inside: words[value[inside]]}, _NOTHING
        return _NOTHING, value
    if isinstance(value, str) and value in words:
        return words[value], _NOTHING
    return _NOTHING, value
