"""Persons, tried by partners: withdrawn and outrun consents, other purposes, erased and swapped rows, ids of others."""

import base64
import io
import json
from datetime import timedelta

import asyncpg
import psycopg
import pytest
from desk import Hub
from office import (
    CLAIM,
    LEAD,
    NAME,
    NOW,
    PEN_NAME,
    PLANTED,
    TODAY,
    VEIL,
    case_id,
    partner,
    person_id,
    staff,
)

from hub import log
from hub.operations import Operations, Persons
from schema.tables import AgreementRow, CaseRow, ConsentRow, PersonRow, ReferralRow
from schema.vocabulary import (
    AccessScope,
    AgreementState,
    Category,
    ConsentState,
    Purpose,
    ReferralEventKind,
    ReferralState,
    Relation,
)

CASE = "query($id: ID!) { case(id: $id) { state identity { legalName names } risk { claim } securityAdvice } }"


@pytest.fixture
async def handed(hub: Hub):
    """A case handed to a body that has agreement, referral and consent."""
    with hub.office() as office:
        body = office.body("body")
        agreement = office.agree(body)
        file = office.file(owner_id=office.account(Relation.CASEWORKER))
        consent = office.consent(file, body)
        referral = office.refer(file, body, consent_id=consent)
    return file, body, agreement, consent, referral


def codes(answer) -> dict[str, str]:
    return {each["path"][-1]: each["code"] for each in answer.get("extensions", {}).get("withheld", [])}


async def test_a_partner_with_everything_reads_what_was_released(hub, handed):
    file, body, *_ = handed
    who = partner(body)
    answer = await hub.ask(
        """query($id: ID!) { case(id: $id) { id code state openedOn profile { languages originRegion support }
          identity { __typename legalName names birthDate nationalities pronouns }
          risk { level claim incidents { act on by account } convicted samples { title discipline published } }
          securityAdvice person { id } } }""",
        who,
        id=case_id(file, who),
    )
    assert "extensions" not in answer
    assert answer["data"]["case"] == {
        "id": case_id(file, who),
        "code": answer["data"]["case"]["code"],
        "state": "OPEN",
        "openedOn": "2026-03-01",
        "profile": {"languages": ["fa"], "originRegion": "WESTERN_ASIA", "support": ["RESIDENCY"]},
        "identity": {
            "__typename": "Identity",
            "legalName": NAME,
            "names": [PEN_NAME],
            "birthDate": "1971-05-03",
            "nationalities": ["IR"],
            "pronouns": None,
        },
        "risk": {
            "level": "HIGH",
            "claim": CLAIM,
            "incidents": [{"act": "DEATH_THREAT", "on": "2025-02", "by": None, "account": None}],
            "convicted": False,
            "samples": [{"title": "Planted Title", "discipline": "POETRY", "published": False}],
        },
        "securityAdvice": "No pictures.",
        "person": {"id": person_id(file, who)},
    }


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"withdrawn_at": NOW}, "CONSENT"),
        ({"state": ConsentState.WITHDRAWN}, "CONSENT"),
        ({"state": ConsentState.REQUESTED}, "CONSENT"),
        ({"state": ConsentState.REFUSED}, "CONSENT"),
        ({"state": ConsentState.SUPERSEDED}, "CONSENT"),
        ({"state": ConsentState.LIMITED}, None),
        ({"until_on": TODAY}, None),
        ({"until_on": TODAY - timedelta(days=1)}, "CONSENT"),
        ({"from_on": TODAY}, None),
        ({"from_on": TODAY + timedelta(days=1)}, "CONSENT"),
        ({"purposes": [Purpose.ADVOCACY]}, "CONSENT"),
        ({"purposes": []}, "CONSENT"),
        ({"categories": [Category.CASE, Category.RISK]}, "CONSENT"),
    ],
)
async def test_identity_opens_only_under_a_running_consent(hub, handed, terms, code):
    file, body, _, consent, _ = handed
    with hub.office() as office:
        office.change(ConsentRow, consent, **terms)
    who = partner(body)
    answer = await hub.ask(CASE, who, id=case_id(file, who))
    assert codes(answer).get("identity") == code
    assert (answer["data"]["case"]["identity"] is None) == (code is not None)
    if terms.get("categories"):
        assert answer["data"]["case"]["risk"] == {"claim": CLAIM}


