"""Hub and sandbox partner hand persons over to each other, over real HTTP; and who may not come in does not."""

import json
from datetime import date, timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from databases import admin
from sqlalchemy import update
from sqlmodel import Session

from connectors import handoff as wire
from connectors.errors import ConnectorError, Refused, Unauthorized, Unsupported
from connectors.messages import Answer, Envelope, Notice, Packet, Terms
from connectors.signed import Token
from connectors.signing import new_keys, peer_from, seal, unchecked
from hub.auth import registry as clients
from hub.partners import registry
from hub.referrals import FETCHABLE
from schema.tables import PartnerRow
from schema.tables.base import table_of
from schema.tables.referrals import DeliveryState
from schema.vocabulary import AccessScope, ReferralState
from tests.delivery.exchanging import REFERRAL, hub_and_partner, started
from tests.sandbox.counterpart import CONTENT, now
from tests.sandbox.sandbox_process import until

JOSE = {"content-type": "application/jose"}


@pytest.fixture
async def pair(database, engine, tmp_path):
    with hub_and_partner(database, engine, tmp_path) as pair:
        await started(pair, take_seconds=0.05, decide_seconds=0.05, start_seconds=0.05, outcome_seconds=0.05)
        yield pair


def packet_for(pair, referral: UUID) -> str:
    me, partner = pair.partners.me(), pair.partners.partner_of(pair.house.bodies[1])
    return wire.make_packet(
        me,
        pair.sandbox.url,
        handoff=referral,
        version=1,
        envelope=Envelope(purpose="assessment", urgency="urgent", services=("assessment",)),
        terms=Terms(categories=("case", "identity", "risk"), until=date(2030, 1, 1), basis="art9_2_a"),
        form=partner.encode(CONTENT),
        now=now(),
        until=now() + timedelta(days=30),
    )


def handed(pair) -> tuple[UUID, UUID]:
    """Hand a person over to the partner; give referral and delivery."""
    referral = uuid4()
    return referral, pair.house.send(now=now(), id_=referral, packet=packet_for(pair, referral))


def answer_of(pair, me=None, **more) -> str:
    told = {"handoff": uuid4(), "number": 1, "seen": 1, "event": "take", "state": "in_review", "at": 1}
    return wire.make_answer(me or pair.theirs, pair.url, now=now(), **(told | more))


async def post(pair, body, headers=JOSE) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.post(f"{pair.url}/inbox", content=body, headers=headers)


async def sealed(pair, token) -> str:
    async with httpx.AsyncClient() as client:
        return seal(token, peer_from(pair.url, (await client.get(f"{pair.url}/handoff/jwks")).json()))


# ---- Whole ways -----------------------------------------------------------------------------------------------------


async def test_a_person_is_brought_fetched_with_a_token_and_answered(pair):
    referral, delivery = handed(pair)
    await until(lambda: pair.house.row(delivery).state is DeliveryState.DELIVERED)
    (receipt,) = pair.house.receipts(delivery)
    assert unchecked(receipt)["handoff"] == str(referral)
    await until(lambda: pair.came(Answer) == 4)
    (taken,) = await pair.sandbox.books("packet", referral)
    assert "identity.legal_name" in taken["detail"]["fields"]


async def test_bad_days_of_the_partner_end_in_one_receipt(pair):
    for kind in ("503", "lost", "forged", "reset"):
        await pair.sandbox.control("fail_next", kind=kind, where="/inbox")
    referral, delivery = handed(pair)
    await until(lambda: pair.house.row(delivery).state is DeliveryState.DELIVERED, seconds=60)
    assert len(pair.house.receipts(delivery)) == 1
    assert len(await pair.sandbox.books("packet", referral)) == 1


async def test_a_person_is_taken_in_from_the_partner(pair):
    sent = await pair.sandbox.control("send", content=CONTENT)
    await until(lambda: pair.came(Packet) == 1)
    await until_booked(pair, "receipt_in", sent["handoff"])
    await pair.sandbox.control("withdraw", handoff=sent["handoff"])
    await until_booked(pair, "certificate_in", sent["handoff"])


