"""Why a referral is not moved, beyond what consent answers for.

HubError
    SecondPersonNeeded  somebody else must agree first
    RuleOfPerson        a rule of the person forbids it; told to the secretariat only
    AlreadyReferred     the same person is with the same body already
    PartnerSilent       what a partner signed cannot be checked now, as its keys cannot be had
"""

from hub.errors import HubError


class SecondPersonNeeded(HubError):
    """The step needs the word of a second person."""

    code = "second_person_needed"
    public = "This waits for a second person."


class RuleOfPerson(HubError):
    """A rule of the person forbids it: told to caseworkers; others read that there is no such record."""

    code = "rule_of_person"
    public = "A rule of the person forbids this."


class AlreadyReferred(HubError):
    """The same person is with the same body already, in a referral that is open."""

    code = "already_referred"
    public = "This person is with that body already."


class PartnerSilent(HubError):
    """A partner's keys cannot be had, so what it signed cannot be checked."""

    code = "partner_unavailable"
    public = "Your keys cannot be had now, so the receipt cannot be checked. Try again soon."
