"""The ledger: who may record and withdraw, what is kept of an answer, what follows at once."""

from dataclasses import replace
from datetime import timedelta

import pytest
from referrals_town import ALL, CONTENT
from sqlalchemy import update

from hub.consent import Acting, InvalidInput, NotFound, StateConflict
from schema.access import AccessProfile
from schema.tables import PersonRow
from schema.tables.base import table_of
from schema.vocabulary import (
    AccessScope,
    Category,
    ConsentChannel,
    ConsentState,
    ReferralState,
    Relation,
)

S = ReferralState


@pytest.fixture
def asked(town):
    case = town.do("open_case", town.mira, CONTENT)
    made = town.do("create", town.mira, town.draft(town.pen, case_id=case.case_id))
    until = town.now.date() + timedelta(days=30)
    return town.do("request_consent", town.mira, made.referral_id, categories=ALL, until=until)


def person(town, asked, account):
    """Let the data subject sign in."""
    with town.engine.begin() as connection:
        table = table_of(PersonRow)
        connection.execute(update(table).where(table.c.id == asked.person_id).values(account_id=account))
    profile = AccessProfile(
        relation=Relation.RESIDENT,
        scopes=frozenset({AccessScope.SELF_CONSENT, AccessScope.SELF_READ}),
        account_id=account,
    )
    return Acting(profile, town.now)


def test_a_person_answers_and_withdraws_for_themselves(town, asked):
    myself = person(town, asked, town.other)
    town.do("record_consent", myself, asked.consent_id, town.said(ALL, channel=ConsentChannel.IN_APP))
    row = town.consent(asked.consent_id)
    assert (row.state, row.channel, row.taken_by_id) == (ConsentState.GIVEN, ConsentChannel.IN_APP, town.other)
    town.do("send", town.lena, asked.referral_id)
    town.do("revoke_consent", myself, asked.consent_id, ConsentChannel.IN_APP)
    row = town.consent(asked.consent_id)
    assert (row.state, row.withdrawn_at, row.withdrawn_by) == (
        ConsentState.WITHDRAWN,
        town.now,
        ConsentChannel.IN_APP,
    )
    assert town.state(asked.referral_id) is S.CONSENT_REVOKED
    assert town.events(asked.referral_id)[-1].side is None


def test_nobody_answers_for_another_person(town, asked):
    stranger = person(town, asked, town.other)
    stranger = replace(stranger, profile=replace(stranger.profile, account_id=town.dpo))
    for who in (stranger, town.as_staff(town.other), town.program(town.pen), town.dora):
        with pytest.raises(NotFound):
            town.do("record_consent", who, asked.consent_id, town.said(ALL))
    for who in (stranger, town.mira, town.lena, town.program(town.pen)):
        with pytest.raises(NotFound):
            town.do("revoke_consent", who, asked.consent_id, ConsentChannel.IN_APP)
    unscoped = Acting(AccessProfile(relation=Relation.LEAD, account_id=town.lead), town.now)
    with pytest.raises(NotFound):
        town.do("record_consent", unscoped, asked.consent_id, town.said(ALL))


def test_stop_before_an_answer_is_the_refusal(town, asked):
    town.do("revoke_consent", town.dora, asked.consent_id, ConsentChannel.VOICE_WITNESSED)
    assert town.consent(asked.consent_id).state is ConsentState.REFUSED
    assert town.state(asked.referral_id) is S.WITHDRAWN
    with pytest.raises(StateConflict):
        town.do("record_consent", town.mira, asked.consent_id, town.said(ALL))


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"given": [Category.CONTACT]}, "given"),
        ({"channel": ConsentChannel.VITAL_INTEREST_OVERRIDE}, "channel"),
        ({"wording_version": ""}, "wording_version"),
        ({"language": "x"}, "language"),
        ({"until": "later"}, "until"),
    ],
)
def test_an_answer_must_say_how_it_was_given_and_no_more_than_was_asked(town, asked, more, path):
    if "until" in more:
        more = {"until": town.now.date() + timedelta(days=31)}
    with pytest.raises(InvalidInput) as caught:
        town.do("record_consent", town.mira, asked.consent_id, town.said(**({"given": ALL} | more)))
    assert caught.value.path == (path,)
    assert town.consent(asked.consent_id).state is ConsentState.REQUESTED


def test_an_earlier_last_day_counts(town, asked):
    early = town.now.date() + timedelta(days=3)
    town.do("record_consent", town.mira, asked.consent_id, town.said(ALL, until=early))
    assert town.consent(asked.consent_id).until_on == early


def test_through_a_contact_person_is_told(town, asked):
    via = town.said(ALL, channel=ConsentChannel.VIA_CONTACT_PERSON)
    town.do("record_consent", town.mira, asked.consent_id, via)
    assert town.consent(asked.consent_id).by_contact_person


@pytest.mark.parametrize(
    ("categories", "days"), [((), 3), ((Category.PUBLIC,), 3), ((Category.CASE, Category.NETWORK), 3), (ALL, -1)]
)
def test_nothing_is_asked_for_nothing(town, categories, days):
    case = town.do("open_case", town.mira, CONTENT)
    made = town.do("create", town.mira, town.draft(town.pen, case_id=case.case_id))
    until = town.now.date() + timedelta(days=days)
    with pytest.raises(InvalidInput):
        town.do("request_consent", town.mira, made.referral_id, categories=categories, until=until)
    assert town.state(made.referral_id) is S.DRAFT
