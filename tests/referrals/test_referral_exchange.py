"""What partners' systems read, and a whole handoff with a partner that is a process of its own."""

import asyncio
from uuid import UUID, uuid4

import pytest
from referrals_town import HANDOFF, Rows, Town
from sqlalchemy import update
from starlette.responses import Response

from connectors import handoff as wire
from connectors.errors import Uncertain
from connectors.messages import Status
from connectors.protocol import Capability
from connectors.transports.https import JOSE
from hub.clock import SystemClock
from hub.delivery.ports import Stopped, Topic
from hub.referrals.exchange import Arriving, Serving
from hub.referrals.handing import handlers
from hub.referrals.office import Office
from hub.referrals.service import Referrals
from schema.tables.referrals import DeliveryState
from schema.vocabulary import ClosingReason, ReferralState
from tests.sandbox.counterpart import Counterpart, counterpart
from tests.sandbox.sandbox_process import Sandbox, until

S = ReferralState
QUICK = {"take_seconds": 0.05, "decide_seconds": 0.05, "start_seconds": 0.05, "outcome_seconds": 0.05}


# ---- What our books say ----------------------------------------------------------------------------------------------


def status(town, body, referral_id):
    with town.engine.begin() as connection:
        return Serving(town.office).status(connection, body.id, referral_id, town.now)


def signed(town, body, referral_id):
    """Sign it as the door does: it must fit the form."""
    token = wire.sign_status(
        town.me, body.me.issuer, now=town.now, handoff=referral_id, known=True, **status(town, body, referral_id)
    )
    return wire.unchecked(token)


def test_our_books_are_told_to_the_other_side_alone_and_only_of_what_left(town):
    made = town.sent(town.pen)
    assert status(town, town.pen, made.referral_id) is None
    packet = town.deliver(made.referral_id, town.pen)
    assert status(town, town.sar, made.referral_id) is None
    assert status(town, town.pen, uuid4()) is None
    town.tells(town.pen, made.referral_id, 1, "take", "in_review")
    said = signed(town, town.pen, made.referral_id)
    assert (said["state"], said["version"], said["seen"]) == ("in_review", 1, 1)
    assert said["digest"] == wire.digest(packet)
    assert "receipt" not in said


def test_of_what_came_in_they_hold_the_receipt_and_then_the_certificate(town):
    token = town.packet(town.pen)
    handoff = UUID(wire.unchecked(token)["handoff"])
    town.take_in(town.pen, token)
    said = signed(town, town.pen, handoff)
    assert said["digest"] == wire.digest(token)
    assert wire.unchecked(said["receipt"])["digest"] == wire.digest(token)
    town.take_in(town.pen, town.stop(town.pen, handoff))
    said = signed(town, town.pen, handoff)
    assert (said["state"], said.get("version", 0)) == ("withdrawn", 0)
    assert wire.unchecked(said["certificate"])["answer"] == "deleted"
    assert set(said) <= set(Status.__struct_fields__)


def test_a_doubtful_attempt_asks_first(town):
    made = town.sent(town.pen)
    (row,) = town.waiting(made.referral_id, Topic.PACKET)
    with town.engine.begin() as connection:
        claimed = town.claimed(row, doubtful=True)
        attempt = town.handlers[Topic.PACKET].claim(connection, claimed, town.now)
    assert attempt.doubtful


# ---- With a real partner ---------------------------------------------------------------------------------------------


class Desk(Counterpart):
    """The hub's side of the wire, with the referrals' own services behind the inbox."""

    town: Town
    body: UUID

    async def _take(self, read):
        def work():
            with self.town.engine.begin() as connection:
                return Arriving(self.town.office, SystemClock()).receive(connection, self.body, read)

        token = await asyncio.to_thread(work)
        return Response(token, media_type=JOSE) if token else Response(status_code=202)


