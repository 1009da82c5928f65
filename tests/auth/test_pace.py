"""The OAuth endpoints, asked too often: by a client, by a stranger, by a browser."""

import httpx
import pytest
from running import NOON, world

from hub.clock import SetClock
from hub.web.rates import CLIENTS_MOST, Pace, TooManyRequests

FEW = 40


@pytest.fixture
def slow_hub(engine, tmp_path):
    with world(engine, tmp_path, SetClock(NOON), oauth_per_minute=FEW) as hub:
        yield hub


def slowed(answer: httpx.Response) -> bool:
    if answer.status_code != 429:
        return False
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["error"] == "temporarily_unavailable"
    assert set(body) == {"error", "error_description"}
    return True


def until_slowed(ask, most: int) -> int:
    """Ask until it is refused; tell how often it was not."""
    for number in range(most):
        if slowed(ask()):
            return number
    pytest.fail(f"{most} times nobody was slowed")


def test_a_client_that_asks_too_often_is_slowed_and_others_are_not(slow_hub):
    hasty, calm = slow_hub.machine(), slow_hub.machine()
    assert FEW <= until_slowed(hasty.token, 3 * FEW) < 2 * FEW
    assert calm.token().status_code == 200
    assert slowed(hasty.token())
    assert slowed(hasty.push())


def test_an_assertion_that_was_slowed_is_not_used_up(slow_hub):
    hasty = slow_hub.machine()
    until_slowed(hasty.token, 3 * FEW)
    kept, answer = hasty.assertion(), None
    for _ in range(2000):
        answer = hasty.token(assertion=kept)
        if not slowed(answer):
            break
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("endpoint", ["token", "par", "revoke", "introspect"])
def test_a_stranger_who_guesses_is_slowed_ten_times_sooner_whatever_name_it_gives(slow_hub, endpoint):
    stranger = slow_hub.machine()
    names = iter(range(1000))

    def guess():
        stranger.id = f"client-{next(names)}"
        return stranger.post(endpoint, grant_type="client_credentials", token="x")

    assert until_slowed(guess, FEW) <= FEW // 10 + 1


def test_a_stranger_cannot_use_up_what_a_client_may(slow_hub):
    victim, thief = slow_hub.machine(), slow_hub.machine()
    thief.id = victim.id
    until_slowed(thief.token, FEW)
    pace = slow_hub.pace
    for _ in range(FEW):
        pace.admit(victim.id)
    with pytest.raises(TooManyRequests):
        pace.admit(victim.id)


def test_requests_that_are_no_forms_are_slowed_too(slow_hub):
    url = f"{slow_hub.issuer}/oauth/token"
    assert until_slowed(lambda: slow_hub.http.post(url, json={}), FEW) <= FEW // 10 + 1


def test_browsers_are_slowed_with_a_page(slow_hub):
    url = f"{slow_hub.issuer}/oauth/authorize"
    for _ in range(FEW):
        answer = slow_hub.http.get(url, params={"client_id": "x", "request_uri": "y"})
        if answer.status_code == 429:
            break
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "Wait a minute" in answer.text


def test_registration_and_keys_are_slowed(slow_hub):
    assert until_slowed(lambda: slow_hub.http.post(f"{slow_hub.issuer}/oauth/register", json={}), FEW) <= FEW // 10 + 1


def test_asking_for_keys_is_counted(slow_hub):
    assert FEW <= until_slowed(lambda: slow_hub.http.get(f"{slow_hub.issuer}/oauth/jwks"), 3 * FEW) < 2 * FEW


def test_a_client_that_must_be_asked_for_a_nonce_is_not_slowed_for_it(slow_hub):
    client = slow_hub.machine(needs_nonce=True)
    for _ in range(FEW // 4):
        assert client.token().json()["error"] == "use_dpop_nonce"
    other = slow_hub.machine()
    assert other.token().status_code == 200


def test_machines_of_one_network_count_as_one_address(slow_hub):
    url, numbers = f"{slow_hub.issuer}/oauth/token", iter(range(1, 1000))

    def guess(start="2001:db8::"):
        return slow_hub.http.post(url, json={}, headers={"X-From": f"{start}{next(numbers):x}"})

    assert until_slowed(guess, FEW) <= FEW // 10 + 1
    assert guess("2001:db8:0:1::").status_code == 400
    assert guess("192.0.2.").status_code == 400


def test_who_waits_as_long_as_told_is_let_in_again():
    now = [0.0]
    pace = Pace(60, lambda: now[0])
    pace.pay("192.0.2.1", 90)
    with pytest.raises(TooManyRequests) as refused:
        pace.check("192.0.2.1")
    pace.check("192.0.2.2")
    now[0] += refused.value.retry_seconds
    pace.check("192.0.2.1")


def test_strangers_fill_no_memory():
    pace = Pace(60, lambda: 0.0)
    for number in range(CLIENTS_MOST + 100):
        pace.pay(str(number), 1)
    assert len(pace._buckets._buckets) == CLIENTS_MOST  # noqa: SLF001
