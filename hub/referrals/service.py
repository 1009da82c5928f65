"""The business of referrals as others call it: one object, each method one step in the caller's transaction.

    sending     open a case, draft, consent, send, try again, take back, confirm
    answering   acknowledge, take up, accept, decline, start, report
    bringing    a partner hands a person over in one go
    clocks      remind, expire
    endings     what no agreement carries any more

Every method takes the caller's connection first, and then who acts. It raises subclasses of `HubError` with a stable
code, and gives internal ids back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import Connection

from hub.consent import Acting, Answered, Changed, InvalidInput, NotFound
from hub.referrals.answering import Answering
from hub.referrals.cases import WORDS, Content
from hub.referrals.endings import Endings
from hub.referrals.sending import Draft, Sending
from hub.referrals.timekeeping import Timekeeping
from schema.vocabulary import Category, ConsentChannel, LegalBasis, Purpose, SupportKind, Urgency

_PATHS: Final = {Category.CASE: "profile", **WORDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """A person whom a partner brings, with the consent it has taken."""

    content: Content
    purpose: Purpose
    urgency: Urgency
    services: Sequence[SupportKind]
    categories: Sequence[Category]
    until: date
    channel: ConsentChannel
    wording_version: str
    language: str
    basis: LegalBasis
    sender_reference: str | None = None


class Referrals(Sending, Answering, Timekeeping, Endings):
    """All steps of referrals."""

    def submit(self, connection: Connection, acting: Acting, brought: Brought) -> Changed:
        """Hand a person over to ICORN in one go, by a partner's program: T01, T02, T03, T07 and T10.

        Person and case are made, held by that body; nobody at ICORN reads them until somebody takes the referral up.
        What the person did not allow is refused, and kept nowhere.

        Raises:
            NotFound: it is no partner that acts.
            InvalidInput: a value cannot be used, or is of a category that was not allowed.
            AgreementInvalid: no agreement covers purpose and categories.
        """
        if acting.partner_id is None:
            raise NotFound
        if brought.until < acting.today:
            raise InvalidInput("consent", "until", reason="that day is over")
        beyond = brought.content.categories - frozenset(brought.categories)
        for category, path in _PATHS.items():
            if category in beyond:
                raise InvalidInput("content", path, reason="the person did not allow it")
        draft = Draft(
            recipient_id=self.office.home(connection),
            purpose=brought.purpose,
            urgency=brought.urgency,
            services=brought.services,
            content=brought.content,
            sender_reference=brought.sender_reference,
        )
        made = self.create(connection, acting, draft)
        assert made.referral_id is not None
        asked = self.request_consent(
            connection, acting, made.referral_id, categories=brought.categories, until=brought.until
        )
        assert asked.consent_id is not None
        said = Answered(
            given=brought.categories,
            channel=brought.channel,
            wording_version=brought.wording_version,
            language=brought.language,
            basis=brought.basis,
        )
        self.record_consent(connection, acting, asked.consent_id, said)
        return self.send(connection, acting, made.referral_id)
