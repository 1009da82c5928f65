"""Every field about persons, asked by who may see it and who may not; `fields.txt` names the rule of each in words.

Together with `tests/graph/matrix.txt` it covers the graph: a field without a line fails there.
"""

from pathlib import Path
from typing import Any

import pytest
from desk import Hub
from graphql import get_named_type, is_leaf_type
from office import EVERY_SCOPE, LEAD, File, case_id, partner, person_id, staff

from schema.access import AccessProfile
from schema.root import SCHEMA
from schema.vocabulary import AccessScope, ReferralEventKind, ReferralState, Relation

GRAPH = SCHEMA._schema  # noqa: SLF001  # strawberry keeps graphql-core's schema there
LINES = (Path(__file__).parent / "fields.txt").read_text(encoding="utf-8").splitlines()
RULES = {name: rule.strip() for name, _, rule in (line.partition(" ") for line in LINES)}
PATHS = {
    "Query": "%s",
    "Viewer": "viewer { %s }",
    "Case": "case(id: $case) { %s }",
    "Profile": "case(id: $case) { profile { %s } }",
    "Identity": "case(id: $case) { identity { %s } }",
    "Contact": "case(id: $case) { contact { %s } }",
    "ContactChannel": "case(id: $case) { contact { channels { %s } } }",
    "Household": "case(id: $case) { household { %s } }",
    "Risk": "case(id: $case) { risk { %s } }",
    "Incident": "case(id: $case) { risk { incidents { %s } } }",
    "WorkSample": "case(id: $case) { risk { samples { %s } } }",
    "Staff": "case(id: $case) { owner { %s } }",
    "Person": "person(id: $person) { %s }",
    "Packet": "referral(id: $referral) { packet { %s } }",
    "Consent": "node(id: $consent) { ... on Consent { %s } }",
    "Referral": "referral(id: $referral) { %s }",
    "ReferralService": "referral(id: $referral) { services { %s } }",
    "ReferralEvent": "referral(id: $referral) { events(first: 1) { nodes { %s } } }",
    "Clock": "referral(id: $referral) { clock { %s } }",
    "Receipt": "referral(id: $referral) { receipt { %s } }",
    "AuditEntry": "auditEntries(first: 1) { nodes { %s } }",
}
ARGUMENTS = {"Query.case": "(id: $case)", "Query.person": "(id: $person)", "Query.referral": "(id: $referral)"}
SCOPES: dict[str, set[AccessScope]] = {
    "envelope": set(AccessScope),
    "case": {AccessScope.CASE_READ, AccessScope.RESIDENCY_READ, AccessScope.SELF_READ, AccessScope.DELEGATE_READ},
    "identity": {AccessScope.IDENTITY_READ, AccessScope.SELF_READ, AccessScope.DELEGATE_READ},
    "contact": {AccessScope.CONTACT_READ, AccessScope.SELF_READ, AccessScope.DELEGATE_READ},
    "risk": {AccessScope.RISK_READ, AccessScope.SELF_READ, AccessScope.DELEGATE_READ},
    "log": {
        AccessScope.AUDIT_READ,
        AccessScope.SELF_READ,
        AccessScope.REFERRAL_SEND,
        AccessScope.REFERRAL_RECEIVE,
    },
    "log inside": {AccessScope.AUDIT_READ},
}
SCOPES["contact coarse"] = SCOPES["contact"] | {AccessScope.CONSENT_MANAGE}
SCOPES["location coarse"] = {AccessScope.LOCATION_READ, AccessScope.ASSESSMENT_WRITE, AccessScope.SELF_READ}
SCOPES["family coarse"] = {
    AccessScope.FAMILY_READ,
    AccessScope.PRESENTATION_READ,
    AccessScope.ASSESSMENT_WRITE,
    AccessScope.SELF_READ,
}
SCOPES["health coarse"] = SCOPES["family coarse"] - {AccessScope.FAMILY_READ} | {
    AccessScope.HEALTH_READ,
    AccessScope.RESIDENCY_READ,
}
SCOPES["assessment coarse"] = {
    AccessScope.ASSESSMENT_READ,
    AccessScope.ASSESSMENT_WRITE,
    AccessScope.CONSENT_MANAGE,
    AccessScope.SELF_READ,
}
SCOPES["case coarse"] = SCOPES["case"] | {AccessScope.PRESENTATION_READ}
SCOPES["risk coarse"] = SCOPES["risk"] | {AccessScope.RESIDENCY_READ, AccessScope.PRESENTATION_READ}
SCOPES["words"] = {AccessScope.ASSESSMENT_READ, AccessScope.ASSESSMENT_WRITE, AccessScope.SELF_READ}
SCOPES["log actor"] = SCOPES["log inside"]
SCOPES["sender words"] = SCOPES["case how"] = SCOPES["case owner"] = SCOPES["case colleagues"] = SCOPES[
    "case static"
] = SCOPES["case"]


