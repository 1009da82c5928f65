"""Persons handed from one body to another: the referral as both sides read it, its events, what was sent, its delivery.

A packet, a message that came in and what is said of them outside of the graph are closed to the reading door.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from schema.tables.base import SECRET, Row, Shape, many_of, one_of, texts
from schema.vocabulary import (
    Category,
    ClockKind,
    ClosingReason,
    ContactRule,
    DeclineReason,
    Discipline,
    Feedback,
    Purpose,
    ReferralEventKind,
    ReferralState,
    Region,
    ServiceAnswer,
    Side,
    SupportKind,
    Urgency,
)


class Direction(StrEnum):
    """Which way a referral goes, seen from ICORN; a delivery, seen from this hub."""

    OUTGOING = "outgoing"
    INCOMING = "incoming"


class WordsKind(StrEnum):
    """What words said with an event are."""

    NOTE = "note"
    """From one side for the other."""
    DECLINE = "decline"
    """Why the recipient declines; a category of its own."""
    WITHDRAWAL = "withdrawal"
    """Why the sender takes it back; for the sender alone."""


class DeliveryState(StrEnum):
    """Standing of a delivery."""

    WAITING = "waiting"
    """To be tried at `next_attempt_at`, or under way while its lease runs."""
    DELIVERED = "delivered"
    REFUSED = "refused"
    """The partner said no for good."""
    STOPPED = "stopped"
    """Consent, agreement or sender ended it first."""
    EXPIRED = "expired"


class InboxState(StrEnum):
    """Standing of a message that came in."""

    QUARANTINED = "quarantined"
    TAKEN = "taken"
    REFUSED = "refused"


def _moment(*, null: bool = False) -> Any:  # Any: as SQLModel's Field
    return Field(default=None if null else ..., sa_type=DateTime(timezone=True), nullable=null)


_BY_CLOCK: Final = text("coalesce(due_at, 'infinity'::timestamptz)")


class ReferralRow(Row, table=True):
    """A referral. `sent_at` is set when it is sent: before, it does not exist for the recipient.

    `left_at` is when something of it first went over the wire, `stopped_at` when the other side was told to delete it
    or told us so. `wire_number` is the last number of ours on the wire, `wire_seen` the last of theirs taken in.
    """

    __tablename__ = "referral"
    __table_args__ = (
        Index("referral_inbox", "recipient_id", _BY_CLOCK, "id", postgresql_where=text("sent_at is not null")),
        Index("referral_outbox", "sender_id", _BY_CLOCK, "id"),
        Index("referral_by_case", "case_id", "recipient_id"),
        Index("referral_by_clock", "due_at", postgresql_where=text("due_at is not null and paused_since is null")),
        Index("referral_by_reminder", "remind_at", postgresql_where=text("remind_at is not null")),
        CheckConstraint("sender_id <> recipient_id", name="two_bodies"),
    )
    case_id: UUID = Field(foreign_key="case_file.id")
    person_id: UUID = Field(foreign_key="person.id", index=True)
    sender_id: UUID = Field(foreign_key="organisation.id")
    recipient_id: UUID = Field(foreign_key="organisation.id")
    direction: Direction = one_of(Direction)
    state: ReferralState = one_of(ReferralState)
    since: datetime = _moment()
    purpose: Purpose = one_of(Purpose)
    urgency: Urgency = one_of(Urgency)
    categories: list[Category] = many_of(Category)
    origin_region: Region | None = one_of(Region, null=True)
    languages: list[str] = texts()
    consent_id: UUID | None = Field(default=None, foreign_key="consent.id")
    parent_id: UUID | None = Field(default=None, foreign_key="referral.id")
    rerouted_from_id: UUID | None = Field(default=None, foreign_key="referral.id")
    reply_to: str | None = None
    created_at: datetime = _moment()
    sent_at: datetime | None = _moment(null=True)
    clock: ClockKind | None = one_of(ClockKind, null=True)
    clock_side: Side | None = one_of(Side, null=True)
    due_at: datetime | None = _moment(null=True)
    remind_at: datetime | None = _moment(null=True)
    """Half time of the clock; gone once somebody was reminded."""
    answer_by: datetime | None = _moment(null=True)
    """When the time for an answer is over, whatever the clock in between waits for."""
    paused_since: datetime | None = _moment(null=True)
    left_at: datetime | None = _moment(null=True)
    stopped_at: datetime | None = _moment(null=True)
    wire_number: int = 0
    wire_seen: int = 0
    taken_by_id: UUID | None = Field(default=None, foreign_key="account.id")
    decline_reason: DeclineReason | None = one_of(DeclineReason, null=True)
    closing_reason: ClosingReason | None = one_of(ClosingReason, null=True)
    feedback: Feedback | None = one_of(Feedback, null=True)
    recipient_reference: str | None = None
    review_on: date | None = None
    words: bytes | None = Field(default=None, sa_type=LargeBinary)
    """Free words of both sides that no rule shows, such as their own file numbers, sealed under the person's key."""


