"""What a refusal tells: of a record that is not for who asks no more than of one that is not there."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from handing import CONTENT, Desk, consented, drafted, internal, staff
from referrals_town import Town
from test_partner_mutations import ALLOWED, TAKEN, WANTED, rows
from test_who_may_change import GRAPH, RULES, least

from hub.operations import Operations
from schema.access import AccessProfile
from schema.vocabulary import AccessScope, Purpose, Relation

WHOLE = "__typename ... on Problem { code message path } ... on StateProblem { possible }"
NAMES = ("referral", "consent", "case")
"""Fields of inputs that name a record of persons."""


def naming() -> list[tuple[str, str]]:
    """Name every mutation that names such a record, with the field that does."""
    found = []
    for name in RULES:
        fields = GRAPH.mutation_type.fields[name].args["input"].type.of_type.fields
        found += [(name, field) for field in NAMES if field in fields and field_is_id(fields[field].type)]
    return found


def field_is_id(kind) -> bool:
    return str(kind).rstrip("!") == "ID"


def wanted(name: str) -> dict:
    """Give an input that is good but for the record it names."""
    kind = GRAPH.mutation_type.fields[name].args["input"].type
    given = {field: value for field, value in least(kind).items() if field != "idempotencyKey"}
    if name == "createReferral":
        given |= WANTED
    return given


def everyone(graph: Operations, town: Town) -> dict[str, Desk]:
    """Give those who have no tie to what PEN and the lead do."""
    odd = AccessProfile(relation=Relation.CASEWORKER, scopes=frozenset(AccessScope), account_id=town.other)
    return {
        "another body": Desk(graph, replace(town.sar.acting, client="sar")),
        "another caseworker": Desk(graph, odd),
        "a person": Desk(graph, replace(odd, relation=Relation.RESIDENT)),
    }


def test_every_mutation_of_persons_is_looked_at():
    assert {name for name, _ in naming()} == set(RULES) - {"saveAgreement", "openCase", "submitReferral"}


@pytest.mark.parametrize(("name", "field"), naming(), ids=lambda each: each)
async def test_unknown_and_forbidden_answer_alike(lena: Desk, pen: Desk, town: Town, name: str, field: str):
    case, out = await drafted(lena, town)
    asked = await consented(lena, town, out, ["CASE", "IDENTITY"])
    await lena.step("sendReferral", referral=out)
    theirs = (await pen.step("createReferral", content=CONTENT, recipient=f"or_{town.home}", **WANTED))["referral"]
    waiting = await pen.do(
        "requestConsent",
        "... on ConsentPayload { consent { id } }",
        referral=theirs["id"],
        categories=["CASE"],
        until="2027-01-15",
    )
    forbidden = {
        "referral": [out, theirs["id"]],
        "consent": [asked["consent"]["id"], waiting["consent"]["id"]],
        "case": [case, theirs["case"]["id"]],
    }
    kinds = {"referral": "rf", "consent": "cs", "case": "ca"}
    others = [each for kind in NAMES if kind != field for each in forbidden[kind]]
    bent = [f"{kinds[field]}_{internal(each)}" for each in others]
    unknown = [f"{kinds[field]}_{uuid4()}", f"{kinds[field]}_{UUID(int=0)}", "", "nonsense", f"xx_{uuid4()}"]
    before = rows(town, "select id, state from referral order by id"), rows(town, "select id, state from consent")
    given = wanted(name)
    if name == "createReferral":
        given["recipient"] = f"or_{town.pen.id}"
    for who, desk in everyone(lena.operations, town).items():
        if name == "createReferral" and desk.profile.organisation_id is not None:
            given = given | {"recipient": f"or_{town.home}"}
        answers = {
            each: await asking(desk, name, given | {field: each})
            for each in (*forbidden[field], *others, *bent, *unknown)
        }
        assert len({str(each) for each in answers.values()}) == 1, (who, answers)
        (answer,) = {str(each) for each in answers.values()}
        assert "NOT_FOUND" in answer or "'it': None" in answer or name == "acknowledgeReferral", (who, answer)
    assert before == (
        rows(town, "select id, state from referral order by id"), rows(town, "select id, state from consent")
    )  # fmt: skip


async def asking(desk: Desk, name: str, given: dict) -> dict:
    """Ask, and give the whole answer."""
    kind = GRAPH.mutation_type.fields[name].args["input"].type
    document = f"mutation($input: {kind}) {{ it: {name}(input: $input) {{ {WHOLE} }} }}"
    return await desk.ask(document, input={"idempotencyKey": f"key-{uuid4()}", **given})


async def test_nobody_at_icorn_takes_up_or_answers_for_what_a_partner_has_not_sent(lena: Desk, pen: Desk, town: Town):
    made = await pen.step("createReferral", content=CONTENT, recipient=f"or_{town.home}", **WANTED)
    draft = made["referral"]["id"]
    waiting = await pen.do(
        "requestConsent",
        "... on ConsentPayload { consent { id } }",
        referral=draft,
        categories=["CASE", "IDENTITY", "RISK"],
        until="2027-01-15",
    )
    for desk in (lena, Desk(lena.operations, staff(town, Relation.CASEWORKER))):
        for name in ("takeReferral", "acceptReferral", "startReferral"):
            answers = [await asking(desk, name, wanted(name) | {"referral": each}) for each in (draft, f"rf_{uuid4()}")]
            assert answers[0] == answers[1], name
        said = wanted("recordConsent") | {"consent": waiting["consent"]["id"], "given": ["CASE", "RISK"]}
        assert (await asking(desk, "recordConsent", said))["data"]["it"]["code"] == "NOT_FOUND"
    assert town.consent(internal(waiting["consent"]["id"])).state.value == "requested"
    # What it was sent, and is worked on here, is still the partner's to answer for.
    sent = await pen.step("submitReferral", content=ALLOWED, consent=TAKEN, **WANTED)
    await lena.step("takeReferral", referral=sent["referral"]["id"])
    with town.engine.begin() as connection:
        connection.exec_driver_sql("update consent set state = 'requested'")
    said |= {"consent": sent["consent"]["id"], "until": "2026-12-01"}
    assert (await asking(lena, "recordConsent", said))["data"]["it"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize("name", [name for name, field in naming() if field == "referral"])
async def test_whose_agreement_does_not_run_is_told_the_same_of_every_referral(
    lena: Desk, pen: Desk, town: Town, name: str
):
    _, known = await drafted(lena, town)
    await consented(lena, town, known, ["CASE", "IDENTITY"])
    await lena.step("sendReferral", referral=known)
    with town.engine.begin() as connection:
        connection.exec_driver_sql("update agreement set state = 'suspended'")
    given = wanted(name)
    answers = [await asking(pen, name, given | {"referral": each}) for each in (known, f"rf_{uuid4()}", "nonsense")]
    assert answers[0] == answers[1] == answers[2]


async def test_a_consent_for_what_is_not_sent_yet_is_not_there_for_its_recipient(lena: Desk, pen: Desk, town: Town):
    case, first = await drafted(lena, town)
    await consented(lena, town, first, ["CASE", "IDENTITY"])
    await lena.step("sendReferral", referral=first)
    asked = "{ consents { totalCount nodes { id state categories } } }"
    before = await pen.ask(asked)
    assert before["data"]["consents"]["totalCount"] == 1
    made = await lena.step("createReferral", case=case, recipient=f"or_{town.pen.id}", **WANTED)
    second = made["referral"]["id"]
    await consented(lena, town, second, ["CASE", "IDENTITY", "RISK"])
    assert await pen.ask(asked) == before
    await lena.do("withdrawReferral", WHOLE, referral=second, reason="ERROR")
    assert await pen.ask(asked) == before


async def test_what_the_envelope_tells_of_the_person_goes_with_the_consent(lena: Desk, pen: Desk, town: Town):
    _, referral = await drafted(lena, town)
    given = await consented(lena, town, referral, ["CASE", "IDENTITY"])
    await lena.step("sendReferral", referral=referral)
    asked = "query($id: ID!) { referral(id: $id) { originRegion languages state } }"
    told = {"originRegion": "WESTERN_ASIA", "languages": ["ar", "fr"]}
    assert (await pen.ask(asked, id=referral))["data"]["referral"] == {**told, "state": "SENT"}
    dpo = Desk(lena.operations, staff(town, Relation.DPO))
    gone = {"consent": given["consent"]["id"], "channel": "SIGNED_PAPER"}
    assert await dpo.do("revokeConsent", "__typename", **gone) == {"__typename": "ConsentPayload"}
    none = {"originRegion": None, "languages": []}
    assert (await pen.ask(asked, id=referral))["data"]["referral"] == {**none, "state": "CONSENT_REVOKED"}
    assert (await lena.ask(asked, id=referral))["data"]["referral"] == {**told, "state": "CONSENT_REVOKED"}


# ---- A duplicate of which the sender must not know -------------------------------------------------------------------


async def marked(lena: Desk, town: Town, *, duplicate: bool, taken: bool = True) -> str:
    """Hand a person to PEN, which finds, or does not find, that it knows the person."""
    _, referral = await drafted(lena, town)
    await consented(lena, town, referral, ["CASE", "IDENTITY"])
    await lena.step("sendReferral", referral=referral)
    packet = town.fetched(town.pen, internal(referral))
    assert packet is not None
    town.settle(town.waiting(internal(referral))[0], town.receipt(town.pen, packet))
    told = 0
    if taken:
        told += 1
        town.tells(town.pen, internal(referral), told, "take", "in_review")
    if duplicate:
        town.tells(town.pen, internal(referral), told + 1, "mark_duplicate", "duplicate")
    assert (town.state(internal(referral)) == "duplicate") is duplicate
    return referral


SEEN = """query($id: ID!) { referral(id: $id) {
    state since clock { kind dueAt side } events(first: 20) { totalCount nodes { number kind from to at side } } } }"""


async def seen(lena: Desk, referral: str) -> dict:
    answer = await lena.ask(SEEN, id=referral)
    assert "errors" not in answer, answer
    return answer["data"]["referral"]


async def nothing(_lena: Desk, _town: Town, _referral: str) -> object:
    return None


async def take_back(lena: Desk, _town: Town, referral: str) -> object:
    wide = (
        "__typename ... on ReferralPayload { event { number kind from to } referral { state } } ... on Problem { code }"
    )
    return await lena.do("withdrawReferral", wide, referral=referral, reason="PERSON_WITHDREW")


async def revoke(_lena: Desk, town: Town, referral: str) -> object:
    consent = town.row(internal(referral)).consent_id
    dpo = Desk(_lena.operations, staff(town, Relation.DPO))
    selection = "__typename ... on ConsentPayload { referral { state } consent { state } } ... on Problem { code }"
    return await dpo.do("revokeConsent", selection, consent=f"cs_{consent}", channel="SIGNED_PAPER")


async def wait(_lena: Desk, town: Town, _referral: str) -> object:
    for _ in range(80):
        town.clock.advance(days=1)
        for _ in range(3):
            with town.engine.begin() as connection:
                town.referrals.remind(connection, town.now)
                town.referrals.expire(connection, town.now)
    return None


async def end_the_agreement(_lena: Desk, town: Town, _referral: str) -> object:
    with town.engine.begin() as connection:
        connection.exec_driver_sql("update agreement set state = 'ended'")
        town.referrals.end_uncovered(connection, town.now)
    return None


async def say_it_is_safe(lena: Desk, _town: Town, referral: str) -> object:
    return await lena.do("reportOutcome", WHOLE, referral=referral, reason="PERSON_SAFE")


async def send_again(lena: Desk, _town: Town, referral: str) -> object:
    return await lena.do("sendReferral", WHOLE, referral=referral)


async def send_another(lena: Desk, town: Town, referral: str) -> object:
    asked = await lena.ask("query($id: ID!) { referral(id: $id) { case { id } } }", id=referral)
    case = asked["data"]["referral"]["case"]["id"]
    made = await lena.step("createReferral", case=case, recipient=f"or_{town.pen.id}", **WANTED)
    await consented(lena, town, made["referral"]["id"], ["CASE", "IDENTITY"])
    return await lena.do("sendReferral", WHOLE, referral=made["referral"]["id"])


@pytest.mark.parametrize("taken", [True, False])
@pytest.mark.parametrize(
    "act",
    [nothing, take_back, revoke, wait, end_the_agreement, say_it_is_safe, send_again, send_another],
    ids=lambda each: each.__name__,
)
async def test_a_sender_sees_no_difference_between_a_duplicate_and_another(
    lena: Desk, town: Town, act: Callable, taken: bool
):
    begun = town.now
    told = []
    for duplicate in (False, True):
        referral = await marked(lena, town, duplicate=duplicate, taken=taken)
        first = await seen(lena, referral)
        answer = await act(lena, town, referral)
        told.append((first, answer, await seen(lena, referral), town.row(internal(referral)).stopped_at))
        town.clock.advance(seconds=(begun - town.now).total_seconds())
        with town.engine.begin() as connection:
            connection.exec_driver_sql("update agreement set state = 'in_force'")
            connection.exec_driver_sql("update referral set state = 'closed', clock = null, due_at = null")
    assert told[0] == told[1]
    assert "DUPLICATE" not in str(told)
    after = told[1][2]
    assert [each["number"] for each in after["events"]["nodes"]] == [*range(1, after["events"]["totalCount"] + 1)]


async def test_the_recipient_knows_what_it_found(lena: Desk, pen: Desk, town: Town):
    referral = await marked(lena, town, duplicate=True)
    read = await seen(pen, referral)
    assert (read["state"], read["clock"]) == ("DUPLICATE", None)
    assert [each["kind"] for each in read["events"]["nodes"]][-1] == "MARK_DUPLICATE"


async def test_where_the_person_allowed_the_check_the_sender_reads_it(lena: Desk, town: Town):
    referral = await marked(lena, town, duplicate=True)
    with town.engine.begin() as connection:
        connection.exec_driver_sql(
            "update consent set purposes = array_append(purposes, %s)", (Purpose.DUPLICATE_CHECK.value,)
        )
    read = await seen(lena, referral)
    assert read["state"] == "DUPLICATE"
    assert read["events"]["nodes"][-1]["kind"] == "MARK_DUPLICATE"
    assert [each["number"] for each in read["events"]["nodes"]] == [*range(1, read["events"]["totalCount"] + 1)]


# ---- Keys ------------------------------------------------------------------------------------------------------------


async def test_behind_one_client_each_has_keys_of_their_own(pen: Desk, town: Town):
    """A gateway asks for many bodies, a site of the provider for many people: one's keys are nothing to another."""
    behind = {
        "a body": replace(pen.profile, client="gateway", subjects=("client:gateway", "sub:pen", f"org:{town.pen.id}")),
        "another": replace(
            town.sar.acting,
            purposes=pen.profile.purposes,
            purpose=pen.profile.purpose,
            client="gateway",
            subjects=("client:gateway", "sub:sar", f"org:{town.sar.id}"),
        ),
    }
    document = (
        "mutation($input: SubmitReferralInput!) { it: submitReferral(input: $input)"
        " { __typename ... on ReferralPayload { replayed referral { id } } ... on Problem { code } } }"
    )
    told = {}
    for who, profile in behind.items():
        desk = Desk(pen.operations, profile)
        given = {"idempotencyKey": "the-same-key", "content": ALLOWED, "consent": TAKEN, **WANTED}
        first = (await desk.ask(document, input=given))["data"]["it"]
        assert first["replayed"] is False, (who, first)
        assert (await desk.ask(document, input=given))["data"]["it"] == first | {"replayed": True}
        other = (await desk.ask(document, input=given | {"urgency": "NORMAL"}))["data"]["it"]
        assert other["code"] == "KEY_REUSED"
        told[who] = first["referral"]["id"]
    assert len(set(told.values())) == 2