async def until_booked(pair, kind, handoff):
    async def booked() -> bool:
        return bool(await pair.sandbox.books(kind, handoff))

    await until(booked)


async def test_a_notice_whose_packet_cannot_be_fetched_is_not_taken(pair):
    digest = "A" * 43
    claims = {"handoff": uuid4(), "version": 1, "digest": digest}
    notice = wire._signed(Notice, pair.theirs, pair.url, now(), **claims)  # noqa: SLF001  # for no packet
    answer = await post(pair, notice)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_fetchable")
    await pair.sandbox.control("fail_next", kind="503", where="/referrals/")
    answer = await post(pair, wire._signed(Notice, pair.theirs, pair.url, now(), **claims))  # noqa: SLF001  # as above
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert pair.came(Packet) == 0


# ---- The inbox ------------------------------------------------------------------------------------------------------


async def test_the_same_message_again_has_the_same_answer_and_counts_once(pair):
    token = answer_of(pair)
    for _ in range(3):
        answer = await post(pair, await sealed(pair, token))
        assert (answer.status_code, answer.content) == (202, b"")
    assert pair.came(Answer) == 1


async def test_the_same_id_with_another_body_is_refused(pair):
    first = answer_of(pair)
    jti = unchecked(first)["jti"]
    claims = unchecked(answer_of(pair)) | {"jti": jti}
    claims.pop("pad")
    other = wire.sign(Answer.typ, claims, pair.theirs)
    assert (await post(pair, await sealed(pair, first))).status_code == 202
    answer = await post(pair, await sealed(pair, other))
    assert (answer.status_code, answer.json()["code"]) == (409, "reused")


async def test_strangers_forgers_and_the_suspended_are_answered_alike(pair):
    stranger = new_keys("http://127.0.0.1:1/somebody")
    forger = new_keys(pair.sandbox.url)
    bodies = [await sealed(pair, answer_of(pair, me)) for me in (stranger, forger)]
    answers = [await post(pair, each) for each in bodies]
    with pair.engine.begin() as connection:
        registry.enable(connection, "partner", enabled=False)
    answers.append(await post(pair, await sealed(pair, answer_of(pair))))
    told = [{name: value for name, value in each.json().items() if name != "requestId"} for each in answers]
    assert {each.status_code for each in answers} == {401}
    assert told[0] == told[1] == told[2]
    assert told[0]["code"] == "unauthorized"
    assert answers[0].headers["content-type"] == "application/problem+json"
    assert pair.came(Answer) == 0


