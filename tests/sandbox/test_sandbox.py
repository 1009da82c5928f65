"""The sandbox partner against the hub's side of the wire: real processes, real sockets, bad days."""

import asyncio
import random
from uuid import UUID, uuid4

import httpx
import pytest

from connectors import handoff as wire
from connectors.errors import ConnectorError, Refused, Throttled, Unauthorized, Unavailable, Uncertain
from connectors.messages import Certificate, Packet, Withdrawal
from connectors.signing import Me, new_keys, unchecked
from tests.sandbox.counterpart import CONTENT, counterpart, now
from tests.sandbox.sandbox_process import Sandbox, until

QUICK = {"take_seconds": 0.05, "decide_seconds": 0.05, "start_seconds": 0.05, "outcome_seconds": 0.05}


@pytest.fixture(params=["scholars_at_risk", "pen_international"])
async def both(request, tmp_path):
    async for pair in running(tmp_path, request.param):
        yield pair


@pytest.fixture
async def pair(tmp_path):
    async for pair in running(tmp_path, "scholars_at_risk"):
        yield pair


async def running(folder, network):
    async with counterpart() as hub:
        sandbox = Sandbox(folder / "books", network, hub, behaviour=QUICK)
        await sandbox.start()
        hub.speak_with(network, sandbox.port, timeout_seconds=4)
        yield hub, sandbox
        sandbox.stop()


def id_of(packet):
    return UUID(unchecked(packet)["handoff"])


async def delivered(hub, packet, *, tries=60):
    """Send as the hub's worker will: again when nothing was done, asking first when that is not known."""
    for _ in range(tries):
        try:
            receipt = await hub.partner.send(packet)
        except Uncertain:
            try:
                held = await hub.partner.held(await hub.partner.status(id_of(packet)), packet)
            except ConnectorError:
                continue
            if held is not None:
                return held
        except (Unavailable, Throttled):
            await asyncio.sleep(0.02)
        else:
            if receipt is not None:
                return receipt
            await until(lambda: hub.receipts(id_of(packet)))
            return hub.receipts(id_of(packet))[0]
    raise AssertionError("it was not delivered")


async def closed(hub, handoff):
    await until(lambda: [each.event for each in hub.answers(handoff)][-1:] == ["report_outcome"])


async def test_a_person_is_handed_over_received_taken_up_and_helped(both):
    hub, sandbox = both
    packet = hub.new_packet()
    receipt = await hub.partner.send(packet)
    assert receipt.message.digest == wire.Read(None, packet).digest
    await closed(hub, id_of(packet))
    answers = hub.answers(id_of(packet))
    assert [each.event for each in answers] == ["take", "accept", "start", "report_outcome"]
    assert [each.state for each in answers] == ["in_review", "accepted", "in_progress", "outcome_reported"]
    decoded = hub.partner.decode_answer(answers[-1])
    assert decoded.reason in {"helped_as_asked", "opinion_given"}
    assert not decoded.unmapped
    (taken,) = await sandbox.books("packet", id_of(packet))
    told = {*taken["detail"]["fields"], *taken["detail"]["unmapped"]}
    assert told >= {f"{category}.{name}" for category, fields in CONTENT.items() for name in fields}
    assert len(hub.fetched) == 1
    assert (await hub.partner.status(id_of(packet))).message.state == "outcome_reported"


async def test_a_partner_may_decline_in_its_own_words(pair):
    hub, sandbox = pair
    await sandbox.control("behave", decision="decline", decline_reason="no host available")
    packet = hub.new_packet()
    await hub.partner.send(packet)
    await until(lambda: len(hub.answers(id_of(packet))) == 2)
    answer = hub.answers(id_of(packet))[-1]
    assert (answer.event, answer.reason) == ("decline", "no host available")
    assert hub.partner.decode_answer(answer).reason == "no_capacity"
    assert {each.reason for each in hub.partner.decode_answer(answer).services} == {"no_capacity"}


