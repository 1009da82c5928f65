"""What ties a viewer to a person: the relations of the access matrix as rows of the database, read at each request.

Each set of rows is a rule of its own, made of four ways to see it: the secretariat's lead and the data protection
officer see all, a caseworker what they own or cover, a partner what it keeps or was handed, a person their own. Every
other actor has no row here yet, and so sees nothing.

A partner's token says `partner_agreement`; under a referral it stands in the row `partner_referral` of the matrix.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Text, and_, any_, cast, exists, literal, not_, or_
from sqlalchemy.dialects.postgresql import ARRAY

from schema.access import (
    PARTNERS,
    Access,
    AllOf,
    AnyOf,
    Columns,
    Consented,
    Linked,
    Own,
    Related,
    RowIs,
    Rule,
    Scoped,
    Unsealed,
    relations_with,
)
from schema.source import PURPOSE, TODAY, TODAY_TEXT, viewer
from schema.standing import in_force, running, taken_up
from schema.tables import AgreementRow, CaseRow, ConsentRow, PersonRow, ReferralRow
from schema.tables.base import rows_of
from schema.tables.referrals import Direction
from schema.vocabulary import AccessScope, Category, Grain, ReferralState, Relation, Side

Pick = Callable[[Columns], ColumnElement[Any]]

_ICORN: Final = frozenset({Relation.LEAD, Relation.DPO, Relation.CASEWORKER})
SIDE: Final = "side"
"""Which side of a referral the viewer is, where a filter settled it."""
OPEN: Final = "open"
"""Whether a referral is open, as the viewer reads it, where a filter settled it."""
OVERSIGHT: Final = frozenset({Relation.LEAD, Relation.DPO})
SLICE: Final = PARTNERS | OVERSIGHT | {Relation.CASEWORKER, Relation.RESIDENT}
"""Actors that some row can tie to a person. Assessors, cities and contact persons follow with their own rows."""

_SELF: Final = frozenset({AccessScope.SELF_READ, AccessScope.DELEGATE_READ})
SCOPES: Final = {
    (Category.CASE, Grain.FULL): _SELF | {AccessScope.CASE_READ, AccessScope.RESIDENCY_READ},
    (Category.CASE, Grain.COARSE): _SELF
    | {AccessScope.CASE_READ, AccessScope.RESIDENCY_READ, AccessScope.PRESENTATION_READ},
    (Category.IDENTITY, Grain.FULL): _SELF | {AccessScope.IDENTITY_READ},
    (Category.CONTACT, Grain.FULL): _SELF | {AccessScope.CONTACT_READ},
    (Category.CONTACT, Grain.COARSE): _SELF | {AccessScope.CONTACT_READ, AccessScope.CONSENT_MANAGE},
    (Category.LOCATION, Grain.COARSE): frozenset(
        {AccessScope.LOCATION_READ, AccessScope.ASSESSMENT_WRITE, AccessScope.SELF_READ}
    ),
    (Category.RISK, Grain.FULL): _SELF | {AccessScope.RISK_READ},
    (Category.RISK, Grain.COARSE): _SELF
    | {AccessScope.RISK_READ, AccessScope.RESIDENCY_READ, AccessScope.PRESENTATION_READ},
    (Category.HEALTH, Grain.COARSE): frozenset(
        {
            AccessScope.HEALTH_READ,
            AccessScope.RESIDENCY_READ,
            AccessScope.PRESENTATION_READ,
            AccessScope.ASSESSMENT_WRITE,
            AccessScope.SELF_READ,
        }
    ),
    (Category.FAMILY, Grain.COARSE): frozenset(
        {
            AccessScope.FAMILY_READ,
            AccessScope.PRESENTATION_READ,
            AccessScope.ASSESSMENT_WRITE,
            AccessScope.SELF_READ,
        }
    ),
    (Category.ASSESSMENT, Grain.COARSE): frozenset(
        {
            AccessScope.ASSESSMENT_READ,
            AccessScope.ASSESSMENT_WRITE,
            AccessScope.CONSENT_MANAGE,
            AccessScope.SELF_READ,
        }
    ),
}
"""Scopes of which one opens a category at a grain."""


# ---- Single ties -----------------------------------------------------------------------------------------------------


def _runs(c: Columns) -> ColumnElement[bool]:
    return in_force(c, TODAY_TEXT)


def _of_viewer(_here: Columns, there: Columns) -> ColumnElement[bool]:
    body: ColumnElement[bool] = there.organisation_id == viewer("organisation_id")
    return body


AGREEMENT: Final = Linked(AgreementRow, _of_viewer, RowIs("it runs", _runs))
"""The viewer's body has an agreement that runs today."""


