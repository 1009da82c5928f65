"""The words of the wire are the hub's, written out."""

import typing

import pytest

from connectors import words
from connectors.networks import pen_international, scholars_at_risk
from connectors.registry import NETWORKS
from connectors.words import CATEGORIES, CLOSING_REASONS, DECLINE_REASONS, FIELDS
from hub.referrals import TRANSITIONS
from hub.referrals.states import NOTES
from schema import vocabulary


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (words.Purpose, vocabulary.Purpose),
        (words.Urgency, vocabulary.Urgency),
        (words.SupportKind, vocabulary.SupportKind),
        (words.Region, vocabulary.Region),
        (words.DeclineReason, vocabulary.DeclineReason),
        (words.ClosingReason, vocabulary.ClosingReason),
        (words.State, vocabulary.ReferralState),
        (words.CareNeed, vocabulary.CareNeed),
        (words.AssessmentOpinion, vocabulary.AssessmentOpinion),
        (words.ContactRule, vocabulary.ContactRule),
    ],
)
def test_lists_are_those_of_the_vocabulary(theirs, ours):
    assert typing.get_args(theirs) == tuple(member.value for member in ours)


def test_categories_are_those_of_persons():
    persons = tuple(each.value for each in vocabulary.Category if each.value not in {"public", "network"})
    assert persons == CATEGORIES
    assert set(FIELDS) == set(CATEGORIES)


def test_each_side_tells_what_is_its_to_tell():
    notes = {each.value for each in NOTES}
    for listed, side in ((words.RecipientEvent, "recipient"), (words.SenderEvent, "sender")):
        may = {each.event.value for each in TRANSITIONS if any(a.startswith(f"{side}_") for a in each.actors.may)}
        assert set(typing.get_args(listed)) <= may | notes


@pytest.mark.parametrize("name", NETWORKS)
def test_reasons_of_a_network_are_understood(name):
    partner = NETWORKS[name].partner
    assert set(partner.decline_reasons.values()) <= set(DECLINE_REASONS)
    assert set(partner.closing_reasons.values()) <= set(CLOSING_REASONS)
    assert not set(partner.decline_reasons) & set(DECLINE_REASONS)
    assert not set(partner.closing_reasons) & set(CLOSING_REASONS)


@pytest.mark.parametrize("table", [pen_international.TABLE, scholars_at_risk.TABLE], ids=lambda table: table.name)
def test_words_of_a_form_translate_words_of_the_hub(table):
    lists = {
        "rule": words.ContactRule,
        "care_needs": words.CareNeed,
        "opinion": words.AssessmentOpinion,
        "current_region": words.Region,
    }
    for row in table.rows:
        if row.ours in lists and row.words is not None:
            assert set(row.words) == set(typing.get_args(lists[row.ours])), row.theirs
