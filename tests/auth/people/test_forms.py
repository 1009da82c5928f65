"""Forms that others send, addresses that lead elsewhere, and what browsers are told about our pages."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from visiting.house import PASSWORD, housed

from hub.auth.people import Place
from hub.settings import Environment, Settings
from hub.web.forms import fit_to_go
from schema.vocabulary import Relation

POSTS = [
    "/signin/passkey", "/signin/passkey/options", "/signin/password", "/signin/totp", "/signin/recovery", "/signout",
    "/enrol", "/enrol/finish", "/account/passkeys/options", "/account/passkeys", "/account/passkeys/remove",
    "/account/password", "/account/password/remove", "/account/totp", "/account/codes", "/account/sessions",
]  # fmt: skip


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("body", ["form", "json"])
def test_no_form_counts_from_elsewhere_or_without_its_token(house, path, body):
    visitor = house.with_passkey()
    visitor.sign_in_by_passkey()
    page = visitor.get("/account")
    csrf = page.form("/account/codes").fields["csrf"]
    right = {"origin": house.url, "x-csrf-token": csrf}
    wrong = [
        right | {"origin": "https://evil.example"},
        right | {"origin": "null"},
        right | {"origin": house.url + ".evil.example"},
        {"x-csrf-token": csrf},
        {"x-csrf-token": csrf, "sec-fetch-site": "same-site"},
        right | {"x-csrf-token": csrf[:-1]},
        right | {"x-csrf-token": ""},
        right | {"x-csrf-token": "é"},
    ]
    for headers in wrong:
        given_token = headers["x-csrf-token"]
        sent = {name: value.encode() for name, value in headers.items()}
        if body == "json":
            answer = visitor.client.post(path, json={"csrf": csrf}, headers=sent)
        else:
            answer = visitor.client.post(path, data={"csrf": given_token}, headers=sent)
        assert answer.status_code == 403, headers
        assert "not opened from here" in answer.text
    assert visitor.signed_in()
    assert house.count("passkey") == 1


def test_nobody_is_made_to_sign_in_as_somebody_else(house):
    attacker = house.with_password("mallory")
    page = attacker.submit(attacker.get("/signin/password"), "/signin/password", login="mallory", password=PASSWORD)
    stolen = page.form("/signin/totp").fields | {"code": attacker.one_time_code()}
    victim = house.visitor()
    victim.get("/signin")
    for origin in (house.url, "https://evil.example"):
        assert victim.post("/signin/totp", stolen, origin=origin).status == 403
    assert not victim.signed_in()


def test_a_token_of_the_visit_is_none_of_the_session(house):
    visitor = house.with_passkey()
    before = visitor.get("/signin").passkey["data-csrf"]
    visitor.sign_in_by_passkey()
    after = visitor.get("/account").form("/account/codes").fields["csrf"]
    assert before != after
    assert visitor.post("/account/codes", {"csrf": before}).status == 403


@pytest.mark.parametrize(
    "goal",
    [
        "/account", "/account/totp", "/console", "/console/", "/oauth/authorize?client_id=a&request_uri=urn:b%3Ac",
        "/oauth/authorize?redirect_uri=https://partner.example/back",
    ],
)  # fmt: skip
def test_signing_in_leads_to_our_own_pages(goal):
    assert fit_to_go(goal)


@pytest.mark.parametrize(
    "goal",
    [
        "", "/", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example",
        "https:evil.example", "javascript:alert(1)", "/account/../..//evil.example", "/account//evil.example",
        "/accountable", "/account@evil.example", "/account:80", "/account\r\nset-cookie: a=b", "/account\t",
        " /account", "/account#x", "/%2f/evil.example", "/account/%2e%2e/x", "/graphql", "/signout", "/oauthx",
        "/account\u2028", "/console/" + "x" * 2000, "evil.example/account", "/console/\x00",
    ],
)  # fmt: skip
def test_signing_in_leads_nowhere_else(house, goal):
    assert not fit_to_go(goal)
    visitor = house.visitor()
    answer = visitor.client.get("/signin", params={"next": goal})
    assert 'data-next=""' in answer.text


@given(st.text(alphabet="/\\.:@%#? aé\t\nconsole-evil", max_size=30))
def test_whatever_is_fit_to_go_stays_with_us(tail):
    goal = "/console" + tail
    if fit_to_go(goal):
        there = httpx.URL("https://hub.example/signin").join(goal)
        assert (there.scheme, there.host) == ("https", "hub.example")
        assert there.path.startswith("/console")


def test_after_signing_in_by_password_a_page_of_our_own_leads_on(house):
    visitor = house.with_password("anna")
    page = visitor.sign_in("anna", PASSWORD, goal="/oauth/authorize%3Fclient_id%3Da%26x%3D%22")
    assert page.path.startswith("/signin/done?next=")
    assert 'content="0; url=/oauth/authorize?client_id=a&amp;x=&#34;"' in page.text


def test_after_signing_in_by_passkey_the_script_is_told_where_to_go(house):
    visitor = house.with_passkey()
    assert visitor.sign_in_by_passkey(goal="/console?a=b").json() == {"next": "/console?a=b"}
    assert visitor.sign_in_by_passkey(goal="//evil.example").json() == {"next": "/account"}


@pytest.mark.parametrize(
    "path", ["/signin", "/signin/password", "/signin/totp", "/signin/recovery", "/signin/done", "/enrol", "/signout"]
)
def test_every_page_is_told_to_load_nothing_and_to_be_kept_nowhere(house, path):
    page = house.visitor().get(path)
    assert page.status == 200
    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == policy["connect-src"] == "'self'"
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "same-origin"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["x-frame-options"] == "DENY"
    assert '<html lang="en">' in page.text
    assert "<style" not in page.text
    assert " style=" not in page.text
    assert "http://" not in page.text.replace("http://www.w3.org/", "")


def test_names_are_shown_as_text(house):
    visitor = house.visitor()
    visitor.enrol(house.people.accounts.create("eve", name="<script>alert(1)</script>", role=Relation.LEAD))
    page = visitor.get("/enrol")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text


@pytest.mark.parametrize(
    ("name", "media"), [("style.css", "text/css"), ("passkey.js", "text/javascript"), ("icon.svg", "image/svg+xml")]
)
def test_files_of_the_pages_are_ours(house, name, media):
    answer = house.visitor().client.get(f"/signin/{name}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(media)


def test_bodies_are_bounded_and_of_known_kinds(house):
    visitor = house.visitor()
    csrf = visitor.get("/signin/password").form("/signin/password").fields["csrf"]
    headers = {"origin": house.url, "x-csrf-token": csrf}
    send = visitor.client.post
    assert send("/signin/password", content=b"x" * 40_000, headers=headers).status_code == 413
    assert send("/signin/password", content=b"x", headers=headers).status_code == 415
    assert send("/signin/password", json=[1], headers=headers).status_code == 400
    many = headers | {"content-type": "application/x-www-form-urlencoded"}
    assert send("/signin/password", content=b"a=1&" * 30, headers=many).status_code == 400
    assert send("/signin/password", content=b"a=1&a=2", headers=many).status_code == 400
    json = headers | {"content-type": "application/json"}
    assert send("/signin/passkey", content=b"[" * 30_000, headers=json).status_code == 400


@pytest.mark.parametrize(
    "text",
    [
        "\x00",
        "\ud800".encode("utf-8", "surrogatepass"),
        b"\xff\xfe",
        "a" * 5000,
        "' or 1=1 --",
        "\uff41\uff4e\uff4e\uff41",
    ],
)
def test_odd_logins_are_refused_like_others(house, text):
    visitor = house.visitor()
    page = visitor.get("/signin/password")
    fields = page.form("/signin/password").fields | {"login": text, "password": text}
    answer = visitor.client.post("/signin/password", data=fields, headers={"origin": house.url})
    assert (answer.status_code, answer.url.path) == (200, "/signin/totp")


def test_without_tls_on_this_machine_cookies_go_plain_and_nowhere_else():
    plain = Place.of(Settings(port=8000))
    assert (plain.secure, plain.rp_id, plain.cookie("session")) == (False, "localhost", "session")
    assert plain.origins == ("http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000")
    for settings in (
        Settings(base_url="https://hub.example"),
        Settings(base_url="http://hub.example"),
        Settings(environment=Environment.PRODUCTION),
        Settings(environment=Environment.PRODUCTION, base_url="https://localhost"),
    ):
        place = Place.of(settings)
        assert (place.secure, place.cookie("session")) == (True, "__Host-session")
        assert len(place.origins) == 1
    assert Place.of(Settings(base_url="https://hub.example:443")).origins == ("https://hub.example",)
    assert Place.of(Settings(base_url="https://hub.example:8443")).origins == ("https://hub.example:8443",)


def test_behind_tls_cookies_are_bound_to_the_host(database):
    with housed(database, base_url="https://hub.example") as house:
        visitor = house.visitor()
        answer = visitor.client.get("/signin")
        assert answer.headers["set-cookie"].startswith("__Host-visit=")
        flags = {flag.strip().lower() for flag in answer.headers["set-cookie"].split(";")[1:]}
        assert flags == {"httponly", "secure", "samesite=lax", "path=/"}


def test_the_address_is_what_our_own_proxy_saw():
    place = Place.of(Settings(base_url="https://hub.example"))
    assert place.address("10.0.0.1", "1.1.1.1, 2.2.2.2") == "2.2.2.2"
    assert place.address("10.0.0.1", "") == "10.0.0.1"
    two = Place.of(Settings(base_url="https://hub.example", proxies=2))
    assert two.address("10.0.0.1", "6.6.6.6, 1.1.1.1, 2.2.2.2") == "1.1.1.1"
    assert Place.of(Settings()).address("127.0.0.1", "6.6.6.6") == "127.0.0.1"
