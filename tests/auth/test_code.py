import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from partner import back, cookie_header, read

from schema.vocabulary import AccessScope, Purpose, Relation
from schema.vocabulary.access import LETS

BOTH = (AccessScope.NETWORK_READ, AccessScope.CASE_READ)


def test_a_person_lets_the_hubs_own_console_in(hub):
    console, person = hub.web(purposes=[Purpose.RESIDENCY_PLACEMENT]), hub.people.add(*BOTH)
    answer = console.authorize(console.push(scope="network:read").json()["request_uri"], person=person)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("https://console.example/back?")
    told = back(answer)
    assert told["state"] == "a state"
    assert told["iss"] == hub.issuer
    tokens = console.redeem(told["code"]).json()
    assert tokens["scope"] == "network:read"
    assert len(tokens["refresh_token"]) == 43
    _, claims = read(tokens["access_token"])
    assert claims["sub"] == str(person)
    assert claims["client_id"] == console.id
    assert claims["roles"] == ["caseworker"]
    assert claims["amr"] == ["hwk", "user"]
    assert claims["auth_time"] == console.now
    assert claims["purposes"] == ["residency_placement"]
    assert claims["cnf"] == {"jkt": console.jkt}
    assert console.read(tokens["access_token"]).json()["sub"] == str(person)


def test_without_a_scope_a_person_gives_what_client_and_person_both_have(hub):
    console = hub.web(AccessScope.NETWORK_READ, AccessScope.CASE_READ)
    person = hub.people.add(AccessScope.NETWORK_READ, AccessScope.STATS_READ)
    assert console.redeem(console.code(person)).json()["scope"] == "network:read"


def test_a_scope_the_person_lacks_is_refused_not_narrowed(hub):
    console, person = hub.web(), hub.people.add(AccessScope.NETWORK_READ)
    pushed = console.push(scope="network:read case:read").json()["request_uri"]
    told = back(console.authorize(pushed, person=person))
    assert told["error"] == "invalid_scope"
    assert told["iss"] == hub.issuer
    assert "code" not in told


def test_claims_of_a_person_come_from_the_account(hub):
    body = hub.body("artists")
    console = hub.web()
    person = hub.people.add(*BOTH, relation=Relation.ASSESSOR, organisation_id=body)
    _, claims = read(console.redeem(console.code(person)).json()["access_token"])
    assert claims["org"] == str(body)
    assert claims["roles"] == ["assessor"]


def test_who_is_not_signed_in_goes_to_sign_in_and_comes_back(hub):
    console, person = hub.web(), hub.people.add(*BOTH)
    answer = console.authorize(console.push().json()["request_uri"])
    assert answer.status_code == 303
    to = urlsplit(answer.headers["location"])
    assert f"{to.scheme}://{to.netloc}{to.path}" == f"{hub.issuer}/signin"
    after = parse_qs(to.query)["next"][0]
    assert after.startswith("/oauth/authorize?ticket=")
    browser = dict([answer.headers["set-cookie"].partition(";")[0].split("=", 1)])
    hub.clock.advance(minutes=5)
    again = hub.http.get(hub.issuer + after, headers=cookie_header(browser | {"person": str(person)}))
    assert console.redeem(back(again)["code"]).status_code == 200


@pytest.fixture
def asked(hub):
    """A page that asks a person about somebody else's site."""
    site, person = hub.web(first_party=False), hub.people.add(*BOTH)
    page = site.authorize(site.push(scope="network:read").json()["request_uri"], person=person)
    assert page.status_code == 200
    browser = dict([page.headers["set-cookie"].partition(";")[0].split("=", 1)])
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', page.text))
    return site, page, fields, browser | {"person": str(person)}


def send(site, fields, cookies, **headers) -> httpx.Response:
    return site.http.post(site.url("authorize"), data=fields, headers=cookie_header(cookies) | headers)


def test_other_sites_need_the_persons_word(asked):
    site, page, fields, cookies = asked
    assert "web client" in page.text
    assert "<script" not in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self' https://console.example;" in policy
    assert "frame-ancestors 'none'" in policy
    answer = send(site, fields | {"decision": "allow"}, cookies)
    assert answer.status_code == 303
    assert site.redeem(back(answer)["code"]).json()["scope"] == "network:read"