class ReferralServiceRow(Shape, table=True):
    """One kind of help asked for, and what became of it."""

    __tablename__ = "referral_service"
    referral_id: UUID = Field(primary_key=True, foreign_key="referral.id", ondelete="CASCADE")
    kind: SupportKind = Field(sa_type=one_of(SupportKind).sa_type, primary_key=True)
    answer: ServiceAnswer = one_of(ServiceAnswer)
    decline_reason: DeclineReason | None = one_of(DeclineReason, null=True)


class ReferralEventRow(Row, table=True):
    """One event. `number` is the sender's, `recipient_number` the recipient's: that list begins with SEND."""

    __tablename__ = "referral_event"
    __table_args__ = (
        UniqueConstraint("referral_id", "number", name="referral_event_number"),
        UniqueConstraint("referral_id", "recipient_number", name="referral_event_recipient_number"),
    )
    referral_id: UUID = Field(foreign_key="referral.id", ondelete="CASCADE")
    number: int
    recipient_number: int | None = None
    kind: ReferralEventKind = one_of(ReferralEventKind)
    from_state: ReferralState | None = one_of(ReferralState, null=True)
    to_state: ReferralState = one_of(ReferralState)
    at: datetime = _moment()
    side: Side | None = one_of(Side, null=True)
    note: str | None = Field(default=None, sa_type=Text)
    """A code, never words about a person."""
    wire_number: int | None = None
    """Under which number of ours the other side was told of it."""
    told: bytes | None = Field(default=None, sa_type=LargeBinary)
    """What it was told, sealed under the person's key: each time it is sent it says the same."""


class EventWordsRow(Shape, table=True):
    """Free words said with an event, sealed under the person's key. `kind` tells who may read them."""

    __tablename__ = "event_words"
    __table_args__ = (
        # Declined or taken back is a referral once: there is one text of each to read.
        Index(
            "event_words_once",
            "referral_id",
            "kind",
            unique=True,
            postgresql_where=text("kind in ('decline', 'withdrawal')"),
        ),
    )
    event_id: UUID = Field(primary_key=True, foreign_key="referral_event.id", ondelete="CASCADE")
    referral_id: UUID = Field(foreign_key="referral.id", ondelete="CASCADE", index=True)
    kind: WordsKind = one_of(WordsKind)
    subject_id: UUID = Field(foreign_key="person.id", index=True)
    version: int = 1
    sealed: bytes = Field(sa_type=LargeBinary)


class PacketRow(Row, table=True):
    """What was sent: the signed packet word for word, sealed under its subject's key, and what it was made of."""

    __tablename__ = "packet"
    __table_args__ = (UniqueConstraint("referral_id", "version", name="packet_version"), SECRET)
    referral_id: UUID = Field(foreign_key="referral.id")
    subject_id: UUID = Field(index=True)
    version: int
    categories: list[Category] = many_of(Category)
    pins: dict[str, int] = Field(sa_type=JSONB)
    digest: bytes = Field(sa_type=LargeBinary)
    sealed: bytes = Field(sa_type=LargeBinary)
    sealed_at: datetime = _moment()


class PacketCopyRow(Row, table=True):
    """What the newest packet of a referral holds, to be read by the rules: the profile here, the rest sealed beside it.

    The id is the packet's. `holder_id` is the body whose file it is: a partner that brought it, or none where ICORN
    sent it.
    """

    __tablename__ = "packet_copy"
    referral_id: UUID = Field(foreign_key="referral.id", unique=True)
    case_id: UUID = Field(foreign_key="case_file.id", index=True)
    person_id: UUID = Field(foreign_key="person.id", index=True)
    holder_id: UUID | None = Field(default=None, foreign_key="organisation.id")
    version: int
    categories: list[Category] = many_of(Category)
    digest: bytes = Field(sa_type=LargeBinary)
    sealed_at: datetime = _moment()
    disciplines: list[Discipline] = many_of(Discipline)
    origin_region: Region | None = one_of(Region, null=True)
    languages: list[str] = texts()
    household_size: int | None = None
    support: list[SupportKind] = many_of(SupportKind)
    urgency: Urgency | None = one_of(Urgency, null=True)
    contact_rule: ContactRule | None = one_of(ContactRule, null=True)


