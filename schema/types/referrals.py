"""Referrals: the envelope that both sides read, its clock, its events. What was sent lies in the case, by category.

Long, because what one side must not be told (`_untold`) is asked by state, clock, events and filters alike: apart, one
of them would forget it.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Final

import strawberry
from sqlalchemy import (
    ColumnElement,
    String,
    Text,
    and_,
    any_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY

from schema.access import (
    PARTNERS,
    Access,
    AllOf,
    AnyOf,
    Columns,
    Linked,
    Own,
    Related,
    RowIs,
    Rule,
    Scoped,
    Unsealed,
    relations_with,
)
from schema.links import AGREEMENT, ENVELOPE, OPEN, OVERSIGHT, REFERRALS, SCOPES, SIDE, SLICE, of_case
from schema.scalars import Base64, CompactJws, DateTime, LanguageTag
from schema.source import (
    PARTNER_ASKS,
    STAFF_ASKS,
    TODAY,
    Ordering,
    column,
    compares,
    computed,
    embedded,
    holds,
    input_object,
    known,
    many,
    matches,
    one,
    page,
    part,
    plain,
    record,
    sealed_text,
    viewer,
)
from schema.standing import FINAL, running
from schema.tables import ConsentRow, EventWordsRow, ReceiptRow, ReferralEventRow, ReferralRow, ReferralServiceRow
from schema.tables.base import enum_type, rows_of
from schema.tables.referrals import Direction, WordsKind
from schema.types.basics import (
    Connection,
    DateTimeFilter,
    Filter,
    IDFilter,
    Node,
    OrderDirection,
    digest_read,
    moment_key,
)
from schema.types.consents import Consent
from schema.types.organisations import Organisation
from schema.vocabulary import (
    AccessScope,
    Category,
    ClockKind,
    DeclineReason,
    Grain,
    Purpose,
    ReferralEventKind,
    ReferralState,
    Region,
    Relation,
    ServiceAnswer,
    Side,
    SupportKind,
    Urgency,
)
from schema.vocabulary.base import Vocabulary, vocabulary

if TYPE_CHECKING:
    from schema.types.cases import Case
    from schema.types.packets import Packet

CONTENT: Final = of_case(Category.CASE, case=lambda c: c.case_id, own=lambda c: c.sender_id, brought=False)
"""What of a referral is more than its envelope."""


def _there(name: str) -> Callable[[Columns], ColumnElement[Any]]:
    """Read a column of the referral that a row belongs to."""

    def pick(c: Columns) -> ColumnElement[Any]:
        referral = rows_of(ReferralRow).alias()
        found = select(referral.c[name]).where(referral.c.id == c.referral_id)
        return found.correlate_except(referral).scalar_subquery()

    return pick


OF_REFERRAL: Final = of_case(
    Category.CASE, case=_there("case_id"), person=_there("person_id"), own=_there("sender_id"), brought=False
)
"""The same of a row that belongs to a referral."""

NOTE: Final = of_case(
    Category.CASE,
    case=_there("case_id"),
    person=_there("person_id"),
    own=_there("sender_id"),
    brought=False,
    sealed=True,
)
"""The same, where it is sealed."""


_NOT_ERASED: Final = Unsealed(lambda c: c.person_id)


def _words(category: Category, scopes: frozenset[AccessScope], icorn: Rule) -> Access:
    """Make the rule of words on a referral: for its sender, and for whom the rule lets of ICORN and of persons."""
    sender = AllOf((Related(PARTNERS), Own("organisation_id", lambda c: c.sender_id)))
    return Access(category, Grain.FULL, AllOf((Scoped(scopes), AnyOf((icorn, sender)), _NOT_ERASED)))


DECLINE_TEXT: Final = _words(
    Category.ASSESSMENT,
    frozenset({AccessScope.ASSESSMENT_READ, AccessScope.ASSESSMENT_WRITE, AccessScope.SELF_READ}),
    Related(relations_with(Category.ASSESSMENT, Grain.FULL) & SLICE),
)
"""An opinion on the person, which the recipient gives the sender."""

WITHDRAW_REASON: Final = _words(
    Category.CASE,
    SCOPES[Category.CASE, Grain.FULL],
    AllOf(
        (
            Related(OVERSIGHT | {Relation.CASEWORKER}),
            RowIs("ICORN sends it", lambda c: c.direction == Direction.OUTGOING),
        )
    ),
)
"""What the sender keeps for itself."""


# ---- As each side reads it -------------------------------------------------------------------------------------------


def _side(c: Columns) -> ColumnElement[Any]:
    settled = known(c, SIDE)
    if settled is not None:
        return literal(str(settled), String())
    body = viewer("organisation_id")
    return case(
        (c.sender_id == body, Side.SENDER.value),
        (c.recipient_id == body, Side.RECIPIENT.value),
        (and_(STAFF_ASKS, c.direction == Direction.OUTGOING), Side.SENDER.value),
        (and_(STAFF_ASKS, c.direction == Direction.INCOMING), Side.RECIPIENT.value),
    )


def _on_side(c: Columns, side: ColumnElement[Any]) -> ColumnElement[bool]:
    """Test that `_side` gives this side, worded so that an index over sender or recipient answers it.

    To a partner nothing is there as a recipient before it is sent: this says so once more, as the inbox's index does.
    """
    body = viewer("organisation_id")
    there = or_(c.sent_at.is_not(None), not_(PARTNER_ASKS))
    ours = and_(STAFF_ASKS, c.direction == Direction.OUTGOING, c.recipient_id.is_distinct_from(body))
    theirs = and_(STAFF_ASKS, c.direction == Direction.INCOMING, c.sender_id.is_distinct_from(body))
    return or_(
        and_(side == Side.SENDER.value, or_(c.sender_id == body, ours)),
        and_(side == Side.RECIPIENT.value, or_(and_(c.recipient_id == body, there), theirs)),
    )


def _unaware(c: Columns) -> ColumnElement[bool]:
    """Test that the viewer sends it and must know of no duplicate: no consent of the person covers the check."""
    consent = rows_of(ConsentRow).alias()
    covered = exists().where(
        consent.c.person_id == c.person_id,
        consent.c.recipient_id == c.recipient_id,
        running(consent.c),
        consent.c.until_on >= TODAY,
        literal(Purpose.DUPLICATE_CHECK.value) == any_(cast(consent.c.purposes, ARRAY(Text()))),
    )
    sender = func.coalesce(_side(c) == Side.SENDER.value, False)
    return and_(sender, not_(covered.correlate_except(consent)))


def _untold(c: Columns) -> ColumnElement[bool]:
    """Test that it is a duplicate of which the viewer must not know."""
    return and_(c.state == ReferralState.DUPLICATE, _unaware(c))


def _before(c: Columns) -> ColumnElement[Any]:
    """Give the state before it was found to be a duplicate."""
    event = rows_of(ReferralEventRow).alias()
    found = (
        select(event.c.from_state)
        .where(event.c.referral_id == c.id, event.c.to_state == ReferralState.DUPLICATE)
        .order_by(event.c.number.desc())
        .limit(1)
    )
    return func.coalesce(found.correlate_except(event).scalar_subquery(), literal(ReferralState.SENT.value))


def state_read(c: Columns) -> ColumnElement[Any]:
    """Give the state as the viewer reads it."""
    return case((_untold(c), cast(_before(c), String)), else_=cast(c.state, String))


def since_read(c: Columns) -> ColumnElement[Any]:
    """Give the time at which the viewer's state was reached: of an untold duplicate that of the state before."""
    event = rows_of(ReferralEventRow).alias()
    found = (
        select(event.c.at)
        .where(event.c.referral_id == c.id, event.c.to_state != ReferralState.DUPLICATE)
        .order_by(event.c.number.desc())
        .limit(1)
    )
    before = found.correlate_except(event).scalar_subquery()
    return case((_untold(c), func.coalesce(before, c.created_at)), else_=c.since)


