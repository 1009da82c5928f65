"""A town for referrals: bodies with agreements, people who act, partners' keys, and an outbox that writes rows.

Its partners write and read real signed tokens; only the wire between them and the hub is left out.
"""

import re
from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import Connection, Engine, insert, select, update

from connectors import handoff as wire
from connectors.forms import as_own
from connectors.messages import Answer, Envelope, Packet, Receipt, Terms, Withdrawal
from connectors.registry import network
from connectors.signed import Reach
from connectors.signing import Me, new_keys, peer_from, public_jwks, unchecked
from hub.clock import SetClock
from hub.consent import Acting, Answered, Changed, NotFound
from hub.delivery.ports import Claimed, Stopped, Topic
from hub.partners import PartnerUnknown
from hub.referrals.cases import Content, Profile
from hub.referrals.handing import handlers
from hub.referrals.inbound import Inbound
from hub.referrals.office import Office
from hub.referrals.packets import PACKET, for_fetching, verbatim
from hub.referrals.sending import Draft
from hub.referrals.service import Referrals
from hub.store.sealed import Sealing
from hub.store.vault import Vault
from schema.access import AccessProfile
from schema.tables import (
    AccountRow,
    AgreementRow,
    ConsentRow,
    HandoffRow,
    OrganisationRow,
    ReferralEventRow,
    ReferralRow,
)
from schema.tables.base import table_of
from schema.tables.people import AccountStatus
from schema.tables.referrals import DeliveryState, Direction
from schema.vocabulary import (
    AccessScope,
    AgreementState,
    Category,
    Certainty,
    ConsentChannel,
    LegalBasis,
    Purpose,
    ReferralState,
    Region,
    Relation,
    SupportKind,
    Urgency,
)

MORNING = datetime(2026, 11, 23, 8, tzinfo=UTC)
PLANTED = ("Zerafin Quillwright", "Inkfeather Nom", "1961-07-19", "Blackwater Gaol", "The Drowned Alphabet")
"""What must never lie in a plain column."""
NAME, PEN_NAME, BORN, PRISON, TITLE = PLANTED

CONTENT = Content(
    profile=Profile(
        origin_region=Region.WESTERN_ASIA,
        languages=["ar", "fr"],
        household_size=2,
        support=[SupportKind.RESIDENCY],
        urgency=Urgency.URGENT,
    ),
    identity={"legal_name": NAME, "names": [PEN_NAME], "birth_date": BORN},
    risk={"claim": f"Held in {PRISON}.", "incidents": [{"act": "arrest", "account": PRISON}], "convicted": True},
    works=[{"title": TITLE, "published": False}],
)
ALL = (Category.CASE, Category.IDENTITY, Category.RISK)
SERVICES = (SupportKind.RESIDENCY, SupportKind.ASSESSMENT)

REFERRAL, EVENT = table_of(ReferralRow), table_of(ReferralEventRow)
HANDOFF, CONSENT = table_of(HandoffRow), table_of(ConsentRow)


class Rows:
    """An outbox as plain as can be: a row for each delivery."""

    def enqueue(
        self,
        connection: Connection,
        *,
        referral_id: UUID,
        topic: Topic,
        now: datetime,
        gives_up_at: datetime,
        packet_id: UUID | None = None,
        event_id: UUID | None = None,
    ) -> UUID:
        assert gives_up_at > now
        made = uuid4()
        connection.execute(
            insert(HANDOFF).values(
                id=made,
                referral_id=referral_id,
                packet_id=packet_id,
                event_id=event_id,
                direction=Direction.OUTGOING,
                topic=topic.value,
                state=DeliveryState.WAITING,
                next_attempt_at=now,
                gives_up_at=gives_up_at,
                created_at=now,
            )
        )
        return made


@dataclass
class Body:
    """A partner: its row, its keys, its program, its words."""

    id: UUID
    me: Me
    acting: AccessProfile
    partner: Any


def derive(label: str) -> bytes:
    return sha256(b"root of the tests" + label.encode()).digest()


