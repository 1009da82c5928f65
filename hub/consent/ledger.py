"""The ledger of consents: asked for, answered, withdrawn, run out. Every use looks here again, with the row locked.

What follows is done in the same transaction by `Followers`. They lock what they hold under a consent before the
consent itself is locked, so that who sends and who withdraws take their locks in one order and one of them is first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Protocol
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, insert, select, update

from hub.consent.acting import Acting, Changed
from hub.consent.decide import Given, narrowed
from hub.consent.errors import InvalidInput, NotFound, StateConflict
from hub.consent.ties import is_self, need_to_keep, works_on
from schema.standing import RUNNING
from schema.tables import ConsentRow
from schema.tables.base import table_of
from schema.vocabulary import (
    AccessScope,
    Category,
    ConsentChannel,
    ConsentState,
    LegalBasis,
    Purpose,
    Relation,
)

_CONSENT: Final = table_of(ConsentRow)
_PLAIN: Final = frozenset({Category.PUBLIC, Category.NETWORK})
_NOT_YET: Final = "-"
_UNDETERMINED: Final = "und"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person is asked."""

    person_id: UUID
    recipient_id: UUID
    categories: Sequence[Category]
    purposes: Sequence[Purpose]
    until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a person said. Nothing given is a refusal."""

    given: Sequence[Category]
    channel: ConsentChannel
    wording_version: str
    language: str
    basis: LegalBasis
    until: date | None = None


class Followers(Protocol):
    """What hangs on consents. Each call is within the transaction that changes the consent."""

    def lock(self, connection: Connection, consent_id: UUID) -> None:
        """Lock what hangs on it, in one order, before the consent is locked."""
        ...

    def answered(self, connection: Connection, acting: Acting, consent: Row[Any]) -> Changed:
        """Take in the person's answer: given, limited or refused."""
        ...

    def withdrawn(self, connection: Connection, acting: Acting, consent: Row[Any]) -> Changed:
        """Stop all that hangs on it, at once."""
        ...