def _open(c: Columns) -> ColumnElement[bool]:
    settled = known(c, OPEN)
    if settled is not None:
        return true() if settled else false()
    final = [state.value for state in FINAL]
    return or_(c.state.not_in(final), and_(_untold(c), _before(c).not_in(final)))


def _over(c: Columns) -> ColumnElement[bool]:
    """Test that the viewer was handed it, and it is over: what its envelope told of the person goes."""
    if known(c, OPEN):
        return false()
    over: ColumnElement[bool] = c.state.in_([state.value for state in FINAL])
    settled = known(c, SIDE)
    if settled is not None:
        return over if str(settled) == Side.RECIPIENT.value else false()
    return and_(over, func.coalesce(_side(c) == Side.RECIPIENT.value, False))


def _region(c: Columns) -> ColumnElement[Any]:
    return case((_over(c), null()), else_=c.origin_region)


def _languages(c: Columns) -> ColumnElement[Any]:
    return case((_over(c), cast(literal("{}"), c.languages.type)), else_=c.languages)


# ---- Types -----------------------------------------------------------------------------------------------------------


@plain(see=ENVELOPE)
class ReferralService:
    """One kind of help asked for. Accepted and declined together are what was asked."""

    kind: SupportKind = part("kind", see=ENVELOPE, says="Kind of help.")
    answer: ServiceAnswer = part("answer", see=ENVELOPE, says="What became of it.")
    decline_reason: DeclineReason | None = part(
        "decline_reason", see=OF_REFERRAL, says="Why not; null unless declined."
    )


