"""Made-up content of cases: who somebody is, how they are reached, what they fled from, what a host must know."""

from datetime import date

from hub.synthetic.chance import MARK, Chance
from hub.synthetic.rows import FLIGHT, Made
from schema.vocabulary import (
    REGION_OF,
    Act,
    AssessmentOpinion,
    CareNeed,
    Category,
    ContactRule,
    DangerLevel,
    FactConfidence,
    Perpetrator,
)


def identity(chance: Chance, file: Made) -> Made:
    """Make up who somebody is."""
    country = chance.choice([c for c in FLIGHT if REGION_OF[c] is file["origin_region"]])
    return {
        "legal_name": chance.person(),
        "names": [chance.person() for _ in range(chance.randint(0, 2))],
        "birth_date": f"{chance.randint(1950, 2003)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}",
        "nationalities": [country],
        "origin_named": chance.maybe(0.2, f"Old {chance.word()} {MARK}"),
        "pronouns": chance.choice((None, "she", "he", "they")),
    }


def contact(chance: Chance, file: Made, rule: ContactRule) -> Made:
    """Make up addresses that lead nowhere: RFC 2606, section 2."""
    return {
        "rule": rule.value,
        "channels": [
            {"kind": kind, "address": f"{chance.word().lower()}@example.invalid", "safe": chance.random() < 0.7}  # noqa: PLR2004  # most
            for kind in chance.some(("email", "signal", "other"), 2, 1)
        ],
        "safe_times": chance.maybe(0.3, "Made up: after dark."),
        "language": file["languages"][0],
        "contact_person": chance.maybe(0.3, chance.person()),
    }


def coarse(chance: Chance, file: Made, today: date) -> dict[Category, Made]:
    """Make up what is known in codes and numbers, of some; of the others nothing is recorded."""
    location = {"current_region": chance.choice([REGION_OF[country] for country in FLIGHT]).value}
    if chance.random() < 0.4:  # noqa: PLR2004  # of some it is planned
        location["arrival_month"] = chance.first_of_month(today, after=300).isoformat()
    made: dict[Category, Made] = {
        Category.LOCATION: location,
        Category.HEALTH: {"care_needs": [need.value for need in chance.some(tuple(CareNeed), 2, 1)]},
        Category.ASSESSMENT: {"opinion": chance.choice(tuple(AssessmentOpinion)).value},
    }
    often = {Category.LOCATION: 0.9, Category.HEALTH: 0.4, Category.ASSESSMENT: 0.6}
    kept = {category: content for category, content in made.items() if chance.random() < often[category]}
    size = file["household_size"]
    if size is not None:
        adults = chance.randint(1, size)
        kept[Category.FAMILY] = {"household": {"adults": adults, "children": size - adults}}
    return kept


def risk(chance: Chance, file: Made) -> Made:
    """Make up what somebody fled from."""
    return {
        "level": chance.choice(tuple(DangerLevel)).value,
        "claim": f"Made up: threatened after publishing in {chance.word()}.",
        "link_with_work": chance.maybe(0.8, "Made up: the threats name the work."),
        "incidents": [
            {
                "act": chance.choice(tuple(Act)).value,
                "on": f"{chance.randint(2019, 2026)}-{chance.randint(1, 12):02d}",
                "by": chance.choice(tuple(Perpetrator)).value,
                "account": f"Made up: near {chance.word()}.",
            }
            for _ in range(chance.randint(0, 3))
        ],
        "convicted": chance.choice((None, False, True)),
        "sentence": chance.maybe(0.2, "Made up: two years for insulting the state."),
        "samples": [
            {
                "title": f"The {chance.word()} {MARK}",
                "discipline": file["disciplines"][0].value,
                "language": file["languages"][0],
                "year": chance.randint(2005, 2026),
                "published": chance.random() < 0.6,  # noqa: PLR2004  # more than half
                "authenticity": chance.choice(tuple(FactConfidence)).value,
            }
            for _ in range(chance.randint(1, 3))
        ],
    }