class FrozenRow(Shape):
    """One category of a packet, sealed under its person's key."""

    packet_id: UUID = Field(primary_key=True, foreign_key="packet_copy.id", ondelete="CASCADE")
    subject_id: UUID = Field(foreign_key="person.id", index=True)
    version: int
    sealed: bytes = Field(sa_type=LargeBinary)


class PacketIdentityRow(FrozenRow, table=True):
    """Who the person is, as it was sent."""

    __tablename__ = "packet_identity"


class PacketContactRow(FrozenRow, table=True):
    """How the person is reached, as it was sent."""

    __tablename__ = "packet_contact"


class PacketRiskRow(FrozenRow, table=True):
    """Persecution and its evidence, as it was sent."""

    __tablename__ = "packet_risk"


class PacketAdviceRow(FrozenRow, table=True):
    """What a host must know, without the story, as it was sent."""

    __tablename__ = "packet_advice"


class PacketLocationRow(FrozenRow, table=True):
    """Where the person is, as it was sent."""

    __tablename__ = "packet_location"


class PacketHealthRow(FrozenRow, table=True):
    """Health, as it was sent."""

    __tablename__ = "packet_health"


class PacketFamilyRow(FrozenRow, table=True):
    """Who would travel, as it was sent."""

    __tablename__ = "packet_family"


class PacketAssessmentRow(FrozenRow, table=True):
    """The outcome of an assessment, as it was sent."""

    __tablename__ = "packet_assessment"


class HandoffRow(Row, table=True):
    """One delivery; its id is the idempotency key of every attempt. A worker that holds it has the lease."""

    __tablename__ = "handoff"
    __table_args__ = (
        Index("handoff_due", "next_attempt_at", "id", postgresql_where=text("state = 'waiting'")),
        SECRET,
    )
    referral_id: UUID = Field(foreign_key="referral.id", index=True)
    packet_id: UUID | None = Field(default=None, foreign_key="packet.id")
    event_id: UUID | None = Field(default=None, foreign_key="referral_event.id")
    direction: Direction = one_of(Direction)
    topic: str
    state: DeliveryState = one_of(DeliveryState)
    attempts: int = 0
    leased_by: str | None = None
    lease_until: datetime | None = _moment(null=True)
    next_attempt_at: datetime | None = _moment(null=True)
    gives_up_at: datetime | None = _moment(null=True)
    last_error: str | None = None
    created_at: datetime = _moment()
    settled_at: datetime | None = _moment(null=True)


class ReceiptRow(Row, table=True):
    """A signed receipt or certificate, word for word: one that came back for a delivery, or one this hub gave.

    `version` and `digest` are those of what a receipt is for; a certificate has neither.
    """

    __tablename__ = "receipt"
    referral_id: UUID = Field(foreign_key="referral.id", index=True)
    handoff_id: UUID | None = Field(default=None, foreign_key="handoff.id", index=True)
    direction: Direction = one_of(Direction)
    issuer_id: UUID | None = Field(default=None, foreign_key="organisation.id")
    version: int | None = None
    digest: bytes | None = Field(default=None, sa_type=LargeBinary)
    verbatim: str = Field(sa_type=Text)
    received_at: datetime = _moment()


class InboxMessageRow(Row, table=True):
    """A message that came in, sealed word for word until a person takes it up. The same `jti` counts once an issuer."""

    __tablename__ = "inbox_message"
    __table_args__ = (
        UniqueConstraint("issuer_id", "jti", name="inbox_message_once"),
        UniqueConstraint("referral_id", "number", name="inbox_message_number"),
        SECRET,
    )
    issuer_id: UUID = Field(foreign_key="organisation.id")
    jti: str
    body_hash: bytes = Field(sa_type=LargeBinary)
    subject_id: UUID
    sealed: bytes = Field(sa_type=LargeBinary)
    state: InboxState = one_of(InboxState)
    reason: str | None = None
    referral_id: UUID | None = Field(default=None, foreign_key="referral.id", index=True)
    number: int | None = None
    """The writer's number for this referral; answers and stop notices have one."""
    received_at: datetime = _moment()