class Ledger:
    """Asks, records and ends consents."""

    def __init__(self, followers: Followers) -> None:
        self._followers: Final = followers

    def ask(self, connection: Connection, acting: Acting, asked: Asked) -> Changed:
        """Ask a person. The caller has looked whether it may.

        Raises:
            InvalidInput: nothing is asked, for nothing, or until a day that is over.
        """
        categories = tuple(category for category in Category if category in asked.categories)
        if not categories or not _PLAIN.isdisjoint(categories):
            raise InvalidInput("categories", reason="at least one, and none that needs no consent")
        if not asked.purposes:
            raise InvalidInput("purposes", reason="at least one")
        if asked.until < acting.today:
            raise InvalidInput("until", reason="that day is over")
        consent_id = uuid4()
        values = {
            "id": consent_id,
            "person_id": asked.person_id,
            "recipient_id": asked.recipient_id,
            "categories": list(categories),
            "purposes": list(dict.fromkeys(asked.purposes)),
            "state": ConsentState.REQUESTED,
            "from_on": acting.today,
            "until_on": asked.until,
            "asked_at": acting.now,
            "wording_version": _NOT_YET,
            "language": _UNDETERMINED,
        }
        connection.execute(insert(_CONSENT).values(values))
        return Changed(person_id=asked.person_id, consent_id=consent_id)

    def answer(self, connection: Connection, acting: Acting, consent_id: UUID, said: Answered) -> Changed:
        """Record the person's answer: what was given cuts what was asked, and is never more.

        Who keeps the file records it, or the person does. Answers through a contact person are recorded by who keeps
        the file, as nobody can delegate here yet.

        Raises:
            NotFound: there is no such consent for who acts.
            StateConflict: it was answered, or nobody waits for it any more.
            InvalidInput: more was given than was asked for, or nothing tells how.
        """
        acting.need(AccessScope.REFERRAL_SEND, AccessScope.SELF_CONSENT, AccessScope.CONSENT_MANAGE)
        self._followers.lock(connection, consent_id)
        row = self.read(connection, consent_id)
        if not is_self(connection, acting, row.person_id):
            need_to_keep(connection, acting, row.person_id)
        if row.state is not ConsentState.REQUESTED:
            raise StateConflict(state=row.state, possible=())
        _complete(said, row)
        left = narrowed(given_of(row), said.given, said.until)
        values = {
            "state": left.state,
            "from_on": acting.today,
            "until_on": left.until_on,
            "wording_version": said.wording_version,
            "language": said.language,
            "channel": said.channel,
            "basis": said.basis,
            "taken_by_id": acting.account_id,
            "by_contact_person": said.channel is ConsentChannel.VIA_CONTACT_PERSON,
        }
        if left.categories:  # a refusal keeps what was asked
            values["categories"] = list(left.categories)
        return self._followers.answered(connection, acting, self._write(connection, consent_id, values))

    def withdraw(self, connection: Connection, acting: Acting, consent_id: UUID, channel: ConsentChannel) -> Changed:
        """Withdraw a consent: at once, without approval, whatever else is under way.

        For the person and the data protection officer, and for the partner whose file it is. Twice is once. Of one
        that was never answered it is the refusal.

        Raises:
            NotFound: there is no such consent for who acts.
        """
        acting.need(AccessScope.SELF_CONSENT, AccessScope.CONSENT_MANAGE, AccessScope.REFERRAL_SEND)
        self._followers.lock(connection, consent_id)
        row = self.read(connection, consent_id)
        if not _may_withdraw(connection, acting, row.person_id):
            raise NotFound
        if row.state is ConsentState.WITHDRAWN:
            return Changed(person_id=row.person_id, consent_id=consent_id)
        asked = row.state is ConsentState.REQUESTED
        values = {
            "state": ConsentState.REFUSED if asked else ConsentState.WITHDRAWN,
            "withdrawn_at": acting.now,
            "withdrawn_by": channel,
        }
        changed = self._write(connection, consent_id, values)
        if asked:
            return self._followers.answered(connection, acting, changed)
        return self._followers.withdrawn(connection, acting, changed)

    def read(self, connection: Connection, consent_id: UUID) -> Row[Any]:
        """Read a consent again and keep it as it is until the transaction ends.

        Raises:
            NotFound: there is none.
        """
        row = connection.execute(select(_CONSENT).where(_CONSENT.c.id == consent_id).with_for_update()).one_or_none()
        if row is None:
            raise NotFound
        return row

    def end(self, connection: Connection, consent_id: UUID) -> None:
        """Wait no longer for an answer."""
        waiting = (_CONSENT.c.id == consent_id, _CONSENT.c.state == ConsentState.REQUESTED)
        connection.execute(update(_CONSENT).where(*waiting).values(state=ConsentState.EXPIRED))

    def run_out(self, connection: Connection, today: date) -> int:
        """Mark the consents whose last day is over; they counted no more before. Give how many."""
        over = (_CONSENT.c.state.in_(RUNNING), _CONSENT.c.until_on < today)
        free = select(_CONSENT.c.id).where(*over).order_by(_CONSENT.c.id).with_for_update(skip_locked=True)
        done = update(_CONSENT).where(_CONSENT.c.id.in_(free)).values(state=ConsentState.EXPIRED)
        return connection.execute(done).rowcount

    @staticmethod
    def _write(connection: Connection, consent_id: UUID, values: dict[str, Any]) -> Row[Any]:
        return connection.execute(
            update(_CONSENT).where(_CONSENT.c.id == consent_id).values(values).returning(_CONSENT)
        ).one()


def given_of(row: Any) -> Given:  # Any: a row of the table, or part of one
    """Read a row as a value to decide with."""
    return Given(
        person_id=row.person_id,
        recipient_id=row.recipient_id,
        categories=tuple(row.categories),
        purposes=tuple(row.purposes),
        state=row.state,
        from_on=row.from_on,
        until_on=row.until_on,
        withdrawn=row.withdrawn_at is not None,
    )


def _complete(said: Answered, row: Row[Any]) -> None:
    if not set(said.given) <= set(row.categories):
        raise InvalidInput("given", reason="more than was asked for")
    if said.channel is ConsentChannel.VITAL_INTEREST_OVERRIDE:
        raise InvalidInput("channel", reason="that is no answer of the person")
    if not 0 < len(said.wording_version) <= 64 or not 1 < len(said.language) <= 35:  # noqa: PLR2004  # of a code
        raise InvalidInput("wording_version" if len(said.language) > 1 else "language", reason="which was shown?")
    if said.until is not None and not row.from_on <= said.until <= row.until_on:
        raise InvalidInput("until", reason="within what was asked for")


def _may_withdraw(connection: Connection, acting: Acting, person_id: UUID) -> bool:
    if acting.profile.relation is Relation.DPO or is_self(connection, acting, person_id):
        return True
    return acting.partner_id is not None and works_on(connection, acting, person_id)
