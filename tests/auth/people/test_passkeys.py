"""Passkeys under attack: replay, phishing, no verification, copies, other people's keys."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from visiting.authenticator import Authenticator, b64


def test_a_challenge_counts_once(house):
    visitor = house.with_passkey()
    page = visitor.get("/signin")
    options = visitor.json(page, "/signin/passkey/options", {}).json()
    signed = visitor.key.get(options)
    assert visitor.json(page, "/signin/passkey", signed).status_code == 200
    again = house.visitor()
    assert again.json(again.get("/signin"), "/signin/passkey", signed).status_code == 403
    page = visitor.get("/signin")
    assert visitor.json(page, "/signin/passkey", signed).status_code == 403


def test_of_many_with_one_challenge_one_gets_in(house):
    visitor = house.with_passkey()
    page = visitor.get("/signin")
    options = visitor.json(page, "/signin/passkey/options", {}).json()
    answers = [visitor.key.get(options) for _ in range(6)]
    cookies = dict(visitor.cookies())

    def send(signed):
        browser = house.visitor()
        browser.client.cookies.update(cookies)
        return browser.json(page, "/signin/passkey", signed).status_code

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(send, answers)) == [200, 403, 403, 403, 403, 403]


def test_a_failed_try_burns_its_challenge(house):
    visitor = house.with_passkey()
    page = visitor.get("/signin")
    options = visitor.json(page, "/signin/passkey/options", {}).json()
    signed = visitor.key.get(options)
    broken = signed | {"response": signed["response"] | {"signature": b64(b"x" * 70)}}
    assert visitor.json(page, "/signin/passkey", broken).status_code == 403
    assert visitor.json(page, "/signin/passkey", signed).status_code == 403


def test_a_challenge_of_another_browser_does_not_count(house):
    visitor, thief = house.with_passkey(), house.visitor()
    options = thief.json(thief.get("/signin"), "/signin/passkey/options", {}).json()
    page = visitor.get("/signin")
    assert visitor.json(page, "/signin/passkey", visitor.key.get(options)).status_code == 403


def test_a_challenge_lives_five_minutes(house):
    visitor = house.with_passkey()
    page = visitor.get("/signin")
    options = visitor.json(page, "/signin/passkey/options", {}).json()
    house.clock.advance(minutes=5, seconds=1)
    assert visitor.json(page, "/signin/passkey", visitor.key.get(options)).status_code == 403
    visitor.json(page, "/signin/passkey/options", {})
    assert house.count("challenge") == 1, "old ones are cleared away"


@pytest.mark.parametrize(
    "phishing",
    [
        {"origin": "https://hub-icorn.example"},
        {"origin": "http://localhost:1"},
        {"rp_id": "hub-icorn.example"},
        {"verifies": False},
    ],
    ids=str,
)
def test_a_phished_or_unverified_passkey_does_not_get_in(house, phishing):
    visitor = house.with_passkey()
    visitor.key = replace(visitor.key, **phishing)
    assert visitor.sign_in_by_passkey().status_code == 403
    assert not visitor.signed_in()


@pytest.mark.parametrize(
    "said", [{"crossOrigin": True}, {"topOrigin": "https://evil.example"}, {"type": "webauthn.create"}]
)
def test_a_passkey_used_in_a_frame_or_for_something_else_does_not_get_in(house, said):
    visitor = house.with_passkey()
    page = visitor.get("/signin")
    options = visitor.json(page, "/signin/passkey/options", {}).json()
    assert visitor.json(page, "/signin/passkey", visitor.key.get(options, **said)).status_code == 403


def test_a_copy_of_a_passkey_is_noticed_by_its_counter(house):
    visitor = house.with_passkey()
    copy = replace(visitor.key)
    for _ in range(3):
        assert visitor.sign_in_by_passkey().status_code == 200
    thief = house.visitor()
    thief.key = copy
    assert thief.sign_in_by_passkey().status_code == 403
    assert visitor.sign_in_by_passkey().status_code == 200


def test_passkeys_that_count_nothing_get_in(house):
    visitor = house.with_passkey()
    with house.engine.begin() as connection:
        connection.exec_driver_sql("update passkey set sign_count = 0")
    for _ in range(2):
        visitor.key.counter = -1
        assert visitor.sign_in_by_passkey().status_code == 200


def test_a_passkey_that_names_another_account_does_not_get_in(house):
    anna, bert = house.with_passkey("anna"), house.with_passkey("bert")
    anna.key.user_handle = bert.key.user_handle
    assert anna.sign_in_by_passkey().status_code == 403


def test_an_unknown_passkey_does_not_get_in(house):
    visitor = house.visitor()
    visitor.key = Authenticator(house.url, user_handle=bytes(16))
    assert visitor.sign_in_by_passkey().status_code == 403


@pytest.mark.parametrize(
    "garbage",
    [
        {},
        {"id": 1, "rawId": [], "response": "x"},
        {"response": {"clientDataJSON": "!!!"}},
        {"response": {"clientDataJSON": b64(b"[1]")}},
        {"response": {"clientDataJSON": b64(b"[" * 5000)}},
        {"response": {"clientDataJSON": b64(b'{"challenge": 7}')}},
    ],
    ids=str,
)
def test_garbage_is_refused_like_everything_else(house, garbage):
    visitor = house.visitor()
    answer = visitor.json(visitor.get("/signin"), "/signin/passkey", garbage)
    assert answer.status_code == 403
    assert "did not fit" in answer.json()["error"]


@pytest.mark.parametrize(
    "bad", [{"origin": "https://hub-icorn.example"}, {"rp_id": "example"}, {"verifies": False}], ids=str
)
def test_a_passkey_made_elsewhere_or_unverified_is_not_enrolled(house, bad):
    visitor = house.visitor()
    visitor.enrol(house.account())
    answer = visitor.add_passkey(Authenticator(**{"origin": house.url} | bad))
    assert answer.status_code == 422
    assert house.count("passkey") == 0


def test_a_passkey_is_enrolled_once(house):
    visitor = house.visitor()
    visitor.enrol(house.account())
    assert visitor.add_passkey().status_code == 200
    again = visitor.add_passkey(visitor.key)
    assert (again.status_code, again.json()["error"]) == (422, "This passkey is enrolled already.")


def test_a_passkey_of_one_account_is_not_taken_by_another(house):
    anna = house.with_passkey("anna")
    bert = house.visitor()
    bert.enrol(house.account("bert"))
    assert bert.add_passkey(replace(anna.key)).status_code == 422


def test_enrolling_asks_for_what_keeps_people_safe(house):
    visitor = house.visitor()
    visitor.enrol(house.account("anna"))
    options = visitor.json(visitor.get("/enrol"), "/account/passkeys/options", {}).json()
    assert options["rp"]["id"] == "localhost"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["attestation"] == "none"
    assert options["user"]["name"] == "anna"
    signing = visitor.json(visitor.get("/enrol"), "/signin/passkey/options", {}).json()
    assert signing["userVerification"] == "required"
    assert not signing["allowCredentials"], "nobody learns which passkeys there are"