@dataclass
class Town:
    """All of it."""

    engine: Engine
    clock: SetClock = field(default_factory=lambda: SetClock(MORNING))
    derive: Callable[[str], bytes] = derive

    def __post_init__(self) -> None:
        self.me = new_keys("http://hub.example")
        self.vault = Vault(Sealing(self.derive))
        self.bodies: dict[UUID, Body] = {}
        self.office = Office(vault=self.vault, me=lambda: self.me, outbox=Rows(), partner_of=self.partner_of)
        self.referrals = Referrals(self.office)
        self.inbound = Inbound(self.office)
        self.handlers = handlers(self.office)
        with self.engine.begin() as connection:
            slugs = select(OrganisationRow.slug, OrganisationRow.id)
            self.ids = {row.slug: row.id for row in connection.execute(slugs)}
            self.home = self.ids["icorn"]
            self.caseworker = self._person(connection, "mira", Relation.CASEWORKER)
            self.other = self._person(connection, "odd", Relation.CASEWORKER)
            self.lead = self._person(connection, "lena", Relation.LEAD)
            self.dpo = self._person(connection, "dora", Relation.DPO)
            self.pen = self._body(connection, "pen-international", "pen_international")
            self.sar = self._body(connection, "sar", "scholars_at_risk")

    # ---- People and bodies -------------------------------------------------------------------------------------------

    def _person(self, connection: Connection, login: str, relation: Relation) -> UUID:
        account = uuid4()
        connection.execute(
            insert(table_of(AccountRow)).values(
                id=account,
                login=login,
                name="Made up",
                relation=relation,
                status=AccountStatus.ACTIVE,
                scopes=list(AccessScope),
                created_at=MORNING,
            )
        )
        return account

    def _body(self, connection: Connection, slug: str, name: str) -> Body:
        connection.execute(
            insert(table_of(AgreementRow)).values(
                id=uuid4(),
                organisation_id=self.ids[slug],
                state=AgreementState.IN_FORCE,
                categories=list(Category),
                purposes=[Purpose.RESIDENCY_PLACEMENT, Purpose.ASSESSMENT],
                certainty=Certainty.SYNTHETIC,
            )
        )
        me = new_keys(f"http://{name.replace('_', '-')}.example")
        reach = Reach(issuer=me.issuer, base=me.issuer, jwks_uri=f"{me.issuer}/jwks", loopback=True)
        found = network(name)
        profile = AccessProfile(
            relation=Relation.PARTNER_AGREEMENT,
            scopes=frozenset(AccessScope),
            organisation_id=self.ids[slug],
        )
        partner = found.partner(found.settings(reach=reach), self.me, now=self.clock.now)
        body = Body(self.ids[slug], me, profile, partner)
        self.bodies[body.id] = body
        return body

    def partner_of(self, body: UUID, connection: Connection | None = None) -> Any:  # noqa: ARG002  # as the port says
        if body not in self.bodies:
            raise PartnerUnknown
        return self.bodies[body].partner

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def as_staff(self, account: UUID, relation: Relation = Relation.CASEWORKER) -> Acting:
        return Acting(AccessProfile(relation=relation, scopes=frozenset(AccessScope), account_id=account), self.now)

    @property
    def mira(self) -> Acting:
        return self.as_staff(self.caseworker)

    @property
    def lena(self) -> Acting:
        return self.as_staff(self.lead, Relation.LEAD)

    @property
    def dora(self) -> Acting:
        return self.as_staff(self.dpo, Relation.DPO)

    def program(self, body: Body) -> Acting:
        return Acting(body.acting, self.now)

    # ---- Steps -------------------------------------------------------------------------------------------------------

    def do(self, step: str, acting: Acting, *args: Any, **more: Any) -> Changed:
        """Take one step in a transaction of its own."""
        with self.engine.begin() as connection:
            return getattr(self.referrals, step)(connection, acting, *args, **more)

    def draft(self, body: Body, **more: Any) -> Draft:
        what = {"recipient_id": body.id, "purpose": Purpose.RESIDENCY_PLACEMENT, "urgency": Urgency.URGENT}
        return Draft(**{**what, "services": SERVICES, **more})

    def ready(self, body: Body, categories: Any = ALL, *, days: int = 90, **more: Any) -> Changed:
        """Bring a referral of a new case as far as ready."""
        case = self.do("open_case", self.mira, CONTENT)
        made = self.do("create", self.mira, self.draft(body, case_id=case.case_id, **more))
        asked = self.do(
            "request_consent",
            self.mira,
            made.referral_id,
            categories=categories,
            until=self.now.date() + timedelta(days=days),
        )
        return self.do("record_consent", self.mira, asked.consent_id, self.said(categories))

    def said(self, given: Any, **more: Any) -> Answered:
        what = {
            "given": given,
            "channel": ConsentChannel.ENCRYPTED_MESSAGE,
            "wording_version": "2026-11",
            "language": "ar",
            "basis": LegalBasis.ART9_2_A,
        }
        return Answered(**{**what, **more})

    def sent(self, body: Body, categories: Any = ALL, **more: Any) -> Changed:
        made = self.ready(body, categories, **more)
        return self.do("send", self.lena, made.referral_id)

    def received(self, body: Body, categories: Any = ALL, **more: Any) -> Changed:
        """Bring one as far as received: the attempt is claimed, and its receipt comes back."""
        made = self.sent(body, categories, **more)
        self.deliver(made.referral_id, body)
        assert self.state(made.referral_id) is ReferralState.RECEIVED
        return made

    # ---- The worker, in slow motion ----------------------------------------------------------------------------------

    def waiting(self, referral_id: UUID, topic: Topic | None = None) -> list[Any]:
        query = select(HANDOFF).where(HANDOFF.c.referral_id == referral_id, HANDOFF.c.state == DeliveryState.WAITING)
        query = query.order_by(HANDOFF.c.created_at, HANDOFF.c.id)
        with self.engine.connect() as connection:
            rows = connection.execute(query).all()
        return [row for row in rows if topic in {None, row.topic}]

    @staticmethod
    def claimed(row: Any, *, doubtful: bool = False) -> Claimed:
        return Claimed(
            id=row.id,
            referral_id=row.referral_id,
            packet_id=row.packet_id,
            event_id=row.event_id,
            attempt=1,
            doubtful=doubtful,
        )

    def claim(self, row: Any) -> Any:
        """Claim one: what may leave, or why not; settled in the same transaction, as the worker does."""
        with self.engine.begin() as connection:
            found = self.handlers[Topic(row.topic)].claim(connection, self.claimed(row), self.now)
            if isinstance(found, Stopped):
                values = {"state": DeliveryState.STOPPED, "settled_at": self.now, "last_error": found.reason}
                connection.execute(update(HANDOFF).where(HANDOFF.c.id == row.id).values(values))
        return found

    def settle(self, row: Any, result: Any) -> None:
        with self.engine.begin() as connection:
            self.handlers[Topic(row.topic)].delivered(connection, self.claimed(row), result, self.now)
            connection.execute(update(HANDOFF).where(HANDOFF.c.id == row.id).values(state=DeliveryState.DELIVERED))

    def give_up(self, row: Any, code: str) -> None:
        with self.engine.begin() as connection:
            self.handlers[Topic(row.topic)].failed(connection, self.claimed(row), code, self.now)
            connection.execute(update(HANDOFF).where(HANDOFF.c.id == row.id).values(state=DeliveryState.REFUSED))

    def deliver(self, referral_id: UUID, body: Body, *, receipt: bool = True) -> str:
        """Deliver the packet that waits; give it."""
        (row,) = self.waiting(referral_id, Topic.PACKET)
        attempt = self.claim(row)
        assert not isinstance(attempt, Stopped), attempt
        self.settle(row, self.receipt(body, attempt.packet) if receipt else None)
        return attempt.packet

    def brought(self, referral_id: UUID, topic: Topic) -> list[dict[str, Any]]:
        """Deliver what waits of a topic, and give the claims of what was signed."""
        told = []
        for row in self.waiting(referral_id, topic):
            attempt = self.claim(row)
            if isinstance(attempt, Stopped):
                continue
            told.append(unchecked(attempt.answer if topic is Topic.ANSWER else attempt.stop))
            self.settle(row, None)
        return sorted(told, key=lambda each: each["number"])

    # ---- The other side ----------------------------------------------------------------------------------------------

    def read(self, body: Body, token: str) -> wire.Read[Any]:
        """Read a token of a partner as the door does."""
        peer = peer_from(body.me.issuer, public_jwks(body.me))
        letter = wire.open_letter(token, self.me)
        return wire.read_message(replace(letter, sealed=True), peer, self.me, now=self.now)

    def take_in(self, body: Body, token: str) -> Any:
        with self.engine.begin() as connection:
            return self.inbound.take_in(connection, self.read(body, token), body.id, self.now)

    def receipt_token(self, body: Body, packet: str, **more: Any) -> str:
        held = wire.Read(msgspec.convert(unchecked(packet), Packet), packet)
        return wire.sign_receipt(held, body.me, now=self.now, **more)

    def receipt(self, body: Body, packet: str, **more: Any) -> wire.Read[Receipt]:
        return self.read(body, self.receipt_token(body, packet, **more))

    def digest(self, packet: str) -> bytes:
        return sha256(packet.encode()).digest()

    def certificate(self, body: Body, handoff: UUID, number: int) -> str:
        stop = wire.make_withdrawal(
            self.me, body.me.issuer, handoff=handoff, number=number, at=self.now, cause="withdrawn", now=self.now
        )
        held = wire.Read(msgspec.convert(unchecked(stop), Withdrawal), stop)
        return wire.sign_certificate(held, body.me, answer="deleted", at=self.now, now=self.now)

    def answer(self, body: Body, referral_id: UUID, number: int, event: str, state: str, **more: Any) -> str:
        what = {"handoff": str(referral_id), "number": number, "seen": 0, "event": event, "state": state, "at": 1}
        base = {"iss": body.me.issuer, "aud": self.me.issuer, "jti": str(uuid4()), "iat": 0, "exp": 1}
        message = msgspec.convert(base | what | more, Answer)
        fields = {name: getattr(message, name) for name in what | more}
        return wire.make_answer(body.me, self.me.issuer, now=self.now, **fields)

    def tells(self, body: Body, referral_id: UUID, number: int, event: str, state: str, **more: Any) -> Any:
        return self.take_in(body, self.answer(body, referral_id, number, event, state, **more))

    def stop(self, body: Body, handoff: UUID, number: int = 1, cause: Any = "withdrawn", keep: Any = ()) -> str:
        return wire.make_withdrawal(
            body.me, self.me.issuer, handoff=handoff, number=number, at=self.now, cause=cause, now=self.now, keep=keep
        )

    def packet(self, body: Body, handoff: UUID | None = None, *, version: int = 1, **more: Any) -> str:
        """Make a packet of a partner's own."""
        content = more.pop("content", None) or {
            "case": {"languages": ["ar"], "support": ["residency"], "urgency": "urgent"},
            "identity": {"legal_name": NAME, "names": [PEN_NAME]},
            "risk": {"claim": PRISON, "samples": [{"title": TITLE}]},
        }
        terms = {"categories": list(content), "until": str(date(2027, 1, 31)), "basis": "art9_2_a"}
        envelope = {"purpose": "residency_placement", "urgency": "urgent", "services": ["residency"]}
        return wire.make_packet(
            body.me,
            self.me.issuer,
            handoff=handoff or uuid4(),
            version=version,
            envelope=msgspec.convert(envelope | more.pop("envelope", {}), Envelope),
            terms=msgspec.convert(terms | more.pop("terms", {}), Terms),
            form=as_own(content),
            now=self.now,
            until=self.now + timedelta(days=60),
            **more,
        )

    def fetched(self, body: Body, referral_id: UUID) -> str | None:
        with self.engine.begin() as connection:
            try:
                return for_fetching(connection, self.office, referral_id, body.id, self.now)
            except NotFound:
                return None

    # ---- Looking -----------------------------------------------------------------------------------------------------

    def row(self, referral_id: UUID) -> Any:
        with self.engine.connect() as connection:
            return connection.execute(select(REFERRAL).where(REFERRAL.c.id == referral_id)).one()

    def state(self, referral_id: UUID) -> ReferralState:
        return self.row(referral_id).state

    def states(self) -> dict[UUID, ReferralState]:
        with self.engine.connect() as connection:
            return {row.id: row.state for row in connection.execute(select(REFERRAL))}

    def consent(self, consent_id: UUID) -> Any:
        with self.engine.connect() as connection:
            return connection.execute(select(CONSENT).where(CONSENT.c.id == consent_id)).one()

    def events(self, referral_id: UUID) -> list[Any]:
        with self.engine.connect() as connection:
            query = select(EVENT).where(EVENT.c.referral_id == referral_id).order_by(EVENT.c.number)
            return list(connection.execute(query).all())

    def kinds(self, referral_id: UUID) -> list[str]:
        return [row.kind.value for row in self.events(referral_id)]

    def packet_text(self, referral_id: UUID) -> str:
        with self.engine.connect() as connection:
            query = select(PACKET).where(PACKET.c.referral_id == referral_id).order_by(PACKET.c.version.desc())
            return verbatim(connection, self.office, connection.execute(query).first())

    def everything(self) -> str:
        """Read every column of every table, as a thief of the database would."""
        with self.engine.connect() as connection:
            names = connection.exec_driver_sql(
                "select table_name from information_schema.tables where table_schema = 'public'"
            ).scalars()
            rows = [
                str(row)
                for name in names.all()
                for row in connection.exec_driver_sql(f'select to_jsonb(t)::text from "{name}" t').scalars()
            ]
        text = "\n".join(rows)
        signed = [urlsafe_b64decode(each + "===").decode() for each in re.findall(r"eyJ[\w-]+\.(eyJ[\w-]+)\.", text)]
        return "\n".join([text, *signed])

    def leaks(self) -> list[str]:
        """Name what was planted and lies in the open: as text, as bytes, or within a signed token."""
        everything = self.everything()
        return [word for word in PLANTED if word in everything or word.encode().hex() in everything]
