"""Subscriptions over real sockets, by server-sent events and by WebSocket: what is heard, by whom, until when."""

import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from databases import admin
from listening import ALL, PEN, Ear, EventsEar, Street, opened
from referrals_town import NAME, PLANTED
from sqlalchemy import insert, literal, select, update
from sqlmodel import Session
from web import node

from hub.auth import registry
from hub.live import Listening, StreamPatience
from hub.live.errors import StreamInterrupted, StreamTooSlow
from hub.live.listening import WAITING_MOST, Heard, Rung
from hub.store import Database, Reader
from hub.store.bell import ring
from schema.tables import AccountRow, AgreementRow, AuditLeafRow, WebSessionRow
from schema.tables.base import table_of
from schema.tables.people import AccountStatus
from schema.vocabulary import AccessScope, AgreementState, ConsentChannel, Relation

CLIENT = Path(__file__).parent / "client"


def numbers(ear: Ear, count: int) -> list[int]:
    return [ear.event()["number"] for _ in range(count)]


def test_events_are_heard_in_their_order_by_the_side_concerned_and_by_nobody_else(either: Street):
    pen, sar = either.listen(), either.listen("sar")
    made = either.taken(either.town.pen)
    told = [row for row in either.town.events(made.referral_id) if row.recipient_number is not None]
    heard = [pen.event() for _ in told]
    assert [each["number"] for each in heard] == [1, 2, 3]
    assert [each["kind"].lower() for each in heard] == [row.kind.value for row in told]
    assert len({each["referral"]["id"] for each in heard}) == 1
    # The draft, the consent asked and given were the sender's alone; SAR was no side of any of it.
    assert pen.beats() == []
    assert sar.beats() == []


def test_replay_goes_over_into_live_without_gap_or_doubling(either: Street):
    first = either.listen()
    made = either.town.received(either.town.pen)
    referral = first.event()["referral"]["id"]
    again = either.listen(referral=referral, after=1)
    other = either.town.received(either.town.pen)
    either.town.do("take", either.town.program(either.town.pen), made.referral_id)
    assert other.referral_id != made.referral_id
    assert numbers(again, 2) == [2, 3]
    assert again.beats() == []
    whole = either.listen(referral=referral, after=0)
    assert numbers(whole, 3) == [1, 2, 3]


def test_steps_taken_while_a_replay_runs_are_told_once(either: Street):
    made = either.town.received(either.town.pen)
    referral = either.listen(query=ALL)
    either.town.do("take", either.town.program(either.town.pen), made.referral_id)
    id_ = referral.event()["referral"]["id"]
    stepping = threading.Thread(
        target=lambda: [
            either.town.do("accept", either.town.program(either.town.pen), made.referral_id),
            either.town.do("start", either.town.program(either.town.pen), made.referral_id),
        ]
    )
    stepping.start()
    ear = either.listen(referral=id_, after=0)
    assert numbers(ear, 5) == [1, 2, 3, 4, 5]
    stepping.join()
    assert ear.beats() == []


def test_a_referral_of_others_and_one_that_is_not_there_are_silent_alike(either: Street):
    mine = either.listen()
    made = either.town.received(either.town.pen)
    referral = mine.event()["referral"]["id"]
    strange, nowhere = (either.listen("sar", referral=id_, after=0) for id_ in (referral, f"rf_{uuid4()}"))
    either.town.do("take", either.town.program(either.town.pen), made.referral_id)
    assert strange.beats() == nowhere.beats() == []


def test_a_withdrawal_shows_in_what_the_next_event_shows(either: Street):
    ear = either.listen()
    made = either.taken(either.town.pen)
    shown = [ear.event() for _ in range(3)]
    assert shown[-1]["referral"]["case"]["identity"] == {"legalName": NAME}
    either.town.do("revoke_consent", either.town.dora, made.consent_id, ConsentChannel.ENCRYPTED_MESSAGE)
    answer = ear.next()
    assert answer["data"]["it"]["to"] == "CONSENT_REVOKED"
    assert not [word for word in PLANTED if word in json.dumps(answer)]