async def test_a_receipt_may_come_later(pair):
    hub, sandbox = pair
    await sandbox.control("behave", receipt="push")
    packet = hub.new_packet()
    assert await hub.partner.send(packet) is None
    await until(lambda: hub.receipts(id_of(packet)))
    assert hub.receipts(id_of(packet))[0].digest == wire.Read(None, packet).digest


async def test_a_packet_may_be_submitted_and_updated(pair):
    hub, sandbox = pair
    packet = hub.new_packet()
    assert (await hub.partner.submit(packet)).message.version == 1
    again = hub.new_packet(version=2, handoff=id_of(packet))
    assert (await hub.partner.send(again)).message.version == 2
    assert [entry["detail"]["version"] for entry in await sandbox.books("packet", id_of(packet))] == [1, 2]


@pytest.mark.parametrize("kind", ["reset", "timeout", "500", "503", "429", "slow", "lost", "failed", "forged"])
async def test_each_bad_day_is_survived_and_nothing_is_done_twice(pair, kind):
    hub, sandbox = pair
    await sandbox.control("fail_next", kind=kind, where="/inbox")
    packet = hub.new_packet()
    error = None
    try:
        await hub.partner.send(packet)
    except ConnectorError as raised:
        error = type(raised)
    wanted = {"503": Unavailable, "429": Throttled, "slow": type(None)}.get(kind, Uncertain)
    assert (error or type(None)) is wanted
    await delivered(hub, packet)
    await closed(hub, id_of(packet))
    assert len(await sandbox.books("packet", id_of(packet))) == 1
    assert [each.event for each in hub.answers(id_of(packet))] == ["take", "accept", "start", "report_outcome"]


@pytest.mark.parametrize("kind", ["duplicate", "late", "forged_answer"])
async def test_answers_that_come_twice_late_or_forged_do_no_harm(pair, kind):
    hub, sandbox = pair
    await sandbox.control("trouble", seconds=0.2)
    await sandbox.control("fail_next", kind=kind, count=2)
    packet = hub.new_packet()
    await hub.partner.send(packet)
    await closed(hub, id_of(packet))
    assert [each.number for each in hub.answers(id_of(packet))] == [1, 2, 3, 4]
    if kind == "forged_answer":
        assert hub.refused == ["unauthorized"] * 2
    else:
        await until(lambda: hub.copies == 2)


async def test_a_partner_goes_on_when_the_hub_listens_again(pair):
    hub, sandbox = pair
    packet = hub.new_packet()
    hub.deaf = True
    await hub.partner.send(packet)
    await until(lambda: sandbox.books("bring_failed", id_of(packet)))
    assert not hub.answers(id_of(packet))
    hub.deaf = False
    await closed(hub, id_of(packet))


async def test_a_partner_that_cannot_fetch_at_once_fetches_and_confirms_later(pair):
    hub, sandbox = pair
    packet = hub.new_packet()
    hub.down = True
    assert await hub.partner.send(packet) is None
    assert await sandbox.books("fetch_failed", id_of(packet))
    assert (await hub.partner.status(id_of(packet))).message.receipt is None
    hub.down = False
    await until(lambda: hub.receipts(id_of(packet)))
    assert hub.receipts(id_of(packet))[0].digest == wire.Read(None, packet).digest
    assert len(await sandbox.books("packet", id_of(packet))) == 1


async def test_a_partner_gives_up_when_the_packet_is_gone(pair):
    hub, sandbox = pair
    packet = hub.new_packet()
    hub.open.clear()
    assert await hub.partner.send(packet) is None
    await asyncio.sleep(0.5)
    assert len(await sandbox.books("fetch_failed", id_of(packet))) == 1
    assert not await sandbox.books("packet", id_of(packet))
    assert not hub.fetched


