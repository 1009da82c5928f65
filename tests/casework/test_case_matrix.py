"""Persons in the access matrix: every actor, with agreement, relation and consent each there and not, on every path.

What is expected is read from `access_matrix.csv` and the meaning of its small letters; neither knows the rules in the
code. A partner's token says it has an agreement; under a referral the row of the matrix is the other one.
"""

import csv
import json
from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from desk import Hub, opened
from office import COARSE, EVERY_SCOPE, File, Office, case_id, partner, person_id, staff

import hub.facts
from hub.planner import Planner
from hub.store import Database
from schema.access import AccessProfile
from schema.tables import ConsentRow, ReferralRow
from schema.vocabulary import (
    AccessScope,
    AgreementState,
    ConsentState,
    Purpose,
    ReferralEventKind,
    ReferralState,
    Relation,
)

with (Path(hub.facts.__file__).parent / "csv" / "access_matrix.csv").open(encoding="utf-8") as file:
    CELLS = {Relation(row["actor"]): row for row in csv.DictReader(file)}

FIELDS = {
    "case": "state",
    "identity": "identity { legalName }",
    "contact": "contact { channels { address } }",
    "risk": "risk { claim }",
    "contact coarse": "contactRule",
    "location coarse": "currentRegion",
    "health coarse": "careNeeds",
    "family coarse": "household { adults children }",
    "assessment coarse": "opinion",
}
"""A field of each category at a grain: in full, where it does not say coarse."""
SCOPES = {
    "case": AccessScope.CASE_READ,
    "identity": AccessScope.IDENTITY_READ,
    "contact": AccessScope.CONTACT_READ,
    "risk": AccessScope.RISK_READ,
    "contact coarse": AccessScope.CONTACT_READ,
    "location coarse": AccessScope.LOCATION_READ,
    "health coarse": AccessScope.HEALTH_READ,
    "family coarse": AccessScope.FAMILY_READ,
    "assessment coarse": AccessScope.ASSESSMENT_READ,
}
TIES = tuple(product((True, False), repeat=3))
"""Agreement, relation, consent."""
PARTNERS = {Relation.PARTNER_AGREEMENT, Relation.PARTNER_REFERRAL}


class World:
    """One case for each combination of relation and consent; bodies with an agreement and without."""

    def __init__(self) -> None:
        self.files: dict[tuple[bool, bool], File] = {}
        self.referrals: dict[tuple[bool, bool, bool], UUID] = {}
        self.consents: dict[tuple[bool, bool, bool], UUID] = {}
        self.events: dict[tuple[bool, bool, bool], UUID] = {}
        self.bodies: dict[bool, UUID] = {}
        self.worker = UUID(int=0)
        self.people: dict[tuple[bool, bool], UUID] = {}


@pytest.fixture(scope="module")
async def hub(template: Database, planner: Planner) -> AsyncIterator[Hub]:
    """A hub for all tests that only read."""
    async with opened(template, planner) as hub:
        yield hub


@pytest.fixture(scope="module")
def world(hub: Hub) -> World:
    return populated(hub)


@pytest.fixture
async def changing(template: Database, planner: Planner) -> AsyncIterator[tuple[Hub, World]]:
    """A hub and a world of the test's own."""
    async with opened(template, planner) as hub:
        yield hub, populated(hub)


def populated(hub: Hub) -> World:
    made = World()
    with hub.office() as office:
        made.worker = office.account(Relation.CASEWORKER)
        for agreement in (True, False):
            made.bodies[agreement] = office.body(f"body-{agreement}".lower())
            office.agree(
                made.bodies[agreement], state=AgreementState.IN_FORCE if agreement else AgreementState.SUSPENDED
            )
        for relation, consent in product((True, False), repeat=2):
            owner = made.worker if relation else office.account(Relation.CASEWORKER)
            mine = made.people[relation, consent] = office.account(Relation.RESIDENT)
            who = mine if relation else office.account(Relation.RESIDENT)
            case = office.file(owner_id=owner, person={"account_id": who})
            made.files[relation, consent] = case
            for agreement, body in made.bodies.items():
                ties = (agreement, relation, consent)
                made.consents[ties] = office.consent(case, body)
                made.referrals[ties] = office.refer(case, body, consent_id=made.consents[ties])
                event, sent = ReferralEventKind.SEND, ReferralState.SENT
                office.packet(case, made.referrals[ties])
                made.events[ties] = office.event(made.referrals[ties], 1, event, sent, recipient_number=1)
                stand(office, made, ties)
    return made