@plain(see=ENVELOPE)
class Clock:
    """What runs out next, and who must act."""

    kind: ClockKind = part("kind", see=ENVELOPE, says="What is waited for.")
    due_at: DateTime = part("due_at", see=ENVELOPE, says="When it runs out; a reminder goes at half time.")
    paused_since: DateTime | None = part(
        "paused_since", see=ENVELOPE, says="Since when it stands still; null when it runs."
    )
    side: Side | None = part("side", see=ENVELOPE, says="Who must act; null for the person.")


@plain(see=ENVELOPE)
class Receipt:
    """The recipient's signed word that it holds what was sent."""

    jws: CompactJws = part("jws", see=ENVELOPE, says="The receipt as it was signed.")
    at: DateTime = part("at", see=ENVELOPE, says="When.")
    digest: Base64 = part(
        "digest",
        see=ENVELOPE,
        says="SHA-256 of the packet; where it came by the graph, of the input as canonical JSON (RFC 8785).",
    )


def _newest_receipt(pick: Callable[[Columns], ColumnElement[Any]]) -> Callable[[Columns], ColumnElement[Any]]:
    """Read of the newest receipt for a referral; certificates of deletion have no digest."""

    def read(c: Columns) -> ColumnElement[Any]:
        receipt = rows_of(ReceiptRow).alias()
        found = select(pick(receipt.c)).where(receipt.c.referral_id == c.id, receipt.c.digest.is_not(None))
        newest = found.order_by(receipt.c.received_at.desc(), receipt.c.id).limit(1)
        return newest.correlate_except(receipt).scalar_subquery()

    return read


_RECEIVED_AT: Final = _newest_receipt(lambda c: c.received_at)


def _of_referral(here: Columns, there: Columns) -> ColumnElement[bool]:
    same: ColumnElement[bool] = there.id == here.referral_id
    return same


def _tells(c: Columns) -> ColumnElement[bool]:
    """Test that an event tells of a duplicate, found or split again."""
    duplicate = ReferralState.DUPLICATE
    return or_(c.to_state == duplicate, func.coalesce(c.from_state == duplicate, False))


def _secret(c: Columns) -> ColumnElement[bool]:
    """Test that an event tells of a duplicate, and the viewer must know of none; also when that is over."""
    referral = rows_of(ReferralRow).alias()
    unaware = exists().where(referral.c.id == c.referral_id, _unaware(referral.c)).correlate_except(referral)
    return and_(_tells(c), unaware)