_FOR_PURPOSE: Final = RowIs(
    "it runs, for the purpose declared",
    lambda c: and_(_runs(c), or_(PURPOSE.is_(None), any_(cast(c.purposes, ARRAY(Text()))) == PURPOSE)),
)
"""That none is declared is for the consent to refuse."""


def _categories(c: Columns) -> ColumnElement[Any]:
    return cast(c.categories, ARRAY(Text()))


@cache
def agreed(category: Category) -> Linked:
    """Hold where the agreement of the viewer's body runs and allows the category and the purpose declared."""
    return Linked(AgreementRow, _of_viewer, _FOR_PURPOSE, code="SCOPE", word=category.value, among=_categories)


def _unblocked(person: Pick) -> RowIs:
    """Hold where the person has not blocked the viewer's body and the file is not frozen."""

    def open_to(c: Columns) -> ColumnElement[bool]:
        people = rows_of(PersonRow).alias()
        shut = viewer("organisation_id") == any_(people.c.blocked_organisations)
        free = exists().where(people.c.id == person(c), not_(people.c.frozen), not_(shut))
        return free.correlate_except(people)

    return RowIs("the person has not blocked the body", open_to)


_SENT: Final = RowIs("it was sent", lambda c: c.sent_at.is_not(None))
_TAKEN_UP: Final = RowIs("it is open and acknowledged", taken_up)
_WORKS_ON: Final = AnyOf((Own("account_id", lambda c: c.owner_id), Own("account_id", lambda c: c.cover_id)))
_MYSELF: Final = Own("account_id", lambda c: c.account_id)


def _handed(on: Callable[[Columns, Columns], ColumnElement[bool]]) -> Linked:
    """Hold where an open referral hands the row to the viewer's body."""
    return Linked(ReferralRow, on, AllOf((Own("organisation_id", lambda c: c.recipient_id), _TAKEN_UP)))


def ways(*, oversight: Rule, caseworker: Rule, partner: Rule, person: Rule) -> AnyOf:
    """Put the four ways together."""
    return AnyOf(
        (
            oversight,
            AllOf((Related(frozenset({Relation.CASEWORKER})), caseworker)),
            AllOf((Related(frozenset({Relation.RESIDENT})), person)),
            AllOf((Related(PARTNERS), AGREEMENT, partner)),
        )
    )


_OVERSIGHT: Final = Related(OVERSIGHT)
_TAKEN_IN: Final = RowIs(
    "somebody at ICORN took it up, and it is open",
    lambda c: and_(c.direction == Direction.INCOMING, taken_up(c), c.state != ReferralState.RECEIVED),
)


def _person_of(here: Columns, there: Columns) -> ColumnElement[bool]:
    same: ColumnElement[bool] = there.id == here.person_id
    return same


# ---- Rows ------------------------------------------------------------------------------------------------------------

CASES: Final = ways(
    # What a partner sent along lies in quarantine until it is taken up, and is not ICORN's when it is over.
    oversight=AllOf(
        (
            _OVERSIGHT,
            AnyOf(
                (
                    RowIs("ICORN keeps it", lambda c: c.holder_id.is_(None)),
                    Linked(ReferralRow, lambda here, there: there.case_id == here.id, _TAKEN_IN),
                )
            ),
        )
    ),
    caseworker=_WORKS_ON,
    partner=AnyOf(
        (
            Own("organisation_id", lambda c: c.holder_id),
            AllOf((_handed(lambda here, there: there.case_id == here.id), _unblocked(lambda c: c.person_id))),
        )
    ),
    person=Linked(PersonRow, _person_of, _MYSELF),
)
"""Cases that are there for a viewer."""

PERSONS: Final = ways(
    oversight=Related(OVERSIGHT | {Relation.AUDITOR}),
    caseworker=Linked(CaseRow, lambda here, there: there.person_id == here.id, _WORKS_ON),
    partner=AnyOf(
        (
            Linked(
                CaseRow,
                lambda here, there: there.person_id == here.id,
                Own("organisation_id", lambda c: c.holder_id),
            ),
            AllOf((_handed(lambda here, there: there.person_id == here.id), _unblocked(lambda c: c.id))),
        )
    ),
    person=_MYSELF,
)
"""Persons that are there for a viewer. An auditor sees that somebody is, under an id of the auditors' own."""