def stand(office: Office, world: World, ties: tuple[bool, bool, bool]) -> None:
    """Put referral and consent where they are to stand: whatever was done to them before is undone."""
    _, relation, consent = ties
    state = ReferralState.ACCEPTED if relation else ReferralState.CLOSED
    office.change(ReferralRow, world.referrals[ties], state=state)
    given = ConsentState.GIVEN if consent else ConsentState.WITHDRAWN
    office.change(ConsentRow, world.consents[ties], state=given, withdrawn_at=None)


def profile(world: World, actor: Relation, ties: tuple[bool, bool, bool], scopes: Any = EVERY_SCOPE) -> AccessProfile:
    agreement, relation, consent = ties
    if actor in PARTNERS:
        return partner(world.bodies[agreement], relation=actor, scopes=scopes)
    accounts = {Relation.CASEWORKER: world.worker, Relation.RESIDENT: world.people[relation, consent]}
    # Others carry a body and an account as well: they must be of no use to them.
    body = None if actor in {Relation.ANONYMOUS, Relation.RESIDENT} else world.bodies[agreement]
    return staff(
        actor, accounts.get(actor, world.worker), organisation_id=body, scopes=scopes, purpose=Purpose.ASSESSMENT
    )


def there(actor: Relation, ties: tuple[bool, bool, bool]) -> bool:
    """Tell by the matrix whether the record exists for the actor."""
    agreement, relation, _ = ties
    if actor in PARTNERS:
        return agreement and relation
    cell = CELLS[actor]["case"]
    if cell == "V":
        return True
    # Marks o and O; the rest (t, r, d, C) hang on rows that are not kept yet, so nothing is seen.
    return relation and cell in {"Vo", "O"}


def shown(actor: Relation, kind: str, ties: tuple[bool, bool, bool], scopes: Any = EVERY_SCOPE) -> bool:
    """Tell by the matrix whether the category is seen at the grain.

    Mark n asks for a flag before the illness is shown. What a host must provide stands before it: to cities the matrix
    opens it (C) without one.
    """
    category, _, grain = kind.partition(" ")
    cell = CELLS[Relation.PARTNER_REFERRAL if actor in PARTNERS else actor][category]
    scope = SCOPES[kind] in scopes or AccessScope.SELF_READ in scopes
    letters = "VOC" if grain else "VO"
    return there(actor, ties) and scope and cell[0] in letters and (cell[1:] != "c" or ties[2])


WAYS = {
    "case": ("query($id: ID!) { case(id: $id) { %s } }", ("case",)),
    "alias": ("query($id: ID!) { other: case(id: $id) { %s } }", ("other",)),
    "node": ("query($id: ID!) { node(id: $id) { ... on Case { %s } } }", ("node",)),
    "nodes": ("query($id: ID!) { nodes(ids: [$id]) { ... on Case { %s } } }", ("nodes", 0)),
    "fragment": ("query($id: ID!) { case(id: $id) { ...F } } fragment F on Case { %s }", ("case",)),
    "entity": (
        'query { _entities(representations: [{__typename: "Case", id: "ID"}]) { ... on Case { %s } } }',
        ("_entities", 0),
    ),
    "include": ("query($id: ID!) { case(id: $id) { ... @include(if: true) { %s } } }", ("case",)),
}