def sees(rule: str, who: AccessProfile, *, consent: bool) -> bool:
    """Tell whether an actor that is tied to the person sees a field of the rule."""
    if rule == "myself":
        mine = {AccessScope.SELF_READ, AccessScope.DELEGATE_READ} & who.scopes
        return who.relation is Relation.RESIDENT and bool(mine)
    if rule != "envelope" and not SCOPES[rule] & who.scopes:
        return False
    match who.relation:
        case Relation.RESIDENT if rule in {"sender words", "case colleagues", "log actor"}:
            return False
        case Relation.LEAD:
            # B on location and health: nothing of them without breaking the glass, nor of their coarse forms.
            return rule.split(maxsplit=1)[0] not in {"location", "health"}
        case Relation.CASEWORKER | Relation.RESIDENT:
            return rule not in {"log inside", "log actor"} and not (
                rule == "log" and who.relation is Relation.CASEWORKER
            )
        case Relation.DPO:
            # B on these: nothing of them without breaking the glass. C on contact and assessment: their coarse forms,
            # and none of the words.
            kind = rule.split(maxsplit=1)[0]
            return rule != "contact" and kind not in {"risk", "location", "health", "family", "words"}
        case Relation.PARTNER_AGREEMENT:
            coarse = {
                f"{each} coarse" for each in ("case", "contact", "location", "risk", "health", "family", "assessment")
            }
            return rule in {"envelope", "case static", "log"} or (
                consent and rule in {"case", "identity", "contact", "risk", *coarse}
            )
        case _:
            return False


async def asked(hub: Hub, coordinate: str, who: AccessProfile, ids: dict[str, str]) -> set[str]:
    """Ask for one field; give the names that were withheld on the way."""
    type_name, _, name = coordinate.partition(".")
    named = get_named_type(GRAPH.type_map[type_name].fields[name].type)
    field = name + ARGUMENTS.get(coordinate, "") + ("" if is_leaf_type(named) else " { __typename }")
    inner = PATHS[type_name] % field
    used = "".join(f"${key}: ID! " for key in ids if f"${key}" in inner)
    document = f"query({used}) {{ {inner} }}" if used else f"{{ {inner} }}"
    answer = await hub.ask(document, who, **{key: value for key, value in ids.items() if f"${key}" in inner})
    assert "errors" not in answer, (document, answer)
    return {each["path"][-1] for each in answer.get("extensions", {}).get("withheld", [])}


@pytest.mark.parametrize("consent", [True, False])
async def test_every_field_about_persons_follows_its_line(hub: Hub, consent: bool):
    with hub.office() as office:
        body = office.body("body")
        office.agree(body)
        owner, own = office.account(Relation.CASEWORKER), office.account(Relation.RESIDENT)
        file = office.file(owner_id=owner, person={"account_id": own})
        given = office.consent(file, body, **({} if consent else {"purposes": []}))
        referral = office.refer(file, body, consent_id=given)
        office.packet(file, referral)
        office.event(referral, 1, ReferralEventKind.SEND, ReferralState.SENT, recipient_number=1)
    actors = [
        LEAD,
        staff(Relation.CASEWORKER, owner),
        staff(Relation.RESIDENT, own),
        staff(Relation.DPO),
        partner(body),
        staff(Relation.BOARD),
        staff(Relation.CITY_HOST),
    ]
    none = frozenset({AccessScope.NETWORK_READ})
    for actor in actors:
        for scopes in (EVERY_SCOPE, none):
            who = AccessProfile(
                relation=actor.relation,
                scopes=scopes,
                account_id=actor.account_id,
                organisation_id=actor.organisation_id,
                purpose=actor.purpose,
            )
            ids = _ids(file, who, given, referral)
            for coordinate, rule in RULES.items():
                type_name = coordinate.partition(".")[0]
                withheld = await asked(hub, coordinate, who, ids)
                expected = sees(rule, who, consent=consent)
                told = (coordinate, who.relation, sorted(scopes), withheld)
                if expected:
                    assert not withheld, told
                elif sees("envelope", who, consent=consent) or type_name == "Query":
                    # The field itself, or what leads to it, is withheld; or the record is not there at all.
                    lost = type_name == "Consent" and not sees("case static", who, consent=consent)
                    assert withheld or lost, told


def _ids(file: File, who: AccessProfile, consent: Any, referral: Any) -> dict[str, str]:
    return {
        "case": case_id(file, who),
        "person": person_id(file, who),
        "consent": f"cs_{consent}",
        "referral": f"rf_{referral}",
    }