async def test_a_body_that_is_cut_off_is_refused_with_its_next_request(pair):
    assert (await post(pair, await sealed(pair, answer_of(pair)))).status_code == 202
    with Session(pair.engine) as session, session.begin():
        clients.cut_body_off(session, "partner")
    assert (await post(pair, await sealed(pair, answer_of(pair)))).status_code == 401
    with Session(pair.engine) as session, session.begin():
        clients.restore_body(session, "partner", now=now())
    assert (await post(pair, await sealed(pair, answer_of(pair)))).status_code == 202


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 422, "invalid"),
        (b"not a token", 422, "invalid"),
        (b"\xff\xfe", 422, "invalid"),
        (b"a" * 256_001, 413, "body_too_large"),
    ],
)
async def test_what_is_no_message_is_not_taken(pair, body, status, code):
    answer = await post(pair, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_message_must_be_sealed_typed_and_for_us(pair):
    answer = await post(pair, answer_of(pair))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    answer = await post(pair, await sealed(pair, answer_of(pair)), headers={"content-type": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    other = wire.make_answer(
        pair.theirs,
        "https://other.example",
        now=now(),
        handoff=uuid4(),
        number=1,
        seen=0,
        event="take",
        state="in_review",
        at=1,
    )
    assert (await post(pair, await sealed(pair, other))).status_code == 401
    late = wire.make_answer(
        pair.theirs,
        pair.url,
        now=now() - timedelta(hours=1),
        handoff=uuid4(),
        number=1,
        seen=0,
        event="take",
        state="in_review",
        at=1,
    )
    assert (await post(pair, await sealed(pair, late))).status_code == 401


async def test_a_database_that_is_away_is_told_as_not_now(pair, database):
    body = await sealed(pair, answer_of(pair))
    name = database.url.database
    with admin(database) as connection:
        connection.execute(f"alter database {name} allow_connections false")
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name])
        answer = await post(pair, body)
        connection.execute(f"alter database {name} allow_connections true")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert (await post(pair, body)).status_code == 202
    assert pair.came(Answer) == 1


# ---- What is read ---------------------------------------------------------------------------------------------------


async def test_a_packet_is_read_by_a_signed_request_and_is_the_stored_one(pair):
    await pair.sandbox.control("behave", take_seconds=-1)
    referral, delivery = handed(pair)
    await until(lambda: pair.house.row(delivery).state is DeliveryState.DELIVERED)
    read = await pair.speaking().fetch(referral)
    assert read.digest == unchecked(pair.house.receipts(delivery)[0])["digest"]
    status = await pair.speaking().status(referral)
    assert (status.message.known, status.message.state) == (True, "sent")


async def test_a_signed_request_is_good_once_and_for_one_address(pair):
    referral, _ = handed(pair)
    url = f"{pair.url}/referrals/{referral}/packet"
    token = wire.sign_request(pair.theirs, pair.url, method="GET", url=url, now=now())
    async with httpx.AsyncClient() as client:
        answers = [await client.get(url, headers={"authorization": f"Signed {token}"}) for _ in range(2)]
        other = f"{pair.url}/referrals/{uuid4()}/packet"
        token = wire.sign_request(pair.theirs, pair.url, method="GET", url=url, now=now())
        answers.append(await client.get(other, headers={"authorization": f"Signed {token}"}))
        answers.append(await client.get(url))
        answers.append(await client.get(url, headers=[("authorization", "Signed a"), ("authorization", "Signed b")]))
    assert [each.status_code for each in answers] == [200, 401, 401, 401, 400]
    assert answers[0].text.count(".") == 4
    assert "legal_name" not in answers[0].text
    assert "Signed" in answers[3].headers["www-authenticate"]


@pytest.mark.parametrize("state", sorted(set(ReferralState) - FETCHABLE, key=lambda state: state.value)[:6])
async def test_what_may_not_be_fetched_looks_like_what_is_not_there(pair, state):
    referral, _ = handed(pair)
    with pair.engine.begin() as connection:
        connection.execute(update(REFERRAL).values(state=state))
    for asked in (referral, uuid4()):
        with pytest.raises(Refused) as refused:
            await pair.speaking().fetch(asked)
        assert refused.value.facts == {"status": 404, "problem": "not_found"}


async def test_a_packet_of_another_body_looks_like_one_that_is_not_there(pair):
    referral, _ = handed(pair)
    with pair.engine.begin() as connection:
        third = pair.house.body(connection, "third")
        connection.execute(update(REFERRAL).values(recipient_id=third))
    with pytest.raises(Refused) as refused:
        await pair.speaking().fetch(referral)
    assert refused.value.facts == {"status": 404, "problem": "not_found"}
    assert not (await pair.speaking().status(referral)).message.known
    assert not (await pair.speaking().status(uuid4())).message.known


async def test_reading_is_refused_from_the_next_request_on(pair):
    referral, _ = handed(pair)
    speaking = pair.speaking()
    await speaking.fetch(referral)
    with pair.engine.begin() as connection:
        registry.enable(connection, "partner", enabled=False)
    with pytest.raises(Unauthorized):
        await speaking.fetch(referral)
    with pair.engine.begin() as connection:
        registry.enable(connection, "partner", enabled=True)
    await speaking.fetch(referral)


def token_of(pair) -> Token:
    config = json.loads((pair.sandbox.folder / "config.json").read_text())["hub"]
    from joserfc.jwk import ECKey  # noqa: PLC0415  # here alone

    key = ECKey.import_key(config["key"])
    return Token(issuer=pair.url, client_id="sandbox", kid=key.thumbprint(), key=key, resource=config["graphql"])


async def test_a_token_reads_until_its_client_or_body_is_cut_off(pair):
    referral, _ = handed(pair)
    speaking = pair.speaking(token=token_of(pair))
    await speaking.fetch(referral)
    assert (await speaking.status(referral)).message.known
    with Session(pair.engine) as session, session.begin():
        clients.suspend(session, "sandbox")
    with pytest.raises(ConnectorError) as refused:
        await speaking.fetch(referral)
    assert isinstance(refused.value, Unauthorized)


async def test_a_token_reads_as_its_partner_is_registered_at_that_instant(pair):
    referral, _ = handed(pair)
    speaking, body = pair.speaking(token=token_of(pair)), pair.house.bodies[1]
    await speaking.fetch(referral)
    # What is remembered of the partner is no longer so: it is asked once more, and answered.
    pair.partners.partner_of(body)
    with pair.engine.begin() as connection:
        connection.execute(update(table_of(PartnerRow)).values(capabilities=["notice", "status"]))
    assert pair.partners.remembered(body)[0].capabilities is None
    await speaking.fetch(referral)
    assert pair.partners.remembered(body)[0].capabilities == {"notice", "status"}
    with pair.engine.begin() as connection:
        registry.enable(connection, "partner", enabled=False)
    assert pair.partners.remembered(body) is not None
    for ask in (speaking.fetch, speaking.status):
        with pytest.raises(Unauthorized) as refused:
            await ask(referral)
        assert refused.value.facts["status"] == 401


async def test_a_token_without_the_scope_reads_nothing(database, engine, tmp_path):
    with hub_and_partner(database, engine, tmp_path, scopes=(AccessScope.NETWORK_READ,)) as pair:
        await started(pair)
        referral, _ = handed(pair)
        with pytest.raises(Unauthorized) as refused:
            await pair.speaking(token=token_of(pair)).fetch(referral)
        assert refused.value.facts == {"status": 403, "problem": "insufficient_scope"}


# ---- Around ---------------------------------------------------------------------------------------------------------


async def test_who_comes_too_often_waits(database, engine, tmp_path):
    seconds = [0.0]
    with hub_and_partner(database, engine, tmp_path, watch=lambda: seconds[0], handoff_per_minute=40) as pair:
        await started(pair)
        # Each costs ten.
        answers = [await post(pair, b"no token") for _ in range(6)]
        assert [each.status_code for each in answers] == [422, 422, 422, 422, 429, 429]
        assert answers[-1].json()["code"] == "throttled"
        # Forty a minute: the next one in a second and a half.
        assert answers[-1].headers["retry-after"] == "2"
        seconds[0] += 1.4
        assert (await post(pair, b"no token")).status_code == 429
        seconds[0] += 0.2
        assert (await post(pair, b"no token")).status_code == 422
        assert (await post(pair, b"no token")).status_code == 429


async def test_the_keys_and_the_description_are_public(pair):
    async with httpx.AsyncClient() as client:
        told = (await client.get(f"{pair.url}/.well-known/icorn-handoff")).json()
        keys = await client.get(told["jwks_uri"])
    assert (told["issuer"], told["inbox"]) == (pair.url, f"{pair.url}/inbox")
    assert keys.headers["content-type"] == "application/jwk-set+json"
    assert [each["use"] for each in keys.json()["keys"]].count("enc") == 1
    assert not {"d", "k"} & {name for each in keys.json()["keys"] for name in each}


async def test_what_the_hub_does_not_do_is_told(pair):
    with pytest.raises(Unsupported):
        await pair.speaking().openings()