def at(data: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        if data is None:
            return None
        data = data[step]
    return data


@pytest.mark.parametrize("actor", list(Relation))
async def test_a_case_is_shown_as_the_matrix_says_on_every_path(hub: Hub, world: World, actor: Relation):
    for ties, (way, (document, path)), (category, field) in product(TIES, WAYS.items(), FIELDS.items()):
        who = profile(world, actor, ties)
        file = world.files[ties[1:]]
        shown_id = case_id(file, who)
        answer = await hub.ask(document.replace('"ID"', f'"{shown_id}"') % field, who, id=shown_id)
        told = (actor, ties, way, category, answer)
        name = field.partition(" ")[0]
        record = at(answer.get("data"), path)
        if not there(actor, ties):
            assert record is None, told
            withheld = [each["path"][-1] for each in answer.get("extensions", {}).get("withheld", [])]
            assert name not in withheld, told
            continue
        assert record is not None, told
        expected = shown(actor, category, ties)
        assert (record[name] is not None) == expected, told
        codes = [e["code"] for e in answer.get("extensions", {}).get("withheld", []) if e["path"][-1] == name]
        why = "CONSENT" if actor in PARTNERS and not ties[2] else "RELATION"
        assert codes == ([] if expected else [why]), told


@pytest.mark.parametrize("scope", [None, *dict.fromkeys(SCOPES.values())])
async def test_each_category_needs_its_own_scope(hub: Hub, world: World, scope: AccessScope | None):
    ties = (True, True, True)
    scopes = frozenset({AccessScope.NETWORK_READ, *([scope] if scope else [])})
    for actor in (Relation.PARTNER_AGREEMENT, Relation.CASEWORKER, Relation.LEAD):
        who = profile(world, actor, ties, scopes)
        answer = await hub.ask(
            f"query($id: ID!) {{ case(id: $id) {{ id {' '.join(FIELDS.values())} }} }}",
            who,
            id=case_id(world.files[True, True], who),
        )
        codes = {entry["path"][-1]: entry["code"] for entry in answer["extensions"]["withheld"]}
        for kind, field in FIELDS.items():
            name = field.partition(" ")[0]
            expected = shown(actor, kind, ties, scopes)
            assert (answer["data"]["case"][name] is not None) == expected, (actor, scope, answer)
            why = "RELATION" if SCOPES[kind] in scopes else "SCOPE"
            assert codes.get(name) == (None if expected else why), (actor, scope, answer)
        assert "SCOPE" in codes.values()


@pytest.mark.parametrize("actor", list(Relation))
async def test_lists_counts_filters_and_orders_tell_no_more_than_the_fields(hub: Hub, world: World, actor: Relation):
    for agreement in (True, False):
        counted = 0
        asked = profile(world, actor, (agreement, True, True))
        if actor is Relation.RESIDENT:
            counted = 1
        else:
            counted = sum(there(actor, (agreement, *rest)) for rest in product((True, False), repeat=2))
        opened = sum(
            shown(actor, "case", (agreement, *rest))
            for rest in product((True, False), repeat=2)
            if actor is not Relation.RESIDENT or rest == (True, True)
        )
        plain = await hub.ask("{ cases(first: 10) { totalCount nodes { id } } }", asked)
        ordered = await hub.ask("{ cases(orderBy: {field: OPENED}) { totalCount nodes { id } } }", asked)
        filtered = await hub.ask("{ cases(where: {state: {eq: OPEN}}) { totalCount nodes { id } } }", asked)
        other = await hub.ask("{ cases(where: {state: {eq: CLOSED}}) { totalCount nodes { id } } }", asked)
        told = (actor, agreement, plain, ordered, filtered)
        if (CELLS[actor]["case"][0] not in "VO" and actor not in PARTNERS) or actor not in SEEN:
            assert plain["data"]["cases"] is None, told
            assert ordered["data"]["cases"] is None, told
            assert filtered["data"]["cases"] is None, told
            continue
        assert plain["data"]["cases"]["totalCount"] == counted == len(plain["data"]["cases"]["nodes"]), told
        assert ordered["data"]["cases"]["totalCount"] == opened == len(ordered["data"]["cases"]["nodes"]), told
        assert filtered["data"]["cases"]["totalCount"] == opened, told
        assert other["data"]["cases"] == {"totalCount": 0, "nodes": []}, told


SEEN = {*PARTNERS, Relation.CASEWORKER, Relation.LEAD, Relation.DPO, Relation.RESIDENT}


async def test_a_filter_or_an_order_without_the_scope_is_refused_before_the_database(hub: Hub, world: World):
    who = profile(world, Relation.LEAD, (True, True, True), frozenset({AccessScope.NETWORK_READ}))
    for arguments in ("where: {state: {eq: OPEN}}", "orderBy: {field: OPENED}", "where: {urgency: {eq: URGENT}}"):
        before = hub.statements
        answer = await hub.ask("{ cases(" + arguments + ") { totalCount } }", who)
        assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN_FILTER"]
        assert hub.statements == before


async def test_through_the_referral_the_case_opens_no_wider(hub: Hub, world: World):
    document = """query($id: ID!) {
      referral(id: $id) { id state mySide case { id state identity { legalName } risk { claim }
        contactRule currentRegion arrivalMonth careNeeds household { adults } opinion } }
      node(id: $id) { ... on Referral { case { identity { legalName } } } } }"""
    for ties in TIES:
        who = profile(world, Relation.PARTNER_AGREEMENT, ties)
        answer = await hub.ask(document, who, id=f"rf_{world.referrals[ties]}")
        referral = answer["data"]["referral"]
        assert (referral is not None) == ties[0], ties
        if referral is None:
            continue
        assert referral["mySide"] == "RECIPIENT"
        assert (referral["case"] is not None) == ties[1], (ties, answer)
        if referral["case"]:
            assert referral["case"]["id"] == case_id(world.files[ties[1:]], who)
            names = ("state", "identity", "risk", *COARSE)
            found = {name: referral["case"][name] is not None for name in names}
            assert found == dict.fromkeys(names, ties[2]), (ties, answer)
            assert (answer["data"]["node"]["case"]["identity"] is not None) == ties[2]


@pytest.mark.parametrize("actor", list(Relation))
async def test_a_person_is_there_for_whom_the_case_is(hub: Hub, world: World, actor: Relation):
    for ties in TIES:
        who = profile(world, actor, ties)
        file = world.files[ties[1:]]
        answer = await hub.ask("query($id: ID!) { person(id: $id) { id } }", who, id=person_id(file, who))
        expected = there(actor, ties) or actor is Relation.AUDITOR
        if actor is Relation.AUDITOR:  # M: that somebody exists, through the log alone
            continue
        assert (answer["data"]["person"] is not None) == expected, (actor, ties, answer)


async def test_an_unknown_case_and_a_forbidden_one_answer_byte_for_byte_alike(hub: Hub, world: World):
    document = "query($id: ID!) { case(id: $id) { id state identity { legalName } } node(id: $id) { id } }"
    who = profile(world, Relation.PARTNER_AGREEMENT, (True, False, True))
    forbidden = await hub.text(document, who, id=case_id(world.files[False, True], who))
    unknown = await hub.text(document, who, id=f"ca_{UUID(int=5)}")
    malformed = await hub.text(document, who, id="ca_x")
    assert forbidden == unknown
    assert forbidden == malformed or b'"data":{"case":null,"node":null}' in malformed


# ---- Told by others than a question ----------------------------------------------------------------------------------

HELD = FIELDS | {"case": "version"}
"""The same categories of the packet that was sent."""
EVERYTHING = f"case {{ id {' '.join(FIELDS.values())} }} packet {{ id {' '.join(HELD.values())} }}"


def told_alike(actor: Relation, ties: tuple[bool, bool, bool], referral: Any, answer: Any, scopes: Any) -> None:
    """Compare case and packet in what was told with what a question would show: the matrix says both."""
    for record, fields in (("case", FIELDS), ("packet", HELD)):
        told_of(record, fields, actor, ties, referral[record], answer, scopes)


def told_of(  # noqa: PLR0917  # what is told, of what, to whom
    record: str,
    fields: dict[str, str],
    actor: Relation,
    ties: tuple[bool, bool, bool],
    case: Any,
    answer: Any,
    scopes: Any,
) -> None:
    told = (record, actor, ties, scopes, answer)
    assert (case is not None) == there(actor, ties), told
    entries = [each for each in answer.get("extensions", {}).get("withheld", []) if record in each["path"]]
    if case is None:
        assert not entries, told
        return
    for category, field in fields.items():
        name = field.partition(" ")[0]
        expected = shown(actor, category, ties, scopes)
        assert (case[name] is not None) == expected, (name, *told)
        codes = {entry["code"] for entry in entries if entry["path"][-1] == name}
        scoped = SCOPES[category] in scopes or AccessScope.SELF_READ in scopes
        why = "SCOPE" if not scoped else "CONSENT" if actor in PARTNERS and not ties[2] else "RELATION"
        assert codes == (set() if expected else {why}), (name, *told)


def enveloped(actor: Relation, ties: tuple[bool, bool, bool]) -> bool:
    """Tell whether the actor reads the envelope of the referral: a side of it does, also when it is over."""
    agreement, relation, _ = ties
    return agreement if actor in PARTNERS else relation or CELLS[actor]["case"] == "V"


async def test_a_subscription_tells_of_a_case_what_a_question_would(hub: Hub, world: World):
    document = f"""subscription {{ live: referralEvents {{ number ...Told }} }}
      fragment Told on ReferralEvent {{ referral {{ {EVERYTHING} }} }}"""
    asked = [*product(Relation, TIES, [EVERY_SCOPE])]
    asked += [*product(SEEN, [(True, True, True)], [frozenset({scope}) for scope in SCOPES.values()])]
    heard = set()
    for actor, ties, scopes in asked:
        who = profile(world, actor, ties, scopes)
        refused = await hub.ask(document, who)
        assert refused["errors"][0]["extensions"]["code"] == "STREAM_ONLY"
        following = hub.operations.follow(document, {}, None, who)
        if actor not in SEEN:
            assert following.withheld == "RELATION", actor
            body = json.loads(hub.operations.withheld(following).body)
            withheld = [{"path": ["live"], "category": "CASE", "code": "RELATION"}]
            assert body == {"data": {"live": None}, "extensions": {"withheld": withheld}}
            continue
        event = hub.operations.shown("ReferralEvent", world.events[ties], who)
        answer, _cost = await hub.operations.happened(following, event, who, "")
        assert (answer is not None) == enveloped(actor, ties), (actor, ties)
        if answer is not None:
            read = json.loads(answer.body)
            told_alike(actor, ties, read["data"]["live"]["referral"], read, scopes)
            heard.add(actor)
    assert heard == SEEN


START = ("startReferral", "ReferralPayload", "referral", {})
WITHDRAW = ("withdrawReferral", "ReferralPayload", "referral", {"reason": "ERROR"})
REVOKE = ("revokeConsent", "ConsentPayload", "consent", {"channel": "SIGNED_PAPER"})
ACTS = {
    Relation.PARTNER_AGREEMENT: START,
    Relation.PARTNER_REFERRAL: START,
    Relation.LEAD: WITHDRAW,
    Relation.CASEWORKER: WITHDRAW,
    Relation.DPO: REVOKE,
    Relation.RESIDENT: REVOKE,
}
"""A step each may take that leaves the case where it was."""


async def test_the_payload_of_a_change_shows_of_a_case_what_a_question_would(changing: tuple[Hub, World]):
    hub, world = changing
    shown_to: dict[Relation, int] = {}
    for number, (actor, ties) in enumerate(product(Relation, TIES)):
        with hub.office() as office:
            stand(office, world, ties)
        who = profile(world, actor, ties)
        for name, payload, on, more in [ACTS[actor]] if actor in ACTS else [START, WITHDRAW, REVOKE]:
            target = f"rf_{world.referrals[ties]}" if on == "referral" else f"cs_{world.consents[ties]}"
            document = f"""mutation($input: {name[0].upper()}{name[1:]}Input!) {{ it: {name}(input: $input) {{
              ... on {payload} {{ referral {{ ...Of }} }} ... on Problem {{ code }} }} }}
              fragment Of on Referral {{ {EVERYTHING} }}"""
            given = {"idempotencyKey": f"intent-{number}-{name}", on: target, **more}
            answer = await hub.ask(document, who, input=given)
            done = answer["data"]["it"]
            told = (actor, ties, answer)
            if done is None or "code" in done:
                # Shut, or refused: nothing of the case is told, by no way.
                assert answer["data"] == {"it": done}, told
                assert done is None or set(done) == {"code"}, told
                entries = answer.get("extensions", {}).get("withheld", [])
                assert [entry["path"] for entry in entries] == ([["it"]] if done is None else []), told
            elif done["referral"] is not None:
                told_alike(actor, ties, done["referral"], answer, EVERY_SCOPE)
                shown_to[actor] = shown_to.get(actor, 0) + 1
    # Partners where agreement and referral are, whatever the person allowed; staff and persons where they have a part.
    assert shown_to == {
        Relation.PARTNER_AGREEMENT: 2,
        Relation.PARTNER_REFERRAL: 2,
        Relation.LEAD: 4,
        Relation.CASEWORKER: 4,
        Relation.DPO: 2,
        Relation.RESIDENT: 2,
    }