_TOLD: Final = RowIs("it tells the sender of no duplicate", lambda c: not_(_secret(c)))


_RECIPIENT_TOLD: Final = RowIs("the recipient was told", lambda c: c.recipient_number.is_not(None))
_ICORN_SENDS: Final = RowIs("ICORN sends it", lambda c: _there("direction")(c) == Direction.OUTGOING)
_EVENTS: Final = AnyOf(
    (
        AllOf(
            (
                Related(SLICE - PARTNERS),
                _TOLD,
                AnyOf((Related(frozenset({Relation.RESIDENT})), _ICORN_SENDS, _RECIPIENT_TOLD)),
                Linked(ReferralRow, _of_referral, REFERRALS),
            )
        ),
        AllOf(
            (
                Related(PARTNERS),
                AGREEMENT,
                AnyOf(
                    (
                        AllOf(
                            (_TOLD, Linked(ReferralRow, _of_referral, Own("organisation_id", lambda c: c.sender_id)))
                        ),
                        AllOf(
                            (
                                _RECIPIENT_TOLD,
                                Linked(
                                    ReferralRow,
                                    _of_referral,
                                    AllOf(
                                        (
                                            Own("organisation_id", lambda c: c.recipient_id),
                                            RowIs("it was sent", lambda c: c.sent_at.is_not(None)),
                                        )
                                    ),
                                ),
                            )
                        ),
                    )
                ),
            )
        ),
    )
)


def _number(c: Columns) -> ColumnElement[int]:
    referral = rows_of(ReferralRow).alias()
    side = select(_side(referral.c)).where(referral.c.id == c.referral_id)
    received = side.correlate_except(referral).scalar_subquery() == Side.RECIPIENT.value
    # A gap would tell of what is kept back.
    earlier = rows_of(ReferralEventRow).alias()
    kept = select(func.count()).where(
        earlier.c.referral_id == c.referral_id, earlier.c.number < c.number, _secret(earlier.c)
    )
    sent = c.number - kept.correlate_except(earlier).scalar_subquery()
    return case((received, func.coalesce(c.recipient_number, c.number)), else_=sent)


def _subject(c: Columns) -> ColumnElement[Any]:
    referral = rows_of(ReferralRow).alias()
    found = select(referral.c.person_id).where(referral.c.id == c.referral_id)
    return found.correlate_except(referral).scalar_subquery()


@record(ReferralEventRow, code="rv", see=ENVELOPE, rows=_EVENTS, subject=_subject)
class ReferralEvent(Node):
    """One numbered event of a referral."""

    id: strawberry.ID = column(ReferralEventRow.id, see=ENVELOPE, says="Opaque id.")
    referral: Annotated["Referral", strawberry.lazy("schema.types.referrals")] = one(
        lambda here, there: there.id == here.referral_id, see=ENVELOPE, says="The referral, as it is now."
    )
    number: int = computed(
        _number, see=ENVELOPE, says="1, 2, 3 ... without gaps, counted for each side: the recipient's begin with SEND."
    )
    kind: ReferralEventKind = column(ReferralEventRow.kind, see=ENVELOPE, says="What happened.")
    from_: ReferralState | None = column(
        ReferralEventRow.from_state, name="from", see=ENVELOPE, says="State before; null for the first."
    )
    to: ReferralState = column(
        ReferralEventRow.to_state, see=ENVELOPE, says="State after; the same when it did not change."
    )
    at: DateTime = column(ReferralEventRow.at, see=ENVELOPE, says="When the hub recorded it.")
    side: Side | None = column(
        ReferralEventRow.side, see=ENVELOPE, says="Who acted; null for the person, the clock and the system."
    )
    note: str | None = sealed_text(
        EventWordsRow,
        lambda here, there: and_(there.event_id == here.id, there.kind == WordsKind.NOTE),
        see=NOTE,
        says="Words for the other side, naming nobody; null when none.",
    )


