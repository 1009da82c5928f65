"""Loaders of what other files stand on: sources and vocabularies."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import true

import schema.vocabulary
from hub.facts.loaders.base import Loader
from hub.facts.records import Batch, World
from hub.facts.sheet import Sheet
from hub.store.rows import columns
from schema.tables import SourceRow, VocabularyTermRow
from schema.vocabulary.base import Vocabulary

SYNTHETIC_SOURCE: Final = "SYN"
_OTHER_NAMES: Final = {"support": "SupportKind"}


def vocabulary_named(name: str) -> type[Vocabulary] | None:
    """Find a vocabulary by its name in the file, such as `application_state`."""
    found = getattr(schema.vocabulary, _OTHER_NAMES.get(name, name.title().replace("_", "")), None)
    return found if isinstance(found, type) and issubclass(found, Vocabulary) else None


def _sources(sheet: Sheet, _: dict[str, Sheet], __: World) -> Sequence[Batch]:
    rows = [{"code": line.text("code"), "address": line.text("address"), "about": line.text("about")} for line in sheet]
    for line in sheet:
        if line.cells["code"] == SYNTHETIC_SOURCE:
            line.refuse("code", "this code is for made-up data")
    return [Batch(SourceRow, ("code",), rows, columns(SourceRow).code != SYNTHETIC_SOURCE)]


def _vocabularies(sheet: Sheet, _: dict[str, Sheet], __: World) -> Sequence[Batch]:
    rows = []
    for line in sheet:
        name, code = line.text("vocabulary"), line.text("code")
        values = vocabulary_named(name)
        if values is None:
            line.refuse("vocabulary", f"there is no vocabulary {name!r}")
        elif code not in set(values):
            line.refuse("code", f"{code!r} is not one of {', '.join(values)}")
        sort = line.whole("sort")
        if sort is None:
            line.refuse("sort", "must not be empty")
        rows.append(
            {
                "vocabulary": name,
                "code": code,
                "label": line.text("label"),
                "external_code": line.optional("external_code"),
                "external_scheme": line.optional("external_scheme"),
                "sort": sort,
            }
        )
    return [Batch(VocabularyTermRow, ("vocabulary", "code"), rows, true())]


SOURCES: Final = Loader("sources.csv", ("code", "address", "about"), ("code",), _sources)
VOCABULARIES: Final = Loader(
    "vocabularies.csv",
    ("vocabulary", "code", "label", "external_code", "external_scheme", "sort"),
    ("vocabulary", "code"),
    _vocabularies,
)