async def test_a_consent_of_another_recipient_or_another_person_opens_nothing(hub, handed):
    file, body, _, consent, _ = handed
    with hub.office() as office:
        other = office.file()
        office.consent(other, body)
        office.change(ConsentRow, consent, recipient_id=office.body("other"))
    who = partner(body)
    answer = await hub.ask(CASE, who, id=case_id(file, who))
    assert codes(answer) == dict.fromkeys(("state", "identity", "risk", "securityAdvice"), "CONSENT")


@pytest.mark.parametrize("purpose", [None, Purpose.ADVOCACY])
async def test_another_purpose_than_the_referrals_opens_nothing(hub, handed, purpose):
    file, body, _, consent, _ = handed
    with hub.office() as office:
        # Even where the person allows both.
        office.change(ConsentRow, consent, purposes=[Purpose.ASSESSMENT, Purpose.ADVOCACY])
    who = partner(body, purpose)
    answer = await hub.ask(CASE, who, id=case_id(file, who))
    assert answer["data"]["case"] == dict.fromkeys(("state", "identity", "risk", "securityAdvice"))
    assert set(codes(answer).values()) == {"CONSENT"}


@pytest.mark.parametrize("state", ReferralState)
async def test_content_is_shown_from_acknowledgement_until_it_is_over(hub, handed, state):
    file, body, _, _, referral = handed
    with hub.office() as office:
        office.change(ReferralRow, referral, state=state)
    who = partner(body)
    answer = await hub.ask(CASE, who, id=case_id(file, who))
    opened = {"received", "in_review", "info_requested", "partial_offer", "waitlisted", "accepted", "in_progress"}
    assert (answer["data"]["case"] is not None) == (state.value in opened | {"on_hold", "outcome_reported"})
    envelope = await hub.ask("query($id: ID!) { referral(id: $id) { state } }", who, id=f"rf_{referral}")
    assert envelope["data"]["referral"] == {"state": state.name}


async def test_before_it_is_sent_a_referral_does_not_exist_for_the_recipient(hub, handed):
    file, body, _, _, referral = handed
    with hub.office() as office:
        office.change(ReferralRow, referral, sent_at=None)
    who = partner(body)
    document = "query($id: ID!) { referral(id: $id) { id } node(id: $id) { id } referrals { totalCount } }"
    answer = await hub.ask(document, who, id=f"rf_{referral}")
    assert answer["data"] == {"referral": None, "node": None, "referrals": {"totalCount": 0}}
    assert (await hub.ask(CASE, who, id=case_id(file, who)))["data"]["case"] is None
    assert (await hub.ask("{ consents { totalCount } }", who))["data"]["consents"]["totalCount"] == 0


@pytest.mark.parametrize(
    ("terms", "there", "code"),
    [
        ({"state": AgreementState.SUSPENDED}, False, None),
        ({"state": AgreementState.ENDED}, False, None),
        ({"until_on": "2026-11-20"}, False, None),
        ({"until_on": "2026-11"}, True, None),
        ({"from_on": "2026-12"}, False, None),
        ({"categories": [Category.CASE, Category.RISK]}, True, "SCOPE"),
        ({"purposes": [Purpose.ADVOCACY]}, True, "SCOPE"),
    ],
)
async def test_the_agreement_is_the_upper_bound(hub, handed, terms, there, code):
    file, body, agreement, *_ = handed
    with hub.office() as office:
        office.change(AgreementRow, agreement, **terms)
    who = partner(body)
    answer = await hub.ask(CASE, who, id=case_id(file, who))
    assert (answer["data"]["case"] is not None) == there
    assert codes(answer).get("identity") == code


