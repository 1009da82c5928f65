"""What is good for one use is used once, also when many come at the same instant."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select, text
from web.serving import until

from hub.auth.once import hashed, sweep
from schema.tables import (
    DenialRow,
    PushedRequestRow,
    RefreshTokenRow,
    TokenGrantRow,
    UsedAssertionRow,
    UsedProofRow,
)
from schema.vocabulary import AccessScope

MANY = 8


def at_once(call):
    with ThreadPoolExecutor(MANY) as pool:
        return [answer.result() for answer in [pool.submit(call) for _ in range(MANY)]]


def at_once_upon(hub, row, call):
    """Hold a row until some of the calls are at the same point: all that is left is to change it."""
    waiting = text("select count(*) from pg_locks where not granted")
    with ThreadPoolExecutor(MANY) as pool:
        with hub.session() as session:
            session.execute(row.with_for_update())
            answers = [pool.submit(call) for _ in range(MANY)]
            until(lambda: session.scalar(waiting) > 1)
        return [answer.result() for answer in answers]


def statuses(answers):
    return sorted(answer.status_code for answer in answers)


def test_an_assertion_is_used_once(hub):
    partner = hub.machine()
    assertion = partner.assertion()
    assert statuses(at_once(lambda: partner.token(assertion=assertion))) == [200] + [400] * (MANY - 1)


def test_a_proof_is_used_once(hub):
    partner = hub.machine()
    proof = partner.proof("POST", partner.url("token"))
    assert statuses(at_once(lambda: partner.token(proof=proof))) == [200] + [400] * (MANY - 1)


def test_a_code_is_used_once_and_the_others_end_its_grant(hub):
    console, person = hub.web(), hub.people.add(AccessScope.NETWORK_READ)
    code = console.code(person)
    answers = at_once(lambda: console.redeem(code))
    assert statuses(answers) == [200] + [400] * (MANY - 1)
    token = next(answer.json() for answer in answers if answer.status_code == 200)
    assert console.read(token["access_token"]).status_code == 401


def test_a_pushed_request_is_taken_once(hub):
    console, person = hub.web(), hub.people.add(AccessScope.NETWORK_READ)
    pushed = console.push().json()["request_uri"]
    assert statuses(at_once(lambda: console.authorize(pushed, person=person))) == [303] + [400] * (MANY - 1)


def test_a_rotating_refresh_token_is_used_once(hub):
    console, person = hub.web(rotates_refresh=True), hub.people.add(AccessScope.NETWORK_READ)
    tokens = console.redeem(console.code(person)).json()
    row = select(RefreshTokenRow).where(RefreshTokenRow.hash == hashed(tokens["refresh_token"]))
    answers = at_once_upon(hub, row, lambda: console.refresh(tokens["refresh_token"]))
    assert statuses(answers) == [200] + [400] * (MANY - 1)
    won = next(answer.json() for answer in answers if answer.status_code == 200)
    assert console.refresh(won["refresh_token"]).json()["error"] == "invalid_grant"


def test_what_has_expired_is_swept_away_and_nothing_else(own_hub):
    hub = own_hub
    partner, console, person = hub.machine(), hub.web(), hub.people.add(AccessScope.NETWORK_READ)
    tokens = console.redeem(console.code(person)).json()
    console.push()
    partner.post("revoke", token=partner.access_token())

    def counts():
        rows = (UsedProofRow, UsedAssertionRow, PushedRequestRow, TokenGrantRow, RefreshTokenRow, DenialRow)
        with hub.session() as session:
            sweep(session, hub.clock.now())
            return [len(session.execute(select(row)).all()) for row in rows]

    first = counts()
    assert min(first) > 0
    hub.clock.advance(minutes=16)
    assert counts() == [0, 0, 0, 1, 1, 0]
    assert console.refresh(tokens["refresh_token"]).status_code == 200
    hub.clock.advance(days=31)
    assert counts() == [0] * 6