async def test_a_withdrawal_ends_it_and_is_certified(pair):
    hub, sandbox = pair
    await sandbox.control("behave", take_seconds=30)
    packet = hub.new_packet()
    await hub.partner.send(packet)
    handoff = id_of(packet)

    def stop():
        return wire.make_withdrawal(
            hub.me, sandbox.url, handoff=handoff, number=1, at=AT, cause="consent_revoked", now=now()
        )

    assert (await hub.partner.withdraw(stop())).message.answer == "deleted"
    assert (await hub.partner.withdraw(stop())).message.stop == 1
    status = (await hub.partner.status(handoff)).message
    assert (status.state, status.receipt) == ("consent_revoked", None)
    assert status.certificate
    with pytest.raises(Refused):
        await hub.partner.send(packet)
    (row,) = (await sandbox.control("handoffs"))["handoffs"]
    assert row["packet"] is None
    assert len(await sandbox.books("stop", handoff)) == 1
    assert len(hub.fetched) == 1


AT = now()


async def test_a_narrowed_consent_cuts_what_is_held_and_goes_on(pair):
    hub, sandbox = pair
    await sandbox.control("behave", take_seconds=-1)
    packet = hub.new_packet()
    await hub.partner.send(packet)
    handoff = id_of(packet)
    stop = wire.make_withdrawal(
        hub.me, sandbox.url, handoff=handoff, number=1, at=AT, cause="consent_narrowed", keep=("case",), now=now()
    )
    assert (await hub.partner.withdraw(stop)).message.answer == "deleted"
    status = (await hub.partner.status(handoff)).message
    assert (status.state, status.receipt, status.seen) == ("received", None, 1)
    assert len(hub.fetched) == 1
    cut = hub.new_packet(version=2, handoff=handoff, content={"case": CONTENT["case"]})
    assert (await hub.partner.send(cut)).message.version == 2
    last = (await sandbox.books("packet", handoff))[-1]["detail"]
    assert {name.partition(".")[0] for name in last["fields"]} == {"case"}


async def test_a_certificate_may_come_later(pair):
    hub, sandbox = pair
    await sandbox.control("behave", take_seconds=-1, certificate="push")
    packet = hub.new_packet()
    await hub.partner.send(packet)
    stop = wire.make_withdrawal(
        hub.me, sandbox.url, handoff=id_of(packet), number=1, at=AT, cause="withdrawn", now=now()
    )
    assert await hub.partner.withdraw(stop) is None
    await until(lambda: any(isinstance(each, Certificate) for each in hub.taken[id_of(packet)]))


async def test_a_withdrawal_that_overtakes_its_notice_keeps_it_out(pair):
    hub, sandbox = pair
    packet = hub.new_packet()
    stop = wire.make_withdrawal(
        hub.me, sandbox.url, handoff=id_of(packet), number=1, at=AT, cause="withdrawn", now=now()
    )
    await hub.partner.withdraw(stop)
    with pytest.raises(Refused):
        await hub.partner.send(packet)
    assert not hub.fetched


async def test_something_else_under_the_same_id_is_refused(pair):
    hub, _ = pair
    packet = hub.new_packet()
    await hub.partner.send(packet)
    other = hub.new_packet(handoff=id_of(packet))
    with pytest.raises(Refused) as refused:
        await hub.partner.send(other)
    assert refused.value.facts["problem"] == "reused"


async def test_a_partner_hands_a_person_over_to_the_hub(both):
    hub, sandbox = both
    for submit in (False, True):
        handoff = UUID((await sandbox.control("send", submit=submit, content=CONTENT))["handoff"])
        await until(lambda handoff=handoff: hub.taken[handoff])
        (packet,) = (each for each in hub.taken[handoff] if isinstance(each, Packet))
        decoded = hub.partner.decode(packet.form)
        assert decoded.content["identity"]["legal_name"] == "Made Up"
        await until(lambda handoff=handoff: sandbox.books("receipt_in", handoff))
        assert bool(await sandbox.books("served", handoff)) is not submit
        for number, event, state in [
            (1, "take", "in_review"),
            (3, "report_outcome", "outcome_reported"),
            (2, "start", "in_progress"),
        ]:
            answer = wire.make_answer(
                hub.me,
                sandbox.url,
                now=now(),
                handoff=handoff,
                number=number,
                seen=0,
                event=event,
                state=state,
                at=int(now().timestamp()),
            )
            await hub.partner.tell(answer)
        await until(lambda handoff=handoff: hub.answers(handoff))
        assert [each.event for each in hub.answers(handoff)] == ["confirm"]
        assert (await hub.partner.status(handoff)).message.state == "closed"


