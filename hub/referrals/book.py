"""The book of referrals: rows locked, steps taken by the table and written down, the other side told.

Locks are taken in one order everywhere: referral, consent, agreement. Who holds a referral waits for no delivery, as
workers hold deliveries when they come for the referral. Who holds a referral's row is alone with it; whatever was
read before is read again under the lock.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, TypeAlias
from uuid import UUID, uuid4

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    UpdateBase,
    bindparam,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    update,
)

from connectors.messages import Answer
from hub.consent import NotFound, StateConflict
from hub.delivery.ports import Topic
from hub.referrals import clocks
from hub.referrals.office import Office, told_of, words_of
from hub.referrals.states import FINAL, Actor, Guard, IllegalTransition, step
from hub.store.bell import ring
from schema.tables import CaseRow, EventWordsRow, HandoffRow, ReferralEventRow, ReferralRow, ReferralServiceRow
from schema.tables.base import table_of
from schema.tables.referrals import DeliveryState, Direction, WordsKind
from schema.vocabulary import ReferralEventKind, ReferralState, ServiceAnswer, Side, SupportKind

S, E = ReferralState, ReferralEventKind

REFERRAL: Final = table_of(ReferralRow)
EVENT: Final = table_of(ReferralEventRow)
SERVICE: Final = table_of(ReferralServiceRow)
HANDOFF: Final = table_of(HandoffRow)
_CASE: Final = table_of(CaseRow)
_WORDS: Final = table_of(EventWordsRow)

Referral: TypeAlias = Row[Any]
"""A referral as it was read under its lock."""
Values: TypeAlias = Mapping[str, Any]  # Any: values of columns

ANSWER_FOR: Final = timedelta(days=30)
"""How long we try to tell the other side."""
STOP_FOR: Final = timedelta(days=180)
"""How long we try to stop it."""
_LOCKED: Final = select(REFERRAL).where(REFERRAL.c.id == bindparam("which")).with_for_update()
_LEFT: Final = update(REFERRAL).where(REFERRAL.c.id == bindparam("which")).values(left_at=bindparam("now"))
_OURS_ALONE: Final = frozenset({E.REROUTE, E.ASK_OVERRIDE, E.OVERRIDE_VITAL_INTEREST})
"""What stays with the sender."""
_RECIPIENTS: Final = frozenset({Actor.RECIPIENT_CASEWORKER, Actor.RECIPIENT_LEAD, Actor.RECIPIENT_SYSTEM})

STOP_CAUSE: Final[Mapping[ReferralEventKind, str]] = {
    E.REVOKE_CONSENT: "consent_revoked",
    E.NARROW_CONSENT: "consent_narrowed",
    E.WITHDRAW: "withdrawn",
    E.REJECT_PART: "withdrawn",
    E.MARK_ERROR: "entered_in_error",
    E.AGREEMENT_ENDED: "agreement_ended",
    E.ANSWER_TIMEOUT: "expired",
    E.OFFER_TIMEOUT: "expired",
    E.GIVE_UP_TIMEOUT: "expired",
}
"""What the recipient is told when one of these ends it."""


class Book:
    """Reads and writes referrals."""

    def __init__(self, office: Office) -> None:
        self._office: Final = office

    # ---- Reading under a lock ----------------------------------------------------------------------------------------

    @staticmethod
    def locked(connection: Connection, referral_id: UUID) -> Referral:
        """Lock a referral until the transaction ends.

        Raises:
            NotFound: there is none.
        """
        row = connection.execute(_LOCKED, {"which": referral_id}).one_or_none()
        if row is None:
            raise NotFound
        return row

    @staticmethod
    def under_consent(connection: Connection, consent_id: UUID) -> tuple[Referral, ...]:
        """Lock the referrals under a consent, and those that were handed on from them, in the order of their ids."""
        tree = select(REFERRAL.c.id).where(REFERRAL.c.consent_id == consent_id).cte(recursive=True)
        tree = tree.union(select(REFERRAL.c.id).where(REFERRAL.c.parent_id == tree.c.id))
        query = select(REFERRAL).where(REFERRAL.c.id.in_(select(tree.c.id))).order_by(REFERRAL.c.id).with_for_update()
        return tuple(connection.execute(query).all())

    @staticmethod
    def stands(connection: Connection, referral: Referral, actor: Actor) -> ReferralState:
        """Tell where a referral stands for an actor: that it is a duplicate is the recipient's to know.

        To all others it counts as standing where it stood. Else who takes it back would learn by the refusal that the
        person is known there.
        """
        if referral.state is not S.DUPLICATE or actor in _RECIPIENTS:
            state: ReferralState = referral.state
            return state
        found = (EVENT.c.referral_id == referral.id, EVENT.c.to_state == S.DUPLICATE)
        before = connection.scalar(select(EVENT.c.from_state).where(*found).order_by(EVENT.c.number.desc()).limit(1))
        return before or S.SENT

    # ---- Steps -------------------------------------------------------------------------------------------------------

    def begin(self, connection: Connection, values: Values, event: ReferralEventKind, actor: Actor) -> Referral:
        """Write a new referral and its first event.

        Args:
            connection: of the caller's transaction.
            values: of its columns, state and times aside; `created_at` says when.
            event: CREATE, or SEND of one that the other side made.
            actor: who makes it.
        """
        now: datetime = values["created_at"]
        state = None if event is E.CREATE else S.READY
        transition = step(state, event, actor)
        to = transition.lands(S.DRAFT)
        row = {"id": uuid4(), **values, "state": to, "since": now} | self._clock(None, to, values, now)
        made = connection.execute(insert(REFERRAL).values(row).returning(REFERRAL)).one()
        self._note(connection, made, event, state, to, now=now, side=Side.SENDER, note=None)
        return made

    def take(
        self,
        connection: Connection,
        referral: Referral,
        event: ReferralEventKind,
        actor: Actor,
        now: datetime,
        *,
        met: Iterable[Guard] = (),
        side: Side | None = None,
        note: str | None = None,
        changes: Values | None = None,
    ) -> tuple[Referral, UUID]:
        """Take a step that the table permits, and write it down.

        Args:
            connection: of the caller's transaction; the referral's row is locked in it.
            referral: as it was read under the lock.
            event: what happens.
            actor: who makes it happen.
            now: the present.
            met: the guards that the caller has looked at.
            side: who acted; None for the person, the clock and the system.
            note: a code for both sides.
            changes: of other columns.

        Returns:
            the referral after it, and the id of the event.

        Raises:
            StateConflict: the table knows no such step from here, or it is somebody else's.
        """
        state = self.stands(connection, referral, actor)
        try:
            transition = step(state, event, actor)
        except IllegalTransition as error:
            raise StateConflict(state=referral.state, event=event) from error
        assert transition.guard in {Guard.NONE, *met}, f"nobody looked at the guard of {transition.id}"
        to = transition.lands(state)
        values: dict[str, Any] = dict(changes or {})
        if to is not referral.state:
            values |= {"state": to, "since": now}
        if to is not referral.state or event is E.PROGRESS_OVERDUE:
            values |= self._clock(referral, to, values, now)
        after = self.change(connection, referral, values) if values else referral
        if to in FINAL and referral.direction is Direction.INCOMING:
            self._let_go(connection, referral)
        return after, self._note(connection, after, event, state, to, now=now, side=side, note=note)

    def note(
        self,
        connection: Connection,
        referral: Referral,
        event: ReferralEventKind,
        now: datetime,
        *,
        side: Side | None = None,
        note: str | None = None,
    ) -> UUID:
        """Write down an event that steps nothing; give its id."""
        return self._note(connection, referral, event, referral.state, referral.state, now=now, side=side, note=note)

    @staticmethod
    def change(connection: Connection, referral: Referral, values: Values) -> Referral:
        """Write columns of a locked referral, and give it as it is then."""
        given = {f"the_{name}": value for name, value in values.items()} | {"which": referral.id}
        return connection.execute(_changing(tuple(values)), given).one()

    @staticmethod
    def left(connection: Connection, referral: Referral, now: datetime) -> None:
        """Write down of a locked referral that it leaves, the first time."""
        if referral.left_at is None:
            connection.execute(_LEFT, {"which": referral.id, "now": now})

    @staticmethod
    def _let_go(connection: Connection, referral: Referral) -> None:
        """End what taking up opened: the case of an incoming referral that is over is nobody's here."""
        theirs = (_CASE.c.id == referral.case_id, _CASE.c.holder_id == referral.sender_id)
        connection.execute(update(_CASE).where(*theirs).values(owner_id=None, cover_id=None))

    @staticmethod
    def _clock(before: Referral | None, to: ReferralState, values: Values, now: datetime) -> dict[str, Any]:
        if to is S.DUPLICATE:
            return {}  # its sender reads the clock of the state before, and it runs out as it would have
        if to in FINAL:
            return dict.fromkeys(("clock", "clock_side", "due_at", "remind_at", "paused_since"))
        urgency = values["urgency"] if before is None else before.urgency
        answer = clocks.answer_by(
            S.READY if before is None else before.state,
            to,
            before=None if before is None else before.answer_by,
            since=now if before is None else before.since,
            now=now,
            how=urgency,
        )
        review = values.get("review_on", None if before is None else before.review_on)
        clock = clocks.clock(to, urgency, now=now, answer=answer, review_on=review)
        return {
            "answer_by": answer,
            "clock": clock and clock.kind,
            "clock_side": clock and clock.side,
            "due_at": clock and clock.due_at,
            "remind_at": clock and clock.remind_at,
            "paused_since": None,
        }

    @staticmethod
    def _note(
        connection: Connection,
        referral: Referral,
        event: ReferralEventKind,
        state: ReferralState | None,
        to: ReferralState,
        *,
        now: datetime,
        side: Side | None,
        note: str | None,
    ) -> UUID:
        values = {
            "id": uuid4(),
            "referral_id": referral.id,
            "kind": event,
            "from_state": state,
            "to_state": to,
            "at": now,
            "side": side,
            "note": note,
        }
        statement = _BEGINS if event is E.SEND else _KEPT if event in _OURS_ALONE else _SHARED
        connection.execute(statement, {f"the_{name}": value for name, value in values.items()})
        made: UUID = values["id"]
        return made

    # ---- Help asked for ----------------------------------------------------------------------------------------------

    @staticmethod
    def ask(connection: Connection, referral: Referral, kinds: Iterable[SupportKind]) -> None:
        """Write down the help that is asked for."""
        row = {"referral_id": referral.id, "answer": ServiceAnswer.ASKED}
        connection.execute(insert(SERVICE), [row | {"kind": kind} for kind in dict.fromkeys(kinds)])

    @staticmethod
    def services(connection: Connection, referral: Referral) -> dict[str, ServiceAnswer]:
        """Tell the help asked for, and what became of each."""
        query = select(SERVICE).where(SERVICE.c.referral_id == referral.id).order_by(SERVICE.c.kind)
        return {row.kind.value: row.answer for row in connection.execute(query)}

    @staticmethod
    def answer_services(connection: Connection, referral: Referral, answer: ServiceAnswer, **more: Any) -> None:
        """Say of all help that is not declined what became of it."""
        open_ones = (SERVICE.c.referral_id == referral.id, SERVICE.c.answer != ServiceAnswer.DECLINED)
        connection.execute(update(SERVICE).where(*open_ones).values(answer=answer, **more))

    # ---- Words -------------------------------------------------------------------------------------------------------

    def words(self, connection: Connection, referral: Referral) -> dict[str, Any]:
        """Open the words on a referral."""
        if referral.words is None:
            return {}
        return self._office.open(connection, words_of(referral.id, referral.person_id), referral.words)

    def sealed_words(self, connection: Connection, referral: Referral, **more: str | None) -> dict[str, bytes]:
        """Add words, sealed; give the change of the row. Where nothing is said there is none."""
        said = {name: text for name, text in more.items() if text}
        if not said:
            return {}
        content = self.words(connection, referral) | said
        place = words_of(referral.id, referral.person_id)
        return {"words": self._office.seal(connection, place, content)}

    def say(
        self, connection: Connection, referral: Referral, event_id: UUID, text: str | None, kind: WordsKind
    ) -> None:
        """Write down words said with an event, sealed; nothing where nothing is said."""
        if text:
            said = {"event_id": event_id, "referral_id": referral.id, "subject": referral.person_id}
            self._office.vault.say(connection, kind, text, **said)

    def forget(self, connection: Connection, referral: Referral, now: datetime) -> Referral:
        """Delete all words on a referral that is stopped; what it holds no more is gone."""
        connection.execute(delete(_WORDS).where(_WORDS.c.referral_id == referral.id))
        return self.change(connection, referral, {"stopped_at": now, "words": None})

    # ---- The other side ----------------------------------------------------------------------------------------------

    def by_wire(self, referral: Referral) -> bool:
        """Tell whether the other side's system has it from us, or we from it, by the wire."""
        if referral.direction is Direction.OUTGOING:
            return referral.left_at is not None
        return referral.reply_to is not None

    def tell(
        self,
        connection: Connection,
        referral: Referral,
        event_id: UUID,
        now: datetime,
        event: ReferralEventKind,
        **more: Any,
    ) -> Referral:
        """Let the other side's system know of a step of ours: numbered, sealed as it is said, given to the outbox."""
        if not self.by_wire(referral) or referral.stopped_at is not None:
            return referral
        number = referral.wire_number + 1
        said = {
            "handoff": str(referral.id),
            "number": number,
            "seen": referral.wire_seen,
            "event": event.value,
            "state": referral.state.value,
            "at": int(now.timestamp()),
        } | {name: value for name, value in more.items() if value}
        assert said.keys() <= set(Answer.__struct_fields__)
        sealed = self._office.seal(connection, told_of(event_id, referral.person_id), said)
        self._numbered(connection, event_id, number, told=sealed)
        after = self.change(connection, referral, {"wire_number": number})
        self._office.outbox.enqueue(
            connection,
            referral_id=referral.id,
            topic=Topic.ANSWER,
            now=now,
            gives_up_at=now + ANSWER_FOR,
            event_id=event_id,
        )
        return after

    def stop(self, connection: Connection, referral: Referral, event_id: UUID, now: datetime) -> Referral:
        """End a referral of ours at the recipient: what waits is stopped, and it is told to delete what it holds.

        A recipient to whom nothing ever left is told nothing, not even that there was something.
        """
        if referral.direction is not Direction.OUTGOING:
            return referral
        self.hush(connection, referral, now)
        if referral.left_at is None or referral.stopped_at is not None:
            return referral
        number = referral.wire_number + 1
        self._numbered(connection, event_id, number)
        after = self.change(connection, referral, {"wire_number": number, "stopped_at": now})
        self._office.outbox.enqueue(
            connection,
            referral_id=referral.id,
            topic=Topic.STOP,
            now=now,
            gives_up_at=now + STOP_FOR,
            event_id=event_id,
        )
        return after

    @staticmethod
    def hush(connection: Connection, referral: Referral, now: datetime) -> None:
        """Stop the deliveries of a locked referral that wait.

        One that a worker holds is left to it, and not waited for. Before an attempt it asks its handler, which asks for
        the referral and finds that nothing may leave; after one it brings what came back, which is kept.
        """
        waiting = (
            HANDOFF.c.referral_id == referral.id,
            HANDOFF.c.state == DeliveryState.WAITING,
            HANDOFF.c.topic != Topic.STOP.value,
            HANDOFF.c.leased_by.is_(None),
        )
        free = select(HANDOFF.c.id).where(*waiting).with_for_update(skip_locked=True)
        ended = {"state": DeliveryState.STOPPED, "settled_at": now, "next_attempt_at": None}
        connection.execute(update(HANDOFF).where(HANDOFF.c.id.in_(free)).values(ended))

    @staticmethod
    def _numbered(connection: Connection, event_id: UUID, number: int, told: bytes | None = None) -> None:
        connection.execute(update(EVENT).where(EVENT.c.id == event_id).values(wire_number=number, told=told))