@pytest.fixture
async def desk(town, tmp_path):
    async with counterpart(Desk) as hub:
        sandbox = Sandbox(tmp_path / "books", "pen_international", hub, behaviour=QUICK)
        await sandbox.start()
        # It takes packets as they are: what is fetched is served by another room.
        hub.speak_with("pen_international", sandbox.port, capabilities=frozenset(Capability) - {Capability.NOTICE})
        hub.town, hub.body = town, town.pen.id
        town.clock.instant = SystemClock().now()
        town.me = hub.me
        town.office = Office(
            vault=town.vault, me=lambda: hub.me, outbox=Rows(), partner_of=lambda _body, _connection=None: hub.partner
        )
        town.referrals, town.handlers = Referrals(town.office), handlers(town.office)
        yield hub, sandbox
        sandbox.stop()


async def bring(town, referral_id, topic):
    """Bring all that waits of a topic, once each."""
    for row in town.waiting(referral_id, topic):
        attempt = town.claim(row)
        assert not isinstance(attempt, Stopped)
        town.settle(row, await attempt())


async def test_a_person_is_handed_to_a_real_partner_helped_and_the_loop_is_closed(town, desk):
    _, sandbox = desk
    made = town.sent(town.pen)
    await bring(town, made.referral_id, Topic.PACKET)
    await until(lambda: town.state(made.referral_id) is S.OUTCOME_REPORTED)
    assert town.kinds(made.referral_id)[3:] == ["send", "acknowledge", "take", "accept", "start", "report_outcome"]
    town.do("confirm_outcome", town.mira, made.referral_id)
    await bring(town, made.referral_id, Topic.ANSWER)
    (told,) = await sandbox.books("answer_in", made.referral_id)
    assert told["detail"]["event"] == "confirm"
    (packet,) = await sandbox.books("packet", made.referral_id)
    assert "risk.claim" in packet["detail"]["fields"]


async def test_a_withdrawal_reaches_a_real_partner_and_its_certificate_is_kept(town, desk):
    _, sandbox = desk
    made = town.sent(town.pen)
    await bring(town, made.referral_id, Topic.PACKET)
    town.do("withdraw", town.mira, made.referral_id, reason=ClosingReason.PERSON_WITHDREW)
    await bring(town, made.referral_id, Topic.STOP)
    assert town.events(made.referral_id)[-1].note == "deleted"
    assert [each["detail"]["cause"] for each in await sandbox.books("stop", made.referral_id)] == ["withdrawn"]


async def test_a_real_partner_hands_a_person_over_and_takes_it_back(town, desk):
    _, sandbox = desk
    told = await sandbox.control("send", submit=True)
    handoff = UUID(told["handoff"])

    await until(lambda: town.states().get(handoff) is S.RECEIVED)
    await asyncio.to_thread(town.do, "take", town.mira, handoff)
    await bring(town, handoff, Topic.ANSWER)
    await until(lambda: sandbox.books("answer_in", handoff))
    await sandbox.control("withdraw", handoff=str(handoff))
    await until(lambda: town.state(handoff) is S.WITHDRAWN)


async def test_a_doubtful_packet_is_not_sent_twice_to_a_real_partner(town, desk):
    _, sandbox = desk
    made = town.sent(town.pen)
    (row,) = town.waiting(made.referral_id, Topic.PACKET)
    await town.claim(row)()
    with town.engine.begin() as connection:
        connection.execute(update(HANDOFF).where(HANDOFF.c.id == row.id).values(state=DeliveryState.WAITING))
        claimed = town.claimed(row, doubtful=True)
        attempt = town.handlers[Topic.PACKET].claim(connection, claimed, town.now)
    receipt = await attempt()
    town.settle(row, receipt)
    assert town.kinds(made.referral_id).count("acknowledge") == 1
    assert len(await sandbox.books("packet", made.referral_id)) == 1


@pytest.mark.parametrize("trouble", ["forged", "500", "reset"])
async def test_a_doubt_that_cannot_be_asked_about_stays_one(town, desk, trouble):
    _, sandbox = desk
    made = town.sent(town.pen)
    (row,) = town.waiting(made.referral_id, Topic.PACKET)
    await town.claim(row)()
    await sandbox.control("fail_next", kind=trouble, where="/referrals/")
    with town.engine.begin() as connection:
        attempt = town.handlers[Topic.PACKET].claim(connection, town.claimed(row, doubtful=True), town.now)
    with pytest.raises(Uncertain):
        await attempt()
    assert (await attempt()).message.handoff == made.referral_id
    assert len(await sandbox.books("packet", made.referral_id)) == 1
