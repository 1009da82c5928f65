"""A hub that speaks with a sandbox partner: both real, on real sockets, with small inbound and packet services."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import uvicorn
from joserfc.jwk import ECKey
from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlmodel import Session

from connectors import handoff as wire
from connectors.handoff import Read
from connectors.messages import Message, Packet, Withdrawal
from connectors.networks import icorn
from connectors.signed import Reach, Token
from connectors.signing import Me, me_from
from hub.app import create_app
from hub.auth import registry as clients
from hub.auth.registry import NewClient
from hub.clock import SystemClock
from hub.delivery.inbound import Exchange, Partners
from hub.delivery.ports import Topic
from hub.partners import registry
from hub.referrals import FETCHABLE
from hub.settings import ClientKeys, PartnerPlaces, Settings
from hub.store import Database
from hub.web.connection import UVICORN
from schema.tables import AgreementRow, InboxMessageRow, ReferralRow
from schema.tables.base import table_of
from schema.tables.oauth import ClientKind
from schema.tables.referrals import InboxState
from schema.vocabulary import AccessScope, AgreementState, Category, Certainty, Purpose
from tests.delivery.world import Books, House, to_partner
from tests.sandbox.counterpart import now
from tests.sandbox.sandbox_process import Sandbox

NETWORK = "scholars_at_risk"
REFERRAL, INBOX = table_of(ReferralRow), table_of(InboxMessageRow)


class Inbound:
    """Takes in once what came, and answers the same again."""

    def __init__(self, partners: Partners) -> None:
        self.partners = partners

    def receive(self, connection: Connection, organisation_id: UUID, read: Read[Message]) -> str | None:
        message = read.message
        substance = wire.substance(message)
        key = {"issuer_id": organisation_id, "jti": str(message.jti)}
        known = connection.execute(select(INBOX.c.reason).filter_by(**key)).scalar_one_or_none()
        if not wire.already(known, wire.substance(message)):
            values = {
                "id": uuid4(),
                "body_hash": sha256(read.jws.encode()).digest(),
                "subject_id": uuid4(),
                "sealed": type(message).typ.encode(),
                "state": InboxState.QUARANTINED,
                "reason": substance,
                "received_at": now(),
            }
            connection.execute(upsert(INBOX).values(**key, **values).on_conflict_do_nothing())
        match message:
            case Packet():
                return wire.sign_receipt(Read(message, read.jws), self.partners.me(), now=now())
            case Withdrawal():
                stop = Read(message, read.jws)
                return wire.sign_certificate(stop, self.partners.me(), answer="deleted", at=now(), now=now())
            case _:
                return None


class Packets:
    """Serves packets from where the tests keep them."""

    def packet(self, connection: Connection, organisation_id: UUID, referral_id: UUID, now: Any) -> str | None:  # noqa: ARG002  # as the port
        query = text("select packet from sample_packet where referral = :id")
        row = self._theirs(connection, organisation_id, referral_id)
        if row is None or row.state not in FETCHABLE:
            return None
        return connection.execute(query, {"id": referral_id}).scalar_one_or_none()

    def status(self, connection: Connection, organisation_id: UUID, referral_id: UUID, now: Any) -> Any:  # noqa: ARG002  # as the port
        row = self._theirs(connection, organisation_id, referral_id)
        return None if row is None else {"state": row.state.value}

    @staticmethod
    def _theirs(connection: Connection, organisation_id: UUID, referral_id: UUID) -> Any:
        theirs = select(REFERRAL).where(REFERRAL.c.id == referral_id, REFERRAL.c.recipient_id == organisation_id)
        return connection.execute(theirs.with_for_update()).one_or_none()


@dataclass
class Pair:
    """The hub, and the partner that it knows."""

    url: str
    house: House
    sandbox: Sandbox
    partners: Partners
    engine: Engine

    @property
    def theirs(self) -> Me:
        """The partner's side of the wire, with its private keys."""
        keys = json.loads((self.sandbox.folder / "keys.json").read_text())
        return me_from(self.sandbox.url, keys)

    def speaking(self, me: Me | None = None, *, token: Token | None = None) -> icorn.Icorn:
        """Speak with the hub as the partner would, or as somebody else."""
        reach = Reach(issuer=self.url, base=self.url, jwks_uri=f"{self.url}/handoff/jwks", token=token, loopback=True)
        return icorn.Icorn(icorn.Settings(reach=reach), me or self.theirs, now=now)

    def came(self, kind: type[Message]) -> int:
        with self.engine.connect() as connection:
            found = select(INBOX.c.id).where(INBOX.c.sealed == kind.typ.encode())
            return len(connection.execute(found).all())


class _Hub:
    client_key: ECKey
    issuer: str


@contextmanager
def serving(settings: dict[str, Any], database: Database, **more: Any) -> Iterator[str]:
    """Serve a hub whose settings tell where it is."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        port = listening.getsockname()[1]
        app = create_app(Settings(port=port, **settings), database, **more)
        server = uvicorn.Server(uvicorn.Config(app, lifespan="on", **(UVICORN | {"timeout_graceful_shutdown": 1})))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.01)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def hub_and_partner(
    database: Database,
    engine: Engine,
    folder: Path,
    *,
    scopes: tuple = (AccessScope.REFERRAL_RECEIVE,),
    watch: Callable[[], float] = time.monotonic,
    **more: Any,
) -> Iterator[Pair]:
    """Serve a hub; the partner is not started, as it must know the hub first."""
    house, told = House(engine), []

    def exchange(partners: Partners) -> Exchange:
        told.append(partners)

        async def bring(claimed: Any) -> object:
            return await to_partner(partners.partner_of(house.bodies[1]), engine)(claimed)

        return Exchange({Topic.PACKET: Books(bring)}, Inbound(partners), Packets())

    settings = {
        "root_key_file": folder / "root.key",
        "partner_places": PartnerPlaces.LOOPBACK,
        "client_keys": ClientKeys.LOOPBACK,
    } | more
    key = ECKey.generate_key("P-256")
    with serving(settings, database, exchange=exchange, watch=watch) as url:
        with Session(engine) as session, session.begin():
            session.add(
                AgreementRow(
                    organisation_id=house.bodies[1],
                    state=AgreementState.IN_FORCE,
                    categories=list(Category),
                    purposes=list(Purpose),
                    certainty=Certainty.SYNTHETIC,
                )
            )
            public = key.as_dict(private=False) | {"kid": key.thumbprint(), "use": "sig", "alg": "ES256"}
            new = NewClient(
                name="sandbox",
                id="sandbox",
                kind=ClientKind.MACHINE,
                body="partner",
                scopes=scopes,
                jwks={"keys": [public]},
            )
            clients.create(session, new, now=SystemClock().now(), loopback=True)
        hub = _Hub()
        hub.client_key, hub.issuer = key, url
        sandbox = Sandbox(folder / "books", NETWORK, hub)
        try:
            yield Pair(url, house, sandbox, told[0], engine)
        finally:
            sandbox.stop()


async def started(pair: Pair, **behaviour: Any) -> None:
    """Start the partner and register it."""
    await pair.sandbox.start()
    if behaviour:
        await pair.sandbox.control("behave", **behaviour)
    with pair.engine.begin() as connection:
        registry.add(
            connection,
            "partner",
            network_name=NETWORK,
            issuer=pair.sandbox.url,
            base=pair.sandbox.url,
            jwks_uri=f"{pair.sandbox.url}/jwks",
            pins=(),
            capabilities=None,
            now=SystemClock().now(),
            loopback=True,
        )