def test_each_event_that_is_read_leaves_a_leaf(either: Street):
    ear = either.listen()
    made = either.taken(either.town.pen)
    for _ in range(3):
        ear.event()
    leaves = table_of(AuditLeafRow)
    with either.town.engine.connect() as connection:
        query = select(leaves).where(leaves.c.organisation_id == either.town.pen.id, leaves.c.kind == "read")
        read = [row for row in connection.execute(query) if made.person_id in row.subjects]
    assert len(read) == 3
    assert {row.request_id for row in read} == {ear.request_id}


REFUSED = "subscription { it: referralEvents { number referral { events(first: 1000) { totalCount } } } }"


def test_what_is_not_told_leaves_no_trace_in_the_listeners_log_and_ends_nothing(either: Street):
    leaves = table_of(AuditLeafRow)

    def log() -> int:
        with either.town.engine.connect() as connection:
            mine = leaves.c.organisation_id == either.town.pen.id
            return len(connection.execute(select(leaves.c.id).where(mine)).all())

    ear, refused = either.listen(), either.listen(query=REFUSED)
    before = log()
    made = either.town.ready(either.town.pen)
    assert ear.beats() == []
    assert {refused.raw()[0] for _ in range(3)} == {"beat"}
    assert log() == before
    either.town.do("send", either.town.lena, made.referral_id)
    assert numbers(ear, 1) == [1]
    assert "BAD_PAGE" in refused.told()[1]
    assert log() == before + 2


def body_cut_off(street: Street) -> None:
    with Session(street.town.engine) as session, session.begin():
        registry.cut_body_off(session, PEN)


def client_suspended(street: Street) -> None:
    with Session(street.town.engine) as session, session.begin():
        registry.suspend(session, street.client(PEN).id)


def token_revoked(street: Street) -> None:
    assert street.client(PEN).post("revoke", token=street.last_token).status_code == 200


def token_grown_old(street: Street) -> None:
    street.town.clock.advance(seconds=301)


@pytest.fixture
def restored(street: Street):
    """Who was cut off is let in again, with new tokens."""
    yield
    street.town.clock.advance(seconds=1)
    with Session(street.town.engine) as session, session.begin():
        registry.restore_body(session, PEN, now=street.town.now)
        registry.resume(session, street.client(PEN).id, now=street.town.now)
    street.town.clock.advance(seconds=1)


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize(
    ("cut", "code", "busy"),
    [
        (body_cut_off, "TOKEN_DENIED", True),
        (body_cut_off, "TOKEN_DENIED", False),
        (client_suspended, "TOKEN_DENIED", False),
        (token_revoked, "TOKEN_DENIED", True),
        (token_revoked, "TOKEN_DENIED", False),
        (token_grown_old, "TOKEN_EXPIRED", True),
        (token_grown_old, "TOKEN_EXPIRED", False),
    ],
)
def test_who_is_cut_off_hears_no_more(either: Street, cut: Callable[[Street], None], code: str, busy: bool):
    ear = either.listen()
    made = either.town.received(either.town.pen)
    assert numbers(ear, 2) == [1, 2]
    cut(either)
    began = time.monotonic()
    if busy:
        either.town.do("take", either.town.program(either.town.pen), made.referral_id)
    assert ear.ended() == code
    assert time.monotonic() - began < 3


def set_agreement(street: Street, state: AgreementState) -> None:
    agreements = table_of(AgreementRow)
    with street.town.engine.begin() as connection:
        mine = agreements.c.organisation_id == street.town.pen.id
        connection.execute(update(agreements).where(mine).values(state=state))


@pytest.mark.usefixtures("restored")
def test_people_of_a_body_that_is_cut_off_read_and_hear_no_more(either: Street):
    account = uuid4()
    with either.town.engine.begin() as connection:
        connection.execute(
            insert(table_of(AccountRow)).values(
                id=account,
                login=f"pen-{account}",
                name="Made up",
                relation=Relation.PARTNER_REFERRAL,
                organisation_id=either.town.pen.id,
                status=AccountStatus.ACTIVE,
                scopes=[AccessScope.REFERRAL_RECEIVE],
                created_at=either.town.now,
            )
        )
    inbox = "{ referrals { totalCount } viewer { scopes } }"
    headers = either.session(account) | {"origin": either.url, "x-hub-console": "1", "accept": "application/json"}
    ear = either.at_the_console(account=account)
    made = either.town.received(either.town.pen)
    assert numbers(ear, 2) == [1, 2]
    assert json.loads(either.post(headers, inbox).read())["data"]["referrals"]["totalCount"] > 0
    set_agreement(either, AgreementState.SUSPENDED)
    assert json.loads(either.post(headers, inbox).read())["data"] == {
        "referrals": {"totalCount": 0},
        "viewer": {"scopes": []},
    }
    set_agreement(either, AgreementState.IN_FORCE)
    body_cut_off(either)
    assert either.post(headers, inbox).status_code == 401
    take = "mutation($input: TakeReferralInput!) { takeReferral(input: $input) { __typename } }"
    given = {"referral": f"rf_{made.referral_id}", "idempotencyKey": "a-key-of-its-own"}
    assert either.post(headers, take, input=given).status_code == 401
    assert ear.ended() == "TOKEN_DENIED"


