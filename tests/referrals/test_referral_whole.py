"""The whole hub, its worker, its doors and a real partner: handed over, helped, closed; and taken back."""

import asyncio
from uuid import UUID

import pytest
from joserfc.jwk import ECKey
from sqlmodel import Session

from hub.auth import registry as clients
from hub.auth.registry import NewClient
from hub.clock import SystemClock
from hub.delivery.inbound import Exchange
from hub.delivery.outbox import HandoffOutbox
from hub.partners import registry
from hub.referrals.exchange import Arriving, Serving
from hub.referrals.handing import handlers
from hub.referrals.office import Office
from hub.referrals.service import Referrals
from hub.settings import ClientKeys, PartnerPlaces
from schema.tables.oauth import ClientKind
from schema.vocabulary import AccessScope, ClosingReason, ReferralState
from tests.delivery.exchanging import _Hub, serving
from tests.sandbox.sandbox_process import Sandbox, until

S = ReferralState
QUICK = {"take_seconds": 0.05, "decide_seconds": 0.05, "start_seconds": 0.05, "outcome_seconds": 0.05}


@pytest.fixture
async def whole(town, facts_database, tmp_path):
    def exchange(partners):
        town.office = Office(vault=town.vault, me=partners.me, outbox=HandoffOutbox(), partner_of=partners.partner_of)
        town.referrals = Referrals(town.office)
        return Exchange(handlers(town.office), Arriving(town.office, SystemClock()), Serving(town.office))

    settings = {
        "root_key_file": tmp_path / "root.key",
        "partner_places": PartnerPlaces.LOOPBACK,
        "client_keys": ClientKeys.LOOPBACK,
    }
    key = ECKey.generate_key("P-256")
    town.clock.instant = SystemClock().now()
    with serving(settings, facts_database, exchange=exchange) as url:
        with Session(town.engine) as session, session.begin():
            public = key.as_dict(private=False) | {"kid": key.thumbprint(), "use": "sig", "alg": "ES256"}
            new = NewClient(
                name="sandbox",
                id="sandbox",
                kind=ClientKind.MACHINE,
                body="pen-international",
                scopes=(AccessScope.REFERRAL_RECEIVE,),
                jwks={"keys": [public]},
            )
            clients.create(session, new, now=SystemClock().now(), loopback=True)
        hub = _Hub()
        hub.client_key, hub.issuer = key, url
        sandbox = Sandbox(tmp_path / "books", "pen_international", hub, behaviour=QUICK)
        await sandbox.start()
        with town.engine.begin() as connection:
            registry.add(
                connection,
                "pen-international",
                network_name="pen_international",
                issuer=sandbox.url,
                base=sandbox.url,
                jwks_uri=f"{sandbox.url}/jwks",
                pins=(),
                capabilities=None,
                now=SystemClock().now(),
                loopback=True,
            )
        yield town, sandbox
        sandbox.stop()


async def test_handed_over_helped_closed(whole):
    town, sandbox = whole
    made = await asyncio.to_thread(town.sent, town.pen)
    await until(lambda: town.state(made.referral_id) is S.OUTCOME_REPORTED, seconds=40)
    await asyncio.to_thread(town.do, "confirm_outcome", town.mira, made.referral_id)
    await until(lambda: sandbox.books("answer_in", made.referral_id))
    assert town.leaks() == []


async def test_taken_back(whole):
    town, sandbox = whole
    made = await asyncio.to_thread(town.sent, town.pen)
    await until(lambda: sandbox.books("packet", made.referral_id))
    await asyncio.to_thread(town.do, "withdraw", town.mira, made.referral_id, reason=ClosingReason.ERROR)
    await until(lambda: town.events(made.referral_id)[-1].note == "deleted", seconds=30)


@pytest.mark.parametrize("submit", [False, True], ids=["by notice", "by packet"])
async def test_comes_in(whole, submit):
    town, sandbox = whole
    told = await sandbox.control("send", submit=submit)
    handoff = UUID(told["handoff"])
    await until(lambda: town.states().get(handoff) is S.RECEIVED, seconds=30)
    await asyncio.to_thread(town.do, "take", town.mira, handoff)
    await asyncio.to_thread(town.do, "accept", town.mira, handoff)
    await until(lambda: sandbox.books("answer_in", handoff))
    await sandbox.control("withdraw", handoff=str(handoff))
    await until(lambda: town.state(handoff) is S.WITHDRAWN, seconds=30)
    assert await sandbox.books("certificate_in", handoff)