@pytest.mark.parametrize("rule", ["blocked_organisations", "frozen"])
async def test_a_body_that_is_blocked_and_a_file_that_is_frozen_are_as_if_there_were_none(hub, handed, rule):
    file, body, *_ = handed
    with hub.office() as office:
        office.change(PersonRow, file.person, **{rule: [body] if rule == "blocked_organisations" else True})
    who = partner(body)
    answer = await hub.ask(CASE, who, id=case_id(file, who))
    assert answer == {"data": {"case": None}}
    lead = await hub.ask(CASE, LEAD, id=case_id(file, LEAD))
    assert lead["data"]["case"]["identity"]["legalName"] == NAME


async def test_a_withdrawal_bites_with_the_next_read_under_the_same_plan(hub, handed):
    file, body, _, consent, _ = handed
    who = partner(body)
    before = await hub.ask(CASE, who, id=case_id(file, who))
    with hub.office() as office:
        office.change(ConsentRow, consent, state=ConsentState.WITHDRAWN, withdrawn_at=NOW)
    after = await hub.ask(CASE, who, id=case_id(file, who))
    assert before["data"]["case"]["identity"]["legalName"] == NAME
    assert after["data"]["case"]["identity"] is None


async def test_a_caseworker_sees_own_cases_and_those_they_cover(hub, handed):
    file, *_ = handed
    with hub.office() as office:
        cover = office.account(Relation.CASEWORKER)
        office.change(CaseRow, file.case, cover_id=cover)
    for account, there in ((cover, True), (None, False)):
        who = staff(Relation.CASEWORKER, account)
        answer = await hub.ask(CASE, who, id=case_id(file, who))
        assert (answer["data"]["case"] is not None) == there


async def test_a_partner_reads_the_file_it_sent_along_without_consent(hub):
    with hub.office() as office:
        sender, stranger = office.body("sender"), office.body("stranger")
        for each in (sender, stranger):
            office.agree(each)
        file = office.file(holder_id=sender)
    for body, there in ((sender, True), (stranger, False)):
        who = partner(body, None)
        answer = await hub.ask(CASE, who, id=case_id(file, who))
        assert (answer["data"]["case"] is not None) == there
        if there:
            assert answer["data"]["case"]["identity"]["legalName"] == NAME


async def test_a_denied_token_reads_nothing_and_leaves_no_leaf(hub, handed):
    file, body, *_ = handed
    with hub.office() as office:
        office.connection.exec_driver_sql(
            "insert into denial (subject, before, expires_at) values ('client:program', %s, %s)",
            (NOW, NOW + timedelta(days=1)),
        )
    who = partner(body, subjects=("client:program",), issued_at=NOW - timedelta(minutes=1))
    answer = await hub.ask(CASE, who, id=case_id(file, who))
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["TOKEN_DENIED"]
    assert leaves(hub) == []


# ---- Sealed ----------------------------------------------------------------------------------------------------------


async def test_an_erased_person_answers_sealed_whether_or_not_anything_was_recorded(hub, handed):
    file, body, *_ = handed
    with hub.office() as office:
        empty = office.file(sealed=False)
        office.vault.destroy_key(office.connection, file.person, NOW)
        office.vault.destroy_key(office.connection, empty.person, NOW)
    for each in (file, empty):
        answer = await hub.ask(CASE, LEAD, id=case_id(each, LEAD))
        assert codes(answer) == {"identity": "SEALED", "risk": "SEALED"}
        assert answer["data"]["case"]["identity"] is None
    who = partner(body)
    assert codes(await hub.ask(CASE, who, id=case_id(file, who))) == {"identity": "SEALED", "risk": "SEALED"}


