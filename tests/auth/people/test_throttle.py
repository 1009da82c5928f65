"""Guessing is slowed, for each address and each login; nobody is locked out by strangers."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from visiting.house import NOON, PASSWORD, ROOT

from hub.auth.people import throttle
from hub.auth.people.errors import TooManyTries
from hub.auth.people.sealing import Sealer
from hub.auth.people.throttle import Policy, Throttle

POLICY = Policy("test", 3, timedelta(seconds=2), timedelta(seconds=10), timedelta(hours=1))


def _take(engine, now, who="anna", policy=POLICY):
    """Take a try; give the seconds to wait, 0 when it is free."""
    try:
        with engine.begin() as connection:
            Throttle(Sealer(ROOT)).take(connection, policy, who, now=now)
    except TooManyTries as error:
        return error.retry_seconds
    return 0


def test_waits_double_up_to_a_bound(engine):
    now, waits = NOON, []
    for _ in range(9):
        assert _take(engine, now) == 0
        waits.append(_take(engine, now) if len(waits) > 2 else 0)
        now += timedelta(seconds=waits[-1])
    assert waits == [0, 0, 0, 2, 4, 8, 10, 10, 10]


def test_what_is_refused_is_not_counted_so_who_waits_gets_in(engine):
    for _ in range(4):
        _take(engine, NOON)
    assert {_take(engine, NOON + timedelta(seconds=1)) for _ in range(50)} == {1}
    assert _take(engine, NOON + timedelta(seconds=2)) == 0


def test_tries_are_forgotten(engine):
    for _ in range(4):
        _take(engine, NOON)
    later = NOON + timedelta(hours=1, seconds=1)
    assert [_take(engine, later) for _ in range(4)] == [0, 0, 0, 0]


def test_tries_at_one_instant_are_all_counted(engine):
    with ThreadPoolExecutor(16) as pool:
        taken = list(pool.map(lambda _: _take(engine, NOON), range(64)))
    assert taken.count(0) == 4


def test_others_are_not_touched(engine):
    for _ in range(9):
        _take(engine, NOON)
    assert _take(engine, NOON, "bert") == 0


def test_counters_tell_nobody_who_it_was_and_old_ones_go(engine):
    _take(engine, NOON)
    with engine.begin() as connection:
        (key,) = connection.exec_driver_sql("select key from throttle").scalars()
        assert b"anna" not in key
        Throttle.purge(connection, now=NOON + timedelta(days=1, seconds=1))
        assert connection.exec_driver_sql("select count(*) from throttle").scalar() == 0


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("nonsense", "unknown"),
        ("", "unknown"),
    ],
)
def test_an_address_counts_by_its_network(address, counted):
    assert throttle.network(address) == counted


def test_guessing_a_password_is_slowed_for_known_and_unknown_logins_alike(house):
    house.with_password("anna")
    told = {}
    for login in ("anna", "nobody"):
        stranger = house.visitor()
        pages = [stranger.sign_in(login, f"wrong wrong {count}", "000000") for count in range(8)]
        told[login] = [(page.status, page.alert, page.headers.get("retry-after")) for page in pages]
    assert told["anna"] == told["nobody"]
    assert [status for status, _, _ in told["anna"]] == [403] * 6 + [429] * 2
    assert told["anna"][-1][2] == "2"


def test_strangers_do_not_keep_a_person_out(house):
    visitor = house.with_password("anna")
    assert visitor.sign_in("anna", PASSWORD).path == "/account"
    stranger = house.visitor()
    for _ in range(8):
        stranger.sign_in("anna", "wrong wrong wrong", "000000")
    assert stranger.sign_in("anna", PASSWORD).status == 429
    house.clock.advance(seconds=30)
    with house.engine.begin() as connection:
        connection.exec_driver_sql(
            "update throttle set free_at = free_at + interval '1 hour' where tries > 5 and tries < 8"
        )
    visitor.submit(visitor.get("/signout"), "/signout")
    assert visitor.sign_in("anna", PASSWORD).path == "/account", "a browser that was signed in before counts by itself"


def test_a_mark_of_another_login_does_not_count(house):
    mallory = house.with_password("mallory")
    house.with_password("anna")
    mallory.sign_in("mallory", PASSWORD)
    pages = [mallory.sign_in("anna", "wrong wrong wrong", "000000") for _ in range(7)]
    assert pages[-1].status == 429
    stranger = house.visitor()
    assert stranger.sign_in("anna", PASSWORD, "000000").status == 429


def test_one_address_cannot_try_many_logins(house):
    stranger = house.visitor()
    statuses = [stranger.sign_in(f"login{count}", "wrong wrong wrong", "000000").status for count in range(34)]
    assert statuses.count(403) == throttle.ADDRESS.free + 1
    assert statuses[-1] == 429


def test_guessing_enrolment_codes_is_slowed(house):
    stranger = house.visitor()
    page = stranger.get("/enrol")
    statuses = [stranger.submit(page, "/enrol", code=f"{count}").status for count in range(33)]
    assert (statuses[0], statuses[-1]) == (400, 429)


def test_guessing_recovery_codes_is_slowed(house):
    house.with_passkey("anna")
    stranger = house.visitor()
    page = stranger.get("/signin/recovery")
    statuses = [stranger.submit(page, "/signin/recovery", login="anna", code=f"{count}").status for count in range(8)]
    assert (statuses[0], statuses[-1]) == (403, 429)


def test_challenges_are_not_made_without_end(house):
    stranger = house.visitor()
    page = stranger.get("/signin")
    statuses = [stranger.json(page, "/signin/passkey/options", {}).status_code for _ in range(70)]
    assert statuses.count(200) == throttle.CEREMONY.free + 1
    assert house.count("challenge") == throttle.CEREMONY.free + 1