def test_a_person_says_no(asked):
    site, _, fields, cookies = asked
    told = back(send(site, fields | {"decision": "deny"}, cookies))
    assert told["error"] == "access_denied"
    assert told["state"] == "a state"


def test_nobody_decides_twice(asked):
    site, _, fields, cookies = asked
    assert send(site, fields | {"decision": "allow"}, cookies).status_code == 303
    assert send(site, fields | {"decision": "allow"}, cookies).status_code == 400


def test_a_form_without_its_secret_decides_nothing(asked):
    site, _, fields, cookies = asked
    assert send(site, fields | {"decision": "allow", "csrf": "x"}, cookies).status_code == 403
    assert send(site, {"decision": "allow", "ticket": fields["ticket"]}, cookies).status_code == 403


def test_another_origin_decides_nothing(asked):
    site, _, fields, cookies = asked
    assert send(site, fields | {"decision": "allow"}, cookies, Origin="https://evil.example").status_code == 403
    assert send(site, fields | {"decision": "allow"}, cookies, Origin="null").status_code == 403


def test_another_browser_decides_nothing(asked):
    site, _, fields, cookies = asked
    without = {"person": cookies["person"]}
    assert send(site, fields | {"decision": "allow"}, without).status_code == 400


def test_another_person_decides_nothing_with_the_form(hub, asked):
    site, _, fields, cookies = asked
    other = hub.people.add(*BOTH)
    assert send(site, fields | {"decision": "allow"}, cookies | {"person": str(other)}).status_code == 403


def test_a_request_too_old_is_not_decided(hub, asked):
    site, _, fields, cookies = asked
    hub.clock.advance(minutes=16)
    assert send(site, fields | {"decision": "allow"}, cookies).status_code == 400


def test_a_refresh_token_gives_access_without_the_person(hub):
    console, person = hub.web(), hub.people.add(*BOTH)
    tokens = console.redeem(console.code(person)).json()
    hub.clock.advance(minutes=10)
    again = console.refresh(tokens["refresh_token"]).json()
    assert "refresh_token" not in again
    assert read(again["access_token"])[1]["gid"] == read(tokens["access_token"])[1]["gid"]
    assert read(again["access_token"])[1]["auth_time"] == read(tokens["access_token"])[1]["auth_time"]
    assert console.refresh(tokens["refresh_token"], scope="case:read").json()["scope"] == "case:read"


def test_a_client_that_rotates_gets_a_new_refresh_token_each_time(hub):
    console, person = hub.web(rotates_refresh=True), hub.people.add(*BOTH)
    tokens = console.redeem(console.code(person)).json()
    for _ in range(3):
        answer = console.refresh(tokens["refresh_token"])
        assert answer.status_code == 200
        assert answer.json()["refresh_token"] != tokens["refresh_token"]
        tokens = answer.json()


def test_a_suspended_person_gets_no_more_tokens(hub):
    console, person = hub.web(), hub.people.add(*BOTH)
    tokens = console.redeem(console.code(person)).json()
    code = console.code(person)
    del hub.people.accounts[person]
    assert console.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert console.redeem(code).json()["error"] == "invalid_grant"


def test_a_grant_ends_by_itself(hub):
    console, person = hub.web(), hub.people.add(*BOTH)
    tokens = console.redeem(console.code(person)).json()
    hub.clock.advance(days=timedelta(days=30).days, seconds=1)
    assert console.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_the_page_says_in_sentences_what_the_client_could_do(hub):
    site = hub.web(*AccessScope, first_party=False)
    person = hub.people.add(AccessScope.NETWORK_READ, AccessScope.HEALTH_READ, AccessScope.STATS_READ)
    page = site.authorize(site.push(scope="health:read network:read").json()["request_uri"], person=person).text
    said = [unescape(each) for each in re.findall(r"<li>(.*?)</li>", page)]
    assert said == [LETS[AccessScope.NETWORK_READ], LETS[AccessScope.HEALTH_READ]]
    assert not any(scope.value in page for scope in AccessScope)


def test_every_scope_has_a_sentence_of_its_own():
    assert set(LETS) == set(AccessScope)
    assert len(set(LETS.values())) == len(AccessScope)
    for scope, sentence in LETS.items():
        assert re.fullmatch(r"[A-Z][a-z ,:'-]+\.", sentence), sentence
        assert scope.value not in sentence