async def test_a_partner_takes_its_own_back(pair):
    hub, sandbox = pair
    handoff = UUID((await sandbox.control("send"))["handoff"])
    await until(lambda: sandbox.books("receipt_in", handoff))
    await sandbox.control("withdraw", handoff=str(handoff))
    await until(lambda: isinstance(hub.by_number.get((handoff, 1)), Withdrawal))
    await until(lambda: sandbox.books("certificate_in", handoff))
    with pytest.raises(Refused):
        await hub.partner.fetch(handoff)


async def test_what_a_partner_could_not_bring_can_be_asked_for(pair):
    hub, _ = pair
    hub.deaf = True
    packet = hub.new_packet()
    await hub.partner.send(packet)

    async def told():
        return len((await hub.partner.inbox()).messages) == 4

    await until(told)
    first = await hub.partner.inbox()
    assert [read.message.event for read in first.messages] == ["take", "accept", "start", "report_outcome"]
    assert (await hub.partner.inbox(first.cursor)).messages == ()


async def test_health_and_openings_are_told(pair):
    hub, _ = pair
    assert (await hub.partner.health()).accepts
    assert (await hub.partner.openings()).message.openings[0].places == 2


async def test_strangers_are_told_nothing(pair):
    hub, sandbox = pair
    packet = hub.new_packet()
    await hub.partner.send(packet)
    async with httpx.AsyncClient() as client:
        for path in (
            f"/referrals/{id_of(packet)}/status",
            f"/referrals/{id_of(packet)}/packet",
            "/outbox",
            "/openings",
        ):
            assert (await client.get(sandbox.url + path)).status_code == 401
        url = f"{sandbox.url}/openings"
        signed = wire.sign_request(hub.me, sandbox.url, method="GET", url=url, now=now())
        answers = [await client.get(url, headers={"authorization": f"Signed {signed}"}) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 401]
    assert (await hub.partner.status(uuid4())).message.known is False


async def test_kills_at_any_instant_lose_and_double_nothing(pair):
    hub, sandbox = pair
    await sandbox.control("behave", **dict.fromkeys(QUICK, 0.2))
    chance = random.Random(3)  # noqa: S311  # no secret
    packets = [hub.new_packet() for _ in range(12)]
    sending = [asyncio.create_task(delivered(hub, packet, tries=2000)) for packet in packets]
    for _ in range(3):
        await asyncio.sleep(chance.uniform(0.15, 0.5))
        sandbox.kill()
        await sandbox.start()
    await asyncio.gather(*sending)
    for packet in packets:
        await until(lambda packet=packet: len(hub.answers(id_of(packet))) == 4)
        assert len(await sandbox.books("packet", id_of(packet))) == 1


async def test_a_seeded_rate_of_bad_days_loses_and_doubles_nothing(pair):
    hub, sandbox = pair
    kinds = ["reset", "500", "503", "lost", "failed", "forged", "duplicate", "late", "forged_answer"]
    await sandbox.control("rate", rate=0.3, seed=5, kinds=kinds)
    packets = [hub.new_packet() for _ in range(10)]
    for packet in packets:
        await delivered(hub, packet)
    for packet in packets:
        await closed(hub, id_of(packet))
        assert len(await sandbox.books("packet", id_of(packet))) == 1
        assert [each.number for each in hub.answers(id_of(packet))] == [1, 2, 3, 4]
    assert sum((await sandbox.control("trouble"))["met"].values()) > 5


async def test_a_signature_of_somebody_else_is_refused(pair):
    hub, sandbox = pair
    true = hub.me
    packet = hub.new_packet()
    forger = new_keys(hub.issuer)
    hub.partner._me = Me(hub.issuer, true.kid, forger.key, true.unsealing)  # noqa: SLF001  # a forger in our place
    with pytest.raises(Unauthorized):
        await hub.partner.send(packet)
    assert not await sandbox.books("notice")