@input_object
class ReferralEventWhere:
    """Which events."""

    kind: Filter[ReferralEventKind] | None = matches(ReferralEventRow.kind, see=ENVELOPE, says="By kind.")
    after_number: int | None = holds(
        lambda c, number: _number(c) > number, see=ENVELOPE, says="After this number, to replay."
    )


EVENTS_IN_ORDER: Final = Ordering(lambda c: [_number(c)], see=ENVELOPE)
"""As each side counts them: a cursor holds what it is ordered by."""


@record(ReferralRow, code="rf", see=ENVELOPE, rows=REFERRALS, entity=True, subject=lambda c: c.person_id)
class Referral(Node):
    """A person handed from one body to another. Both sides know it by one id.

    It does not exist for the recipient before it is sent, and shows only its envelope until it is acknowledged.
    """

    id: strawberry.ID = column(ReferralRow.id, see=ENVELOPE, says="One id, known to both sides.")
    state: ReferralState = computed(
        state_read,
        see=ENVELOPE,
        says="Standing. A sender reads DUPLICATE only under consent; until then it reads the state before.",
    )
    since: DateTime = computed(since_read, see=ENVELOPE, says="When it came to this state, as you read it.")
    sender: Organisation = one(
        lambda here, there: there.id == here.sender_id, see=ENVELOPE, says="Body that hands over."
    )
    recipient: Organisation = one(
        lambda here, there: there.id == here.recipient_id, see=ENVELOPE, says="Body that is asked."
    )
    my_side: Side | None = computed(_side, see=ENVELOPE, says="Your side; null when you are on neither.")
    purpose: Purpose = column(
        ReferralRow.purpose, see=ENVELOPE, says="Why; requests about it must declare the same purpose."
    )
    urgency: Urgency = column(ReferralRow.urgency, see=ENVELOPE, says="How soon. Sets the clocks.")
    services: list[ReferralService] = many(
        lambda here, there: there.referral_id == here.id,
        row=ReferralServiceRow,
        parts={
            "kind": lambda c: c.kind,
            "answer": lambda c: c.answer,
            "decline_reason": lambda c: c.decline_reason,
        },
        order=lambda c: [c.kind],
        see=ENVELOPE,
        says="Help asked for, and what became of each.",
        assumed=3,
    )
    origin_region: Region | None = computed(
        _region,
        see=ENVELOPE,
        says="Region of origin, for routing; null when not given, and to the recipient when it is over.",
    )
    languages: list[LanguageTag] = computed(
        _languages,
        see=ENVELOPE,
        says="Languages of the person, for routing; none to the recipient when it is over.",
    )
    case: Annotated["Case", strawberry.lazy("schema.types.cases")] | None = one(
        lambda here, there: there.id == here.case_id,
        see=ENVELOPE,
        says="The case; null to the recipient before it acknowledged and after it is over.",
    )
    packet: Annotated["Packet", strawberry.lazy("schema.types.packets")] | None = one(
        lambda here, there: there.referral_id == here.id,
        see=ENVELOPE,
        says="What was sent, cut to consent at this instant; null to the recipient before it acknowledged and after it "
        "is over.",
    )
    consent: Consent | None = one(
        lambda here, there: there.id == here.consent_id,
        see=CONTENT,
        says="The consent it rests on; null before it is asked for or under an override.",
    )
    clock: Clock | None = embedded(
        {
            "kind": lambda c: c.clock,
            "due_at": lambda c: c.due_at,
            "paused_since": lambda c: c.paused_since,
            "side": lambda c: c.clock_side,
        },
        present=lambda c: and_(c.clock.is_not(None), c.due_at.is_not(None), _open(c)),
        see=ENVELOPE,
        says="What runs out next; null when it is over.",
    )
    events: Connection[ReferralEvent] = page(
        on=lambda here, there: there.referral_id == here.id,
        where=ReferralEventWhere,
        default=EVENTS_IN_ORDER,
        see=ENVELOPE,
        says="What happened, numbered.",
    )
    decline_reason: DeclineReason | None = column(
        ReferralRow.decline_reason, see=CONTENT, says="Why it was declined; null unless it was."
    )
    decline_text: str | None = sealed_text(
        EventWordsRow,
        lambda here, there: and_(there.referral_id == here.id, there.kind == WordsKind.DECLINE),
        see=DECLINE_TEXT,
        says="The recipient's words on it, for the sender; null when none.",
    )
    withdraw_reason: str | None = sealed_text(
        EventWordsRow,
        lambda here, there: and_(there.referral_id == here.id, there.kind == WordsKind.WITHDRAWAL),
        see=WITHDRAW_REASON,
        says="Why it was taken back, in words kept for the sender only; null unless it was and something was said.",
    )
    receipt: Receipt | None = embedded(
        {"jws": _newest_receipt(lambda c: c.verbatim), "at": _RECEIVED_AT, "digest": _newest_receipt(digest_read)},
        present=lambda c: _RECEIVED_AT(c).is_not(None),
        see=ENVELOPE,
        says="Signed receipt of the recipient, the newest; null until acknowledged.",
    )
    recipient_reference: str | None = column(
        ReferralRow.recipient_reference, see=CONTENT, says="The recipient's own file number; null when none."
    )