async def test_what_was_never_recorded_is_null_and_not_withheld(hub):
    with hub.office() as office:
        file = office.file(sealed=False)
    answer = await hub.ask(CASE, LEAD, id=case_id(file, LEAD))
    assert answer == {"data": {"case": {"state": "OPEN", "identity": None, "risk": None, "securityAdvice": None}}}


async def test_envelopes_swapped_in_the_database_do_not_open(hub):
    stream = io.StringIO()
    log.configure(strict=True, level="warning", stream=stream)
    with hub.office() as office:
        one, other = office.file(), office.file()
        office.connection.exec_driver_sql(
            "update case_identity i set sealed = o.sealed from case_identity o where o.case_id <> i.case_id"
        )
    answer = await hub.ask(CASE, LEAD, id=case_id(one, LEAD))
    log.configure(strict=True, level="warning")
    assert answer["data"]["case"]["identity"] is None
    assert answer["data"]["case"]["risk"] == {"claim": CLAIM}
    assert codes(answer) == {"identity": "SEALED"}
    assert other
    told = json.loads(stream.getvalue())
    assert (told["event"], told["table"]) == ("sealed.not_opened", "case_identity")


async def test_a_sealed_value_leaves_the_database_only_where_it_is_released(hub, handed):
    file, body, _, consent, _ = handed
    raw = hub.rows("select sealed from case_identity")[0][0]
    with hub.office() as office:
        office.change(ConsentRow, consent, categories=[Category.CASE])
    who = partner(body)
    noting = Noting(hub.audited)
    hub.operations = Operations(
        reader=hub.open, clock=hub.clock, planner=hub.operations.planner, persons=Persons(noting, hub.sealing, VEIL)
    )
    await hub.ask(CASE, who, id=case_id(file, who))
    await hub.ask(CASE, LEAD, id=case_id(file, LEAD))
    envelope = base64.b64encode(raw)[:40]
    assert [envelope in each.replace(b"\n", b"") for each in noting.read] == [False, True]


class Noting:
    """A door that keeps what came through it."""

    def __init__(self, door):
        self.door = door
        self.read: list[bytes] = []

    async def fetch_text(self, sql, args=()):
        self.read.append(await self.door.fetch_text(sql, args))
        return self.read[-1]


async def test_planted_names_are_in_no_dump_of_the_database_and_in_no_log(hub, handed):
    file, body, *_ = handed
    stream = io.StringIO()
    log.configure(strict=True, level="debug", stream=stream)
    who = partner(body)
    answer = await hub.text(CASE, who, id=case_id(file, who))
    assert NAME.encode() in answer
    log.configure(strict=True, level="warning")
    dump = _dumped(hub)
    assert b"audit_leaf" in dump
    for planted in PLANTED:
        assert planted.encode() not in dump
        assert planted.encode().hex().encode() not in dump
        assert planted not in stream.getvalue()


def _dumped(hub: Hub) -> bytes:
    """Copy every table out as text."""
    out = []
    with psycopg.connect(hub.database.conninfo) as connection:
        names = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'public' order by 1"
        ).fetchall()
        for (name,) in names:
            out.append(name.encode())
            with connection.cursor().copy(f'copy "{name}" to stdout') as copied:
                out.extend(bytes(block) for block in copied)
    return b"\n".join(out)


# ---- Ids -------------------------------------------------------------------------------------------------------------


async def test_two_bodies_hold_different_ids_for_one_person_and_neither_can_use_the_others(hub, handed):
    file, body, *_ = handed
    with hub.office() as office:
        second = office.body("second")
        office.agree(second)
        office.consent(file, second)
        office.refer(file, second)
    document = "{ cases { edges { cursor node { id person { id } } } } }"
    seen = []
    for each in (body, second):
        (edge,) = (await hub.ask(document, partner(each)))["data"]["cases"]["edges"]
        seen.append((edge["node"]["id"], edge["node"]["person"]["id"], edge["cursor"]))
    mine, theirs = seen
    assert len({*mine, *theirs}) == 6
    internal = {str(file.case), str(file.person)}
    assert not internal & {text.partition("_")[2] for text in (*mine, *theirs)}
    who = partner(body)
    for id_ in (theirs[0], theirs[1], f"ca_{file.case}", f"pe_{file.person}"):
        answer = await hub.ask("query($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }", who, id=id_)
        assert answer["data"] == {"node": None, "nodes": [None]}
    refused = await hub.ask("query($after: String) { cases(after: $after) { totalCount } }", who, after=theirs[2])
    assert refused["errors"][0]["extensions"]["code"] == "BAD_CURSOR"