def test_who_has_no_relation_any_more_hears_nothing_and_hears_again_with_it(either: Street):
    ear = either.listen()
    made = either.town.received(either.town.pen)
    assert numbers(ear, 2) == [1, 2]
    set_agreement(either, AgreementState.ENDED)
    either.town.do("revoke_consent", either.town.dora, made.consent_id, ConsentChannel.ENCRYPTED_MESSAGE)
    assert ear.beats() == []
    set_agreement(either, AgreementState.IN_FORCE)
    either.town.received(either.town.pen)
    assert numbers(ear, 2) == [1, 2]


def test_a_session_that_ends_ends_its_stream_and_the_stream_keeps_none_alive(either: Street):
    ear = either.at_the_console()
    either.town.ready(either.town.pen)
    assert numbers(ear, 3) == [1, 2, 3]
    with either.town.engine.begin() as connection:
        connection.execute(table_of(WebSessionRow).delete())
    assert ear.ended() == "SESSION_ENDED"
    idle = either.at_the_console()
    for _ in range(4):
        either.town.clock.advance(minutes=7)
        assert idle.beats(2) == []
    either.town.clock.advance(minutes=3)
    assert idle.ended() == "SESSION_ENDED"


@pytest.mark.parametrize("way", ["events", "socket"])
def test_a_server_that_stops_says_so_and_does_not_wait(facts_template: Database, tmp_path: Path, way: str):
    with opened(facts_template, tmp_path) as street:
        street.way = way
        ear = street.listen()
        began = time.monotonic()
        stopping = threading.Thread(target=street.server.close)
        stopping.start()
        assert ear.ended() == "SERVER_STOPPING"
        stopping.join()
        assert time.monotonic() - began < 5


def test_streams_are_counted_by_body_and_one_that_ends_makes_room(street: Street):
    ears = [street.listen() for _ in range(3)]
    refused = street.post(street.headers(), ALL)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "5"
    assert json.loads(refused.read())["errors"][0]["extensions"] == {"code": "TOO_MANY_STREAMS"}
    street.listen("sar")
    ears[0].close()
    street.listen()


