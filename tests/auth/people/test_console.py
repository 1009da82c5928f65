"""Cookies at the graph count for our own console only."""

import pytest

from hub.auth.people import Console
from schema.access import AccessProfile
from schema.vocabulary import AccessScope, Relation

RIGHT = {"content-type": "application/json", "x-hub-console": "1"}


@pytest.fixture
def anna(house):
    """Somebody who is signed in."""
    visitor = house.with_passkey("anna", Relation.BOARD)
    visitor.sign_in_by_passkey()
    return visitor


def _asked(visitor, headers, method="POST"):
    return visitor.client.request(method, "/graphql", content=b"{}", headers=headers).json()["relation"]


@pytest.mark.parametrize(
    "more", [{}, {"content-type": "application/json; charset=utf-8"}, {"content-type": "Application/JSON"}]
)
def test_the_console_is_taken_for_who_is_signed_in(anna, house, more):
    assert _asked(anna, RIGHT | {"origin": house.url} | more) == "board"
    assert _asked(anna, RIGHT | {"sec-fetch-site": "same-origin"} | more) == "board"


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "https://evil.example", "sec-fetch-site": "same-origin"},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": ""},
        {"x-hub-console": "0"},
        {"x-hub-console": ""},
        {"authorization": "Bearer x"},
        {"authorization": ""},
        {"cookie": "session=x; session=y"},
    ],
    ids=str,
)
def test_a_cookie_alone_counts_for_nothing(anna, house, wrong):
    assert _asked(anna, RIGHT | {"origin": house.url} | wrong) is None


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_without_an_origin_the_browser_must_say_it_is_the_same(anna, site):
    assert _asked(anna, RIGHT) is None
    assert _asked(anna, RIGHT | {"sec-fetch-site": site}) is None


def test_the_header_must_be_there_once(anna, house):
    headers = [*RIGHT.items(), ("x-hub-console", "1"), ("origin", house.url)]
    assert _asked(anna, headers) is None
    assert _asked(anna, {"content-type": "application/json", "origin": house.url}) is None


def test_nobody_is_nobody(house):
    assert _asked(house.visitor(), RIGHT | {"origin": house.url}) is None


def test_the_profile_is_that_of_the_account_now(anna, house):
    console: Console = house.people.console
    cookies = "; ".join(f"{name}={value}" for name, value in anna.cookies()).encode()
    headers = [(b"cookie", cookies), (b"content-type", b"application/json"), (b"x-hub-console", b"1")]
    headers.append((b"origin", house.url.encode()))
    profile = console.profile_from_cookie(headers)
    assert profile == AccessProfile(
        relation=Relation.BOARD,
        scopes=frozenset({AccessScope.NETWORK_READ, AccessScope.STATS_READ}),
        account_id=_account(house, "anna"),
        issued_at=house.clock.now(),
        expires_at=profile.expires_at,
    )
    assert (profile.expires_at - house.clock.now()).total_seconds() == 8 * 3600
    house.people.accounts.suspend("anna")
    assert console.profile_from_cookie(headers) is None


def test_setting_up_is_no_signing_in(house):
    visitor = house.visitor()
    visitor.enrol(house.account())
    assert _asked(visitor, RIGHT | {"origin": house.url}) is None


def _account(house, login):
    with house.engine.connect() as connection:
        return connection.exec_driver_sql("select id from account where login = %s", (login,)).scalar_one()