async def test_pages_of_cases_go_on_where_they_stopped(hub):
    with hub.office() as office:
        files = [office.file() for _ in range(5)]
    seen: list[str] = []
    after = None
    while True:
        document = (
            "query($a: String) { cases(first: 2, after: $a) { nodes { id } pageInfo { hasNextPage endCursor } } }"
        )
        page = (await hub.ask(document, LEAD, a=after))["data"]["cases"]
        seen += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert sorted(seen) == sorted(case_id(file, LEAD) for file in files)
    assert not any(str(file.case) in base64.urlsafe_b64decode(after).decode("latin-1") for file in files)


# ---- Referrals -------------------------------------------------------------------------------------------------------


async def test_the_inbox_of_a_partner_holds_its_own_referrals_by_their_clock(hub, handed):
    _, body, _, _, referral = handed
    with hub.office() as office:
        other = office.body("other")
        office.agree(other)
        late = office.refer(office.file(), body, due_at=NOW + timedelta(days=9), state=ReferralState.SENT)
        early = office.refer(office.file(), body, due_at=NOW + timedelta(hours=1), state=ReferralState.RECEIVED)
        office.refer(office.file(), body, state=ReferralState.CLOSED, clock=None, due_at=None)
        office.refer(office.file(), other)
    document = """query PartnerInbox($after: String) {
      referrals(first: 25, after: $after, where: { mySide: RECIPIENT, open: true }, orderBy: { field: DUE }) {
        edges { cursor node { ...Envelope clock { kind dueAt pausedSince } } }
        pageInfo { hasNextPage endCursor } totalCount } }
      fragment Envelope on Referral {
        id state since urgency purpose languages originRegion sender { name } services { kind answer } }"""
    # One inbox for all purposes: no purpose is declared.
    answer = await hub.ask(document, partner(body, None, scopes=frozenset({AccessScope.REFERRAL_RECEIVE})))
    page = answer["data"]["referrals"]
    assert [edge["node"]["id"] for edge in page["edges"]] == [f"rf_{each}" for each in (early, referral, late)]
    assert page["totalCount"] == 3
    assert page["edges"][0]["node"] == {
        "id": f"rf_{early}",
        "state": "RECEIVED",
        "since": "2026-11-20T12:00:00Z",
        "urgency": "URGENT",
        "purpose": "ASSESSMENT",
        "languages": ["fa"],
        "originRegion": "WESTERN_ASIA",
        "sender": {"name": "icorn"},
        "services": [{"kind": "ASSESSMENT", "answer": "ASKED"}],
        "clock": {"kind": "DECISION", "dueAt": "2026-11-21T13:00:00Z", "pausedSince": None},
    }
    assert "extensions" not in answer


