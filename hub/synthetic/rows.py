"""Made-up rows, one function for each noun; what they hang on is an argument."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, TypeAlias
from uuid import UUID

from hub.synthetic.chance import LANGUAGES, MARK, Chance, marked
from schema.vocabulary import REGION_OF, AgreementState, Category, Discipline, Purpose, Region, SupportKind

Made: TypeAlias = dict[str, Any]  # Any: values of a row
COUNTRIES: Final = tuple(REGION_OF)
FLIGHT: Final = tuple(
    country
    for country, region in REGION_OF.items()
    if region in {Region.WESTERN_ASIA, Region.SOUTHERN_ASIA, Region.EASTERN_AFRICA, Region.NORTHERN_AFRICA}
)
_OF_PLACES: Final = (SupportKind.RESIDENCY, SupportKind.FAMILY_SUPPORT, SupportKind.PUBLICATION, SupportKind.LEGAL_AID)
_SHOWN: Final = tuple(d for d in Discipline if d is not Discipline.OTHER)


def coordinator(chance: Chance, number: int, today: date) -> Made:
    """Make a coordinator; the address is one that cannot be reached (RFC 2606)."""
    since = chance.day(today, before=4000, after=0)
    return marked() | {
        "id": chance.uuid(),
        "name": chance.person(),
        "email": chance.maybe(0.9, f"coordinator-{number}@example.org"),
        "since": chance.choice((None, f"{since:%Y}", f"{since:%Y-%m}")),
    }


def place(chance: Chance, city_id: UUID, number: int, today: date) -> Made:
    """Make a place of a city."""
    free = chance.random() < 0.4  # noqa: PLR2004  # most places are taken
    return marked() | {
        "id": chance.uuid(),
        "city_id": city_id,
        "title": f"Place {number} {MARK}",
        "open": free,
        "support": [SupportKind.RESIDENCY, *chance.some(_OF_PLACES[1:], 2)],
        "disciplines": chance.some(_SHOWN, 4) if chance.random() < 0.5 else [],  # noqa: PLR2004  # half have no limit
        "household_max": chance.maybe(0.8, chance.randint(1, 5)),
        "months_max": chance.choice((12, 24, 24, 24)),
        "languages": chance.some(LANGUAGES, 3, 1),
        "available_from": chance.first_of_month(today, after=400) if free else None,
        "confirmed_on": chance.maybe(0.8, chance.day(today, before=180, after=0)),
        "step_free": chance.choice((True, False, None)),
        "wished_regions": chance.some(tuple(Region), 2),
    }


def opening(
    chance: Chance, organisation_id: UUID, country: str | None, support: Sequence[SupportKind], today: date
) -> Made:
    """Make a programme of a partner."""
    return marked() | {
        "id": chance.uuid(),
        "organisation_id": organisation_id,
        "title": f"{chance.word()} programme {MARK}",
        "open": chance.random() < 0.7,  # noqa: PLR2004  # most are
        "support": chance.some(support or (SupportKind.ADVISORY,), 3, 1),
        "country": chance.maybe(0.7, country),
        "disciplines": chance.some(_SHOWN, 3),
        "household_max": chance.maybe(0.5, chance.randint(1, 4)),
        "months_max": chance.maybe(0.7, chance.choice((3, 6, 12, 24))),
        "languages": chance.some(LANGUAGES, 2, 1),
        "available_from": chance.maybe(0.5, chance.first_of_month(today, after=300)),
        "confirmed_on": chance.maybe(0.9, chance.day(today, before=120, after=0)),
        "eligibility": f"Made up: for people at risk, {chance.word()} rules.",
        "documents_required": chance.maybe(0.6, "Made up: two references and a list of works."),
        "applies_by": chance.maybe(0.4, chance.day(today, before=0, after=200)),
    }


def agreement(chance: Chance, organisation_id: UUID, today: date) -> Made:
    """Make the agreement of a body with ICORN."""
    state = chance.choices(tuple(AgreementState), (1, 7, 1, 1))[0]
    start = chance.day(today, before=3000, after=0)
    asked = [c for c in Category if c not in {Category.PUBLIC, Category.NETWORK}]
    return marked() | {
        "id": chance.uuid(),
        "organisation_id": organisation_id,
        "from_on": None if state is AgreementState.DRAFT else f"{start:%Y-%m-%d}",
        "until_on": f"{chance.day(today, before=60, after=0):%Y-%m}" if state is AgreementState.ENDED else None,
        "state": state,
        "onward_allowed": chance.random() < 0.2,  # noqa: PLR2004  # few
        "categories": [Category.PUBLIC, Category.NETWORK, *chance.some(asked, len(asked))],
        "purposes": chance.some(tuple(Purpose), 4, 1),
    }


def resident(chance: Chance, city_id: UUID, slug: str, today: date) -> Made:
    """Make a resident as shown."""
    origin = chance.choice(FLIGHT)
    start = chance.day(today, before=6000, after=0)
    over = (today - start).days > 730  # noqa: PLR2004  # two years as a rule
    return marked() | {
        "id": chance.uuid(),
        "slug": slug,
        "name": chance.person(),
        "disciplines": chance.some(_SHOWN, 3, 1),
        "origin_country": chance.maybe(0.7, origin),
        "origin_region": REGION_OF[origin],
        "city_id": city_id,
        "host": None,
        "stay_from": f"{start:%Y}",
        "stay_until": f"{start.year + 2}" if over else None,
        "biography": f"Made up. Wrote under the name {chance.word()}.",
        "links": [f"https://example.org/{slug}"] if chance.random() < 0.3 else [],  # noqa: PLR2004  # some
    }


def work(chance: Chance, resident_id: UUID, today: date) -> Made:
    """Make a work of a resident."""
    return marked() | {
        "id": chance.uuid(),
        "resident_id": resident_id,
        "title": f"The {chance.word()} of {chance.word()} {MARK}",
        "title_translated": chance.maybe(0.3, f"{chance.word()} {MARK}"),
        "discipline": chance.choice(_SHOWN),
        "language": chance.maybe(0.8, chance.choice(LANGUAGES)),
        "year": chance.maybe(0.9, chance.randint(1985, today.year)),
        "url": None,
    }