def test_a_stranger_is_told_the_rule_and_the_end(street: Street):
    ear = EventsEar(street.post({"accept": "text/event-stream"}, ALL))
    assert ear.next() == {
        "data": {"it": None},
        "extensions": {"withheld": [{"path": ["it"], "category": "CASE", "code": "RELATION"}]},
    }
    assert ear.raw() == ("complete", "")
    assert ear.raw() == ("end", "")


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json", "*/*"])
def test_a_subscription_is_not_answered_by_json(street: Street, accept: str):
    answer = street.post(street.headers(PEN, accept=accept), ALL)
    assert json.loads(answer.read())["errors"][0]["extensions"] == {"code": "STREAM_ONLY"}


def test_who_takes_both_gets_events_for_subscriptions_only(street: Street):
    both = {"accept": "application/graphql-response+json, application/json, text/event-stream"}
    assert EventsEar(street.post(street.headers(PEN, **both), ALL)).raw() == ("beat", "")
    answer = street.post(street.headers(PEN, **both), "{ __typename }")
    assert json.loads(answer.read()) == {"data": {"__typename": "Query"}}


def test_queries_refusals_and_what_cannot_be_followed_are_one_event_and_the_end(street: Street):
    def told(query: str, **variables: object) -> Any:
        ear = EventsEar(street.post(street.headers(), query, **variables))
        answer = ear.next()
        assert (ear.raw(), ear.raw()) == (("complete", ""), ("end", ""))
        return answer if "errors" not in answer else answer["errors"][0]["extensions"]["code"]

    assert told("{ __typename }") == {"data": {"__typename": "Query"}}
    assert told("{ nothing }") == "GRAPHQL_VALIDATION_FAILED"
    assert told("subscription { nothing }") == "GRAPHQL_VALIDATION_FAILED"
    assert told(ALL, after=1) == told(ALL, referral="rf_1", after=-1) == "BAD_USER_INPUT"
    refused = street.post({"accept": "text/event-stream", "authorization": "DPoP x.y.z"}, ALL)
    assert refused.status_code == 401
    assert json.loads(refused.read())["errors"][0]["extensions"] == {"code": "UNAUTHORIZED"}


def test_who_takes_nothing_is_cut_off_and_makes_room(facts_template: Database, tmp_path: Path):
    loud = b":%b\n\n" % (b"x" * 500_000)
    with opened(facts_template, tmp_path, StreamPatience(beat=0.1, send=0.5), beat=loud) as street:
        body = json.dumps({"query": ALL}).encode()
        stuck = []
        for _ in range(street.settings.streams_of_one):
            headers = street.headers() | {"content-type": "application/json", "content-length": str(len(body))}
            head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            stuck.append(socket.create_connection(("127.0.0.1", street.settings.port)))
            stuck[-1].sendall(f"POST /graphql HTTP/1.1\r\nhost: hub\r\n{head}\r\n".encode() + body)
            assert stuck[-1].recv(15) == b"HTTP/1.1 200 OK"
        assert street.post(street.headers(), ALL).status_code == 429
        deadline = time.monotonic() + 20
        while (answer := street.post(street.headers(), ALL)).status_code == 429:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        answer.close()
        for each in stuck:
            each.close()


async def test_who_does_not_keep_up_is_told_so_and_nothing_behind_the_gap():
    heard, side = Heard(None), uuid4()
    for _ in range(WAITING_MOST + 1):
        heard.take(Rung(uuid4(), uuid4(), frozenset({side})))
    with pytest.raises(StreamTooSlow):
        await heard.next(0)


async def test_what_may_have_been_missed_is_told_and_the_ear_comes_back(database: Database):
    async with Reader(database.reading, connections=1) as reader:
        listening = Listening(database.reading, reader)
        heard = await listening.listen(None)
        with admin(database) as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = 'icorn-hub-live' and datname = %s",
                [database.url.database],
            )
        with pytest.raises(StreamInterrupted):
            await heard.next(5)
        await listening.listen(None)
        await listening.aclose()


def test_a_bell_rings_with_the_commit_and_not_before(street: Street):
    ear = street.listen()
    made = street.town.sent(street.town.pen)
    assert numbers(ear, 1) == [1]
    (sent,) = (row for row in street.town.events(made.referral_id) if row.recipient_number == 1)
    with street.town.engine.connect() as connection:
        connection.execute(select(ring(literal(sent.id))))
        connection.rollback()
    assert ear.beats() == []
    with street.town.engine.begin() as connection:
        connection.exec_driver_sql("select pg_notify('hub_referral_events', 'no id at all')")
    assert ear.beats() == []


def test_listeners_of_other_people_hear_the_same(street: Street):
    ear = street.listen()
    street.taken(street.town.pen)
    mine = [ear.event() for _ in range(3)]
    variables = {"referral": mine[0]["referral"]["id"], "after": 0}
    headers = street.headers()
    del headers["accept"]
    given = {"url": f"{street.url}/graphql", "headers": headers, "query": ALL, "variables": variables, "most": 3}
    answers = node.run("listen.mjs", json.dumps(given), folder=CLIENT)
    assert [each["data"]["it"]["number"] for each in answers] == [1, 2, 3]
    given |= {"url": given["url"].replace("http", "ws", 1), "params": street.proved(street.token(), "GET")}
    told = node.run("listen-socket.mjs", json.dumps(given), folder=CLIENT)
    assert told["answers"] == answers
    assert [each["extensions"]["code"] for each in told["refused"]] == ["SUBSCRIPTIONS_ONLY"]