async def test_each_side_counts_its_own_events(hub, handed):
    _, body, _, _, referral = handed
    with hub.office() as office:
        kinds = (ReferralEventKind.CREATE, ReferralEventKind.CONSENT_GIVEN, ReferralEventKind.SEND)
        for number, kind in enumerate(kinds, 1):
            received = 1 if kind is ReferralEventKind.SEND else None
            office.event(referral, number, kind, ReferralState.SENT, recipient_number=received)
        office.event(referral, 4, ReferralEventKind.ACKNOWLEDGE, ReferralState.RECEIVED, recipient_number=2)
    document = "query($id: ID!) { referral(id: $id) { events { nodes { number kind } } } }"
    read = [
        [(each["number"], each["kind"]) for each in answer["data"]["referral"]["events"]["nodes"]]
        for answer in [await hub.ask(document, who, id=f"rf_{referral}") for who in (LEAD, partner(body))]
    ]
    assert read[0] == [(1, "CREATE"), (2, "CONSENT_GIVEN"), (3, "SEND"), (4, "ACKNOWLEDGE")]
    assert read[1] == [(1, "SEND"), (2, "ACKNOWLEDGE")]


@pytest.mark.parametrize("told", [True, False])
async def test_a_sender_learns_of_a_duplicate_only_under_consent(hub, told):
    with hub.office() as office:
        sender = office.body("sender")
        office.agree(sender)
        file = office.file(holder_id=sender)
        referral = office.refer(
            file, office.house, sender_id=sender, direction="incoming", state=ReferralState.DUPLICATE
        )
        office.event(referral, 1, ReferralEventKind.SEND, ReferralState.SENT, recipient_number=1)
        office.event(
            referral,
            2,
            ReferralEventKind.DUPLICATE_DETECTED,
            ReferralState.DUPLICATE,
            recipient_number=2,
            from_state=ReferralState.SENT,
        )
        if told:
            office.consent(file, office.house, purposes=[Purpose.DUPLICATE_CHECK])
    document = """query($id: ID!) { referral(id: $id) { state events { totalCount nodes { kind } } }
      open: referrals(where: {open: true}) { totalCount }
      found: referrals(where: {state: DUPLICATE}) { totalCount } }"""
    answer = (await hub.ask(document, partner(sender), id=f"rf_{referral}"))["data"]
    assert answer["referral"]["state"] == ("DUPLICATE" if told else "SENT")
    assert answer["referral"]["events"]["totalCount"] == (2 if told else 1)
    assert (answer["open"]["totalCount"], answer["found"]["totalCount"]) == ((0, 1) if told else (1, 0))
    lead = (await hub.ask(document, LEAD, id=f"rf_{referral}"))["data"]
    assert lead["referral"]["state"] == "DUPLICATE"


# ---- The audit -------------------------------------------------------------------------------------------------------


def leaves(hub: Hub):
    return hub.rows(
        "select relation, actor_id, organisation_id, client, purpose, subjects, categories, fields_returned, "
        "fields_withheld, request_id, operation_hash, at from audit_leaf order by at, id"
    )


async def test_a_read_leaves_word_of_who_what_whose_and_why_and_of_no_value(hub, handed):
    file, body, _, consent, _ = handed
    with hub.office() as office:
        office.change(ConsentRow, consent, categories=[Category.CASE, Category.IDENTITY])
    who = partner(body)
    await hub.operations.execute(
        CASE, variables={"id": case_id(file, who)}, profile=who, request_id="the-request-of-this-test"
    )
    (leaf,) = leaves(hub)
    assert leaf.relation == "partner_agreement"
    assert (leaf.actor_id, leaf.organisation_id, leaf.client) == (None, body, "program")
    assert leaf.purpose == "assessment"
    assert leaf.subjects == [file.person]
    assert leaf.categories == ["case", "identity"]
    assert leaf.fields_returned == [
        "Case.identity",
        "Case.state",
        "Identity.legalName",
        "Identity.names",
        "Query.case",
    ]
    assert leaf.fields_withheld == ["Case.risk", "Case.securityAdvice"]
    assert leaf.request_id == "the-request-of-this-test"
    assert (len(leaf.operation_hash), leaf.at) == (32, NOW)


async def test_who_asks_for_somebody_not_for_them_is_noted_too(hub, handed):
    file, *_ = handed
    with hub.office() as office:
        stranger = office.body("stranger")
        office.agree(stranger)
    who = partner(stranger)
    await hub.ask(CASE, who, id=case_id(file, who))
    (leaf,) = leaves(hub)
    assert (leaf.organisation_id, leaf.subjects, leaf.categories) == (stranger, [], [])
    assert leaf.fields_returned == []