# ---- Statements, made once -------------------------------------------------------------------------------------------


@lru_cache(256)
def _changing(names: tuple[str, ...]) -> UpdateBase:
    """Write columns of these names, and give the referral as it is then."""
    values = {name: bindparam(f"the_{name}", type_=REFERRAL.c[name].type) for name in names}
    return update(REFERRAL).where(REFERRAL.c.id == bindparam("which")).values(values).returning(REFERRAL)


def _noting(recipient_number: ColumnElement[Any]) -> UpdateBase:
    """Write an event under the next number, and ring the bell. Who holds the referral's row is alone at its numbers."""
    of = EVENT.c.referral_id == bindparam("the_referral_id", type_=EVENT.c.referral_id.type)
    given = ("id", "referral_id", "kind", "from_state", "to_state", "at", "side", "note")
    columns = [bindparam(f"the_{name}", type_=EVENT.c[name].type) for name in given]
    next_number = func.coalesce(func.max(EVENT.c.number), 0) + 1
    row = select(*columns, next_number, recipient_number).where(of)
    return insert(EVENT).from_select([*given, "number", "recipient_number"], row).returning(ring(EVENT.c.id))


_LAST: Final = func.max(EVENT.c.recipient_number)
_BEGINS: Final = _noting(func.coalesce(_LAST, literal(0)) + 1)
"""The recipient's list begins, or goes on."""
_SHARED: Final = _noting(_LAST + 1)
"""The recipient's list goes on where it has begun: one more than nothing is nothing."""
_KEPT: Final = _noting(null())
"""It stays with the sender."""
