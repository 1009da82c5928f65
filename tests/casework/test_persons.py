"""Persons, tried by partners: withdrawn and outrun consents, other purposes, other agreements, ids of others."""

import base64
from datetime import timedelta

import pytest
from desk import leaves
from office import (
    ADVICE,
    CASE,
    CLAIM,
    LEAD,
    NAME,
    NOW,
    PEN_NAME,
    TODAY,
    VEIL,
    File,
    case_id,
    codes,
    partner,
    person_id,
    staff,
)

from schema.tables import AgreementRow, CaseRow, ConsentRow, PersonRow, ReferralRow
from schema.vocabulary import (
    AgreementState,
    Category,
    ConsentState,
    Purpose,
    ReferralState,
    Relation,
)


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
        "code": VEIL.code_name(who.audience, file.case),
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
        "securityAdvice": ADVICE,
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


@pytest.mark.parametrize("whose", ["another body", "another case of the person"])
async def test_a_purpose_is_not_borrowed_from_another_referral(hub, handed, whose):
    file, body, _, _, referral = handed
    with hub.office() as office:
        # This case was handed to this body for advocacy; the consent and the other referral are for assessment.
        office.change(ReferralRow, referral, purpose=Purpose.ADVOCACY)
        if whose == "another body":
            office.refer(file, office.body("other"))
        else:
            second = office.file(sealed=False)
            office.change(CaseRow, second.case, person_id=file.person)
            office.refer(File(second.case, file.person), body)
    who = partner(body)
    answer = await hub.ask(CASE, who, id=case_id(file, who))
    assert codes(answer) == dict.fromkeys(("state", "identity", "risk", "securityAdvice"), "CONSENT")


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


async def test_no_two_bodies_read_one_code_name_or_one_id(hub, handed):
    file, body, *_ = handed
    with hub.office() as office:
        other = office.body("other")
        office.agree(other)
        office.refer(file, other, consent_id=office.consent(file, other))
    viewers = [partner(body), partner(other), LEAD]
    document = "query($id: ID!) { case(id: $id) { id code } again: cases(first: 1) { nodes { code } } }"
    seen = [(await hub.ask(document, who, id=case_id(file, who)))["data"] for who in viewers]
    for field in ("id", "code"):
        assert len({each["case"][field] for each in seen}) == len(viewers)
    assert [each["again"]["nodes"] for each in seen] == [[{"code": each["case"]["code"]}] for each in seen]


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


# ---- Ids ----------------------------------------------------------------------------------------------------------


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
    read = [base64.urlsafe_b64decode(cursor).decode("latin-1") for cursor in (mine[2], theirs[2])]
    assert not any(each in cursor for each in internal for cursor in read)
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