@pytest.mark.usefixtures("handed")
async def test_what_is_not_about_persons_leaves_nothing_and_goes_through_the_door_that_only_reads(hub):
    await hub.ask("{ organisations { totalCount nodes { name agreement { state } } } viewer { relation } }", LEAD)
    assert leaves(hub) == []
    assert (hub.open.statements, hub.audited.statements) == (1, 0)


async def test_where_the_leaf_cannot_be_written_nobody_is_answered(hub, handed):
    file, *_ = handed
    with hub.office() as office:
        office.connection.exec_driver_sql("revoke insert on audit_leaf from hub_reader")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await hub.ask(CASE, LEAD, id=case_id(file, LEAD))
    with hub.office() as office:
        office.connection.exec_driver_sql("grant insert on audit_leaf to hub_reader")
        office.connection.exec_driver_sql("alter table audit_leaf add constraint none check (false)")
    with pytest.raises(asyncpg.CheckViolationError):
        await hub.ask(CASE, LEAD, id=case_id(file, LEAD))


@pytest.mark.usefixtures("handed")
async def test_the_door_that_leaves_leaves_can_do_nothing_else(hub):
    for statement in (
        "update audit_leaf set client = 'x' returning client::text",
        "delete from audit_leaf returning client::text",
        "insert into person (id, contact_rule) values (gen_random_uuid(), 'never') returning 'x'::text",
        "update consent set state = 'given' returning 'x'::text",
        "select verbatim from receipt",
        "select sealed::text from packet",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await hub.audited.fetch_text(statement)
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await hub.open.fetch_text(
            "insert into audit_leaf (at, kind, relation, client, subjects, categories, fields_returned, "
            "fields_withheld, request_id, operation_hash) values (now(), 'read', 'lead', '', '{}', '{}', '{}', '{}', "
            "'', '') returning 'x'::text"
        )


async def test_the_log_is_read_by_the_lead_by_each_body_for_itself_and_by_the_person(hub, handed):
    file, body, *_ = handed
    with hub.office() as office:
        own = office.account(Relation.RESIDENT)
        office.change(PersonRow, file.person, account_id=own)
        second = office.body("second")
        office.agree(second)
    for who in (partner(body), partner(second), LEAD):
        await hub.ask(CASE, who, id=case_id(file, who))
    entries = "{ auditEntries(last: 50) { nodes { relation organisation { slug } person { id } fieldsReturned } } }"
    lead = (await hub.ask(entries, LEAD))["data"]["auditEntries"]["nodes"]
    assert sorted(each["relation"] for each in lead) == ["LEAD", "PARTNER_AGREEMENT", "PARTNER_AGREEMENT"]
    theirs = (await hub.ask(entries, partner(body)))["data"]["auditEntries"]["nodes"]
    assert {each["organisation"]["slug"] for each in theirs} == {"body"}
    assert person_id(file, partner(body)) in {each["person"]["id"] for each in theirs if each["person"]}
    person = staff(Relation.RESIDENT, own)
    document = "query($id: ID!) { person(id: $id) { accessLog { nodes { relation person { id } } } } }"
    mine = (await hub.ask(document, person, id=person_id(file, person)))["data"]["person"]["accessLog"]["nodes"]
    # The body that was handed the case, the lead twice; not the body that asked in vain.
    assert sorted(each["relation"] for each in mine) == ["LEAD", "LEAD", "PARTNER_AGREEMENT", "PARTNER_AGREEMENT"]
    assert {each["person"]["id"] for each in mine if each["person"]} == {person_id(file, person)}
    worker = await hub.ask(document, staff(Relation.CASEWORKER), id=person_id(file, LEAD))
    assert worker["data"]["person"] is None