def _waiting(c: Columns) -> ColumnElement[bool]:
    """Test that a consent was asked for a referral that is not sent yet, or never was."""
    referral = rows_of(ReferralRow).alias()
    of_it = (referral.c.person_id == c.person_id, referral.c.consent_id == c.id)
    waits = exists().where(*of_it, referral.c.sent_at.is_(None))
    return waits.correlate_except(referral)


CONSENTS: Final = ways(
    oversight=_OVERSIGHT,
    caseworker=Linked(CaseRow, lambda here, there: there.person_id == here.person_id, _WORKS_ON),
    partner=AnyOf(
        (
            Linked(
                CaseRow,
                lambda here, there: there.person_id == here.person_id,
                Own("organisation_id", lambda c: c.holder_id),
            ),
            AllOf(
                (
                    Own("organisation_id", lambda c: c.recipient_id),
                    RowIs("it was answered", lambda c: c.state.not_in(("requested", "refused"))),
                    RowIs("what rests on it was sent", lambda c: not_(_waiting(c))),
                    Linked(
                        ReferralRow,
                        lambda here, there: there.person_id == here.person_id,
                        AllOf((Own("organisation_id", lambda c: c.recipient_id), _SENT)),
                    ),
                    _unblocked(lambda c: c.person_id),
                )
            ),
        )
    ),
    person=Linked(PersonRow, _person_of, _MYSELF),
)
"""Consents that are there for a viewer. A body reads those that name it once what rests on them was sent to it."""

REFERRALS: Final = ways(
    # A partner's draft is the partner's own.
    oversight=AllOf(
        (
            _OVERSIGHT,
            RowIs(
                "ICORN sends it, or it was sent",
                lambda c: or_(c.direction == Direction.OUTGOING, c.sent_at.is_not(None)),
            ),
        )
    ),
    caseworker=AnyOf(
        (
            Linked(CaseRow, lambda here, there: there.id == here.case_id, _WORKS_ON),
            AllOf(
                (
                    RowIs("it came in", lambda c: and_(c.direction == Direction.INCOMING, c.sent_at.is_not(None))),
                    Linked(
                        CaseRow,
                        lambda here, there: there.id == here.case_id,
                        RowIs("nobody has taken it up", lambda c: c.owner_id.is_(None)),
                    ),
                )
            ),
        )
    ),
    partner=AnyOf(
        (
            Own("organisation_id", lambda c: c.sender_id, only=(SIDE, Side.SENDER)),
            AllOf((Own("organisation_id", lambda c: c.recipient_id, only=(SIDE, Side.RECIPIENT)), _SENT)),
        )
    ),
    person=Linked(PersonRow, _person_of, _MYSELF),
)
"""Referrals that are there for a viewer: the envelope. Before it is sent there is none for the recipient."""


def _of_referral(here: Columns, there: Columns) -> ColumnElement[bool]:
    same: ColumnElement[bool] = there.id == here.referral_id
    return same


PACKETS: Final = ways(
    oversight=AllOf(
        (
            _OVERSIGHT,
            Linked(
                ReferralRow,
                _of_referral,
                AnyOf((RowIs("ICORN sends it", lambda c: c.direction == Direction.OUTGOING), _TAKEN_IN)),
            ),
        )
    ),
    caseworker=Linked(CaseRow, lambda here, there: there.id == here.case_id, _WORKS_ON),
    partner=AnyOf(
        (
            Own("organisation_id", lambda c: c.holder_id),
            AllOf((_handed(_of_referral), _unblocked(lambda c: c.person_id))),
        )
    ),
    person=Linked(PersonRow, _person_of, _MYSELF),
)
"""Packets that are there for a viewer: what was sent, to its recipient as long as the referral is open."""

LEAVES: Final = AnyOf(
    (
        Related(OVERSIGHT | {Relation.AUDITOR}),
        AllOf(
            (
                Related(frozenset({Relation.RESIDENT})),
                Linked(PersonRow, lambda here, there: there.id == any_(here.subjects), _MYSELF),
            )
        ),
        AllOf((Related(PARTNERS), Own("organisation_id", lambda c: c.organisation_id))),
    )
)
"""Entries of the access log: a body reads its own, a person those about themselves."""