def _services(c: Columns) -> ColumnElement[Any]:
    service = rows_of(ReferralServiceRow).alias()
    asked = select(service.c.kind).where(service.c.referral_id == c.id).correlate_except(service)
    return func.array(asked.scalar_subquery(), type_=ARRAY(enum_type(SupportKind)))


@input_object
class ReferralWhere:
    """Which referrals. Only those you are a side of."""

    state: Filter[ReferralState] | None = compares(state_read, see=ENVELOPE, says="By state, as you read it.")
    my_side: Side | None = holds(_on_side, settles=SIDE, see=ENVELOPE, says="You as sender or as recipient.")
    purpose: Filter[Purpose] | None = matches(ReferralRow.purpose, see=ENVELOPE, says="By purpose.")
    urgency: Filter[Urgency] | None = matches(ReferralRow.urgency, see=ENVELOPE, says="By urgency.")
    sender: IDFilter | None = matches(ReferralRow.sender_id, see=ENVELOPE, says="By sender.")
    recipient: IDFilter | None = matches(ReferralRow.recipient_id, see=ENVELOPE, says="By recipient.")
    service: Filter[SupportKind] | None = compares(_services, see=ENVELOPE, says="By help asked for.")
    since: DateTimeFilter | None = compares(
        since_read, see=ENVELOPE, says="By the time they came to their state, as you read it."
    )
    due_at: DateTimeFilter | None = matches(ReferralRow.due_at, see=ENVELOPE, says="By the clock.")
    open: bool | None = holds(
        lambda c, wanted: _open(c) == wanted, settles=OPEN, see=ENVELOPE, says="In a state that is not final."
    )


@vocabulary
class ReferralOrderField(Vocabulary):
    """Keys to order Referral by."""

    SINCE = ("since", "By the time it came to its state.")
    DUE = ("due", "By the clock: what runs out first; what has none comes last.")
    URGENCY = ("urgency", "By urgency, then the clock.")


@input_object
class ReferralOrder:
    """An order of Referral."""

    field: ReferralOrderField = strawberry.field(description="Key.")
    direction: OrderDirection = strawberry.field(description="Direction.", default=OrderDirection.ASC)


def _rank(c: Columns) -> ColumnElement[Any]:
    return case({member.value: str(rank) for rank, member in enumerate(Urgency)}, value=cast(c.urgency, String))


REFERRAL_ORDERS: Final = {
    ReferralOrderField.SINCE: Ordering(lambda c: [moment_key(since_read(c))], see=ENVELOPE),
    ReferralOrderField.DUE: Ordering(lambda c: [moment_key(c.due_at)], see=ENVELOPE),
    ReferralOrderField.URGENCY: Ordering(lambda c: [_rank(c), moment_key(c.due_at)], see=ENVELOPE),
}
