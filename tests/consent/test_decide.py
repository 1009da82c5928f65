"""What a consent covers, and what is left of it: deny is the default, and nothing grows."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.consent import Given, Use, covered, covers, narrowed
from schema.vocabulary import Category, ConsentState, Purpose

DAY = date(2026, 11, 23)
PERSON, BODY, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)
YES = Given(
    person_id=PERSON,
    recipient_id=BODY,
    categories=(Category.CASE, Category.RISK),
    purposes=(Purpose.ASSESSMENT,),
    state=ConsentState.GIVEN,
    from_on=DAY,
    until_on=DAY + timedelta(days=9),
)
USE = Use(person_id=PERSON, recipient_id=BODY, purpose=Purpose.ASSESSMENT, day=DAY)

CATEGORIES = st.lists(st.sampled_from(Category), unique=True).map(tuple)
GIVEN = st.builds(
    Given,
    person_id=st.sampled_from([PERSON, OTHER]),
    recipient_id=st.sampled_from([BODY, OTHER]),
    categories=CATEGORIES,
    purposes=st.lists(st.sampled_from(Purpose), unique=True, max_size=3).map(tuple),
    state=st.sampled_from(ConsentState),
    from_on=st.dates(DAY - timedelta(days=3), DAY + timedelta(days=3)),
    until_on=st.dates(DAY - timedelta(days=3), DAY + timedelta(days=3)),
    withdrawn=st.booleans(),
)


def test_all_four_must_fit():
    assert covered(YES, USE) == {Category.CASE, Category.RISK}
    assert covers(YES, USE, [Category.RISK])
    assert not covers(YES, USE, [Category.RISK, Category.HEALTH])
    assert not covers(YES, USE, [])


@pytest.mark.parametrize(
    "use",
    [
        replace(USE, person_id=OTHER),
        replace(USE, recipient_id=OTHER),
        replace(USE, purpose=Purpose.ADVOCACY),
        replace(USE, day=DAY - timedelta(days=1)),
        replace(USE, day=DAY + timedelta(days=10)),
    ],
)
def test_one_that_does_not_fit_shuts_all(use):
    assert covered(YES, use) == frozenset()


def test_the_last_day_is_within():
    assert covered(YES, replace(USE, day=DAY + timedelta(days=9)))


@given(GIVEN)
def test_it_opens_only_while_given_and_not_withdrawn_and_within_its_days(consent):
    opened = covered(consent, USE)
    named = (consent.person_id, consent.recipient_id) == (PERSON, BODY)
    counts = consent.state in {ConsentState.GIVEN, ConsentState.LIMITED} and not consent.withdrawn
    runs = consent.from_on <= DAY <= consent.until_on and Purpose.ASSESSMENT in consent.purposes
    assert opened == (frozenset(consent.categories) if named and counts and runs else frozenset())


@given(GIVEN, CATEGORIES, st.none() | st.dates(DAY - timedelta(days=5), DAY + timedelta(days=5)))
def test_narrowing_never_widens(consent, keep, until):
    left = narrowed(consent, keep, until)
    assert set(left.categories) <= set(consent.categories) & set(keep)
    assert left.until_on <= consent.until_on
    assert (left.purposes, left.person_id, left.recipient_id) == (
        consent.purposes,
        consent.person_id,
        consent.recipient_id,
    )
    assert left.withdrawn == consent.withdrawn
    if not left.categories:
        assert left.state is ConsentState.REFUSED
    assert narrowed(left, keep, until).categories == left.categories


def test_all_that_was_asked_is_given_less_is_limited_nothing_is_refused():
    asked = replace(YES, state=ConsentState.REQUESTED)
    assert narrowed(asked, asked.categories).state is ConsentState.GIVEN
    assert narrowed(asked, [Category.CASE]).state is ConsentState.LIMITED
    assert narrowed(asked, []).state is ConsentState.REFUSED