# ---- Fields ----------------------------------------------------------------------------------------------------------

ENVELOPE: Final = Access(Category.CASE, Grain.EXISTS, Related(SLICE))
"""That there is such a record; what ties the viewer to it is the rule of its rows."""

_LOG_SCOPES: Final = frozenset(
    {AccessScope.AUDIT_READ, AccessScope.SELF_READ, AccessScope.REFERRAL_SEND, AccessScope.REFERRAL_RECEIVE}
)
LOG: Final = Access(
    Category.CASE,
    Grain.EXISTS,
    AllOf(
        (
            Scoped(_LOG_SCOPES),
            Related(OVERSIGHT | PARTNERS | {Relation.AUDITOR, Relation.RESIDENT}),
        )
    ),
)
"""The access log."""

LOG_INSIDE: Final = Access(
    Category.CASE,
    Grain.FULL,
    AllOf((Scoped(frozenset({AccessScope.AUDIT_READ})), Related(OVERSIGHT | {Relation.AUDITOR}))),
)
"""What of the access log is for those who watch over it."""


def _relations(category: Category, grain: Grain) -> frozenset[Relation]:
    """Give the actors of this slice to whom the matrix opens the category at the grain."""
    open_to = relations_with(category, grain) & SLICE
    return open_to | PARTNERS if Relation.PARTNER_REFERRAL in open_to else open_to


def within_category(category: Category, grain: Grain = Grain.FULL) -> Access:
    """Make the rule of values inside an object whose own rule asks the row."""
    scoped = Scoped(SCOPES[category, grain])
    return Access(category, grain, AllOf((scoped, Related(_relations(category, grain)))))


def _allowed(category: Category, case: Pick) -> Linked:
    """Hold where an open referral brought the file to ICORN, and the person allowed it the category for its purpose."""

    def for_it(here: Columns, there: Columns) -> ColumnElement[bool]:
        return and_(
            there.person_id == here.person_id,
            there.recipient_id == here.recipient_id,
            cast(here.purpose, Text()) == any_(cast(there.purposes, ARRAY(Text()))),
        )

    def allows(c: Columns) -> ColumnElement[bool]:
        return and_(
            running(c),
            literal(category.value) == any_(cast(c.categories, ARRAY(Text()))),
            c.from_on <= TODAY,
            c.until_on >= TODAY,
        )

    consent = Linked(ConsentRow, for_it, RowIs(f"it runs and allows {category.value}", allows))
    return Linked(
        ReferralRow,
        lambda here, there: there.case_id == case(here),
        AllOf((_TAKEN_IN, consent)),
        code="CONSENT",
    )


def of_case(
    category: Category,
    grain: Grain = Grain.FULL,
    *,
    case: Pick = lambda c: c.id,
    person: Pick = lambda c: c.person_id,
    own: Pick | None = lambda c: c.holder_id,
    brought: bool = True,
    sealed: bool = False,
) -> Access:
    """Make the rule of a category of a case.

    To a partner it opens under the agreement, an open referral and the person's consent, or where the file is its own;
    to ICORN's people where ICORN keeps the file, or under the referral that brought it and the person's consent.

    Args:
        category: of the value.
        grain: how much of it is shown.
        case: the case of the row.
        person: the data subject of the row.
        own: the body whose file it is; None where no body but ICORN can own such rows.
        brought: whether what a partner brought needs the person's consent for ICORN's people to read it.
        sealed: whether the value is sealed under the person's key.
    """
    open_to = _relations(category, grain)
    consented = AllOf((agreed(category), Consented(category, case, person)))
    partner: Rule = consented if own is None else AnyOf((Own("organisation_id", own), consented))
    ways_in: Rule = Related(open_to)
    if open_to >= PARTNERS:
        ours: Rule = Related(open_to - PARTNERS)
        if own is not None and brought:
            kept = RowIs("ICORN keeps it", lambda c: own(c).is_(None))
            ours = AnyOf(
                (
                    Related(open_to - PARTNERS - _ICORN),
                    AllOf((Related(open_to & _ICORN), AnyOf((kept, _allowed(category, case))))),
                )
            )
        ways_in = AnyOf((ours, AllOf((Related(PARTNERS), partner))))
    last = (Unsealed(person),) if sealed else ()
    return Access(category, grain, AllOf((Scoped(SCOPES[category, grain]), ways_in, *last)))
