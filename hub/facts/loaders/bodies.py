"""Loader of the bodies in and around the network."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import true

from hub.facts.loaders.base import Loader, disciplines, fact
from hub.facts.records import Batch, World
from hub.facts.sheet import Line, Sheet, coded
from schema.tables import OrganisationRow
from schema.vocabulary import Liaison, OrganisationKind, SupportKind

_KINDS: Final = {"house": OrganisationKind.HOST}
_PLAIN: Final = frozenset({"yes", "no", ""})


def _support(line: Line) -> tuple[list[SupportKind], list[str]]:
    """Part the kinds of support into those of the vocabulary and the body's own words."""
    words = line.list_of("kinds_of_support")
    kinds = {word: coded(SupportKind, word) for word in words}
    return [kind for kind in kinds.values() if kind], [word for word, kind in kinds.items() if not kind]


def _website(line: Line) -> str | None:
    """Make the address absolute; the file leaves the scheme out."""
    text = line.optional("website")
    if text is None:
        return None
    address = text if "://" in text else f"https://{text}"
    host = urlsplit(address).hostname or ""
    if "." not in host or " " in address:
        line.refuse("website", f"{text!r} is not an address of the web")
    return address


def _organisations(sheet: Sheet, _: dict[str, Sheet], world: World) -> Sequence[Batch]:
    rows = []
    for line in sheet:
        support, support_other = _support(line)
        seeds = line.cells["in_seeds"]
        rows.append(
            fact(line, world)
            | {
                "slug": line.slug("id"),
                "name": line.text("name"),
                "acronym": line.optional("acronym"),
                "kind": line.one_of("kind", OrganisationKind, also=_KINDS),
                "country": line.country("country"),
                "website": _website(line),
                "mandate": line.optional("mandate"),
                "beneficiaries": line.optional("who_they_help"),
                "support": support,
                "support_other": support_other,
                "disciplines": disciplines(line, "disciplines"),
                "standing": line.optional("relation"),
                "refers_to_icorn": line.one_of("refers_to_icorn", Liaison),
                "receives_from_icorn": line.one_of("receives_from_icorn", Liaison),
                "note": None if seeds in _PLAIN else f"In the seed documents: {seeds}",
            }
        )
    return [Batch(OrganisationRow, ("slug",), rows, true())]


ORGANISATIONS: Final = Loader(
    "organisations.csv",
    (
        *("id", "name", "acronym", "kind", "kinds_of_support", "who_they_help", "mandate", "website", "country"),
        *("refers_to_icorn", "receives_from_icorn", "disciplines", "in_seeds", "relation", "source", "certainty"),
    ),
    ("id",),
    _organisations,
    needs=("sources.csv",),
)
