"""People who sign in by an OpenID provider that other people wrote, and what is tried on the way there and back."""

import json
import socket
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
import uvicorn
from databases import cloned
from partner import MISSING, new_key, signed
from town import Town, settled
from visiting.visitor import Page

from hub.app import create_app
from hub.auth.people import People, Place
from hub.auth.people.accounts import subject_of
from hub.auth.people.errors import AccountRefused
from hub.auth.root import RootKey
from hub.clock import SystemClock
from hub.settings import ClientKeys, Settings
from hub.web.connection import UVICORN
from schema.vocabulary import Relation


@dataclass
class Hall:
    """A hub whose people sign in by the provider, and the provider, which is yet to run."""

    url: str
    town: Town
    people: People

    def browser(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, follow_redirects=True, timeout=20)

    def account(self, login: str, sub: str | None, role: Relation = Relation.LEAD) -> None:
        self.people.accounts.create(login, name=login.title(), role=role)
        if sub is not None:
            self.people.accounts.link(login, subject_of(self.town.issuer, sub))


@contextmanager
def opened(database, folder):
    with closing(socket.create_server(("127.0.0.1", 0))) as listening, settled(database) as town:
        url = f"http://localhost:{listening.getsockname()[1]}"
        settings = Settings(
            base_url=url,
            data_dir=folder,
            client_keys=ClientKeys.LOOPBACK,
            openid_issuer=town.issuer,
            openid_client="the-hub",
        )
        app = create_app(settings, database, watch=town.watch)
        server = uvicorn.Server(uvicorn.Config(app, lifespan="on", **UVICORN))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        people = People(town.engine, SystemClock(), Place.of(settings), RootKey.load(settings.root_key))
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.01)
            jwks = town.http.get(f"{url}/signin/provider/keys").json()
            town.sites = [{"id": "the-hub", "jwks": jwks, "back": f"{url}/signin/provider/back"}]
            yield Hall(url, town, people)
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def hall(database, tmp_path):
    with opened(database, tmp_path) as hall:
        yield hall


def sign_in(browser, sub: str, *, goal: str = "") -> Page:
    """Walk to the provider, sign in there under any password, agree, and come back."""
    answer = browser.get("/signin/provider", params={"next": goal} if goal else {})
    for fields in ({"login": sub, "password": "any"}, {}):
        page = Page(answer)
        if not page.forms or "/interaction/" not in page.forms[0].action:
            break
        action = str(answer.url.join(page.forms[0].action))
        answer = browser.post(action, data=page.forms[0].fields | fields)
    return Page(answer)


def asked_for(browser) -> dict[str, str]:
    """Leave for the provider, and read what it is asked."""
    answer = browser.get("/signin/provider", follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def viewer(browser, hall) -> Any:
    headers = {"x-hub-console": "1", "origin": hall.url}
    answer = browser.post("/graphql", json={"query": "{ viewer { relation } }"}, headers=headers)
    if answer.status_code == 401:
        assert answer.json()["errors"][0]["extensions"]["code"] == "SESSION_ENDED"
        return None
    return answer.json()["data"]["viewer"]


def test_a_person_signs_in_by_the_provider_and_asks_the_graph(hall):
    hall.account("anna", "anna at home")
    with hall.town.providing(), hall.browser() as browser:
        page = Page(browser.get("/signin"))
        assert urlsplit(hall.town.issuer).netloc in page.text
        assert sign_in(browser, "anna at home").path == "/account"
        assert viewer(browser, hall) == {"relation": "LEAD"}
        assert "By the provider" in browser.get("/account").text
        hall.people.accounts.suspend("anna")
        assert viewer(browser, hall) is None
        hall.people.accounts.resume("anna")
        assert sign_in(browser, "anna at home").path == "/account"
        assert sign_in(browser, "anna at home", goal="/account/x").path.startswith("/signin/done")
        assert sign_in(browser, "anna at home", goal="https://evil.example/").path == "/account"


def test_the_provider_is_asked_for_a_proof_of_now_with_pkce_and_a_nonce(hall):
    with hall.town.providing(), hall.browser() as browser:
        asked, again = asked_for(browser), asked_for(browser)
    assert asked["response_type"] == "code"
    assert asked["scope"] == "openid"
    assert asked["code_challenge_method"] == "S256"
    assert (asked["prompt"], asked["max_age"]) == ("login", "0")
    assert asked["redirect_uri"] == f"{hall.url}/signin/provider/back"
    for name in ("state", "nonce", "code_challenge"):
        assert len(asked[name]) == 43
        assert asked[name] != again[name]


@pytest.mark.parametrize("linked", ["nobody", "unlinked", "suspended", "of another provider"])
def test_whom_no_active_account_is_linked_to_is_not_let_in(hall, linked):
    if linked == "unlinked":
        hall.account("eve", "eve")
        hall.people.accounts.link("eve", None)
    if linked == "suspended":
        hall.account("eve", "eve")
        hall.people.accounts.suspend("eve")
    if linked == "of another provider":
        hall.account("eve", None)
        hall.people.accounts.link("eve", subject_of("https://other.example", "eve"))
    with hall.town.providing(), hall.browser() as browser:
        page = sign_in(browser, "eve")
        assert (page.status, page.alert != "") == (403, True)
        assert viewer(browser, hall) is None


def test_a_link_ends_with_a_reset_and_is_for_one_account_only(hall):
    hall.account("anna", "anna")
    hall.account("kari", None)
    with pytest.raises(AccountRefused):
        hall.people.accounts.link("kari", subject_of(hall.town.issuer, "anna"))
    with hall.town.providing(), hall.browser() as browser:
        assert sign_in(browser, "anna").path == "/account"
        hall.people.accounts.reset("anna", by="kari")
        assert viewer(browser, hall) is None
        assert sign_in(browser, "anna").status == 403


def test_who_did_not_leave_from_here_does_not_come_back_here(hall):
    hall.account("eve", "eve")
    with hall.town.providing(), hall.browser() as thief, hall.browser() as victim:
        answer = thief.get("/signin/provider")
        page = Page(answer)
        posted = thief.post(
            str(answer.url.join(page.forms[0].action)),
            data=page.forms[0].fields | {"login": "eve", "password": "any"},
        )
        consent = Page(posted)
        back = thief.post(
            str(posted.url.join(consent.forms[0].action)), data=consent.forms[0].fields, follow_redirects=False
        )
        while "/signin/provider/back" not in back.headers["location"]:
            back = thief.get(str(back.url.join(back.headers["location"])), follow_redirects=False)
        query = urlsplit(back.headers["location"]).query
        # Neither without leaving, nor after leaving in another browser.
        assert victim.get(f"/signin/provider/back?{query}").status_code == 403
        asked_for(victim)
        assert victim.get(f"/signin/provider/back?{query}").status_code == 403
        asked_for(victim)
        state = parse_qs(query)
        twice = query + "&" + urlencode({"state": state["state"][0]})
        assert thief.get(f"/signin/provider/back?{twice}").status_code == 403
        assert viewer(victim, hall) is None


def test_while_the_provider_is_down_the_page_says_so_and_the_other_ways_stay(hall):
    with hall.browser() as browser:
        answer = browser.get("/signin/provider", follow_redirects=False)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert "/signin/password" in answer.text
        assert browser.get("/signin").status_code == 200


class Forger:
    """A provider whose answers the test writes."""

    def __init__(self, hall: Hall) -> None:
        self.hall = hall
        self.key = new_key()
        self.asked: dict[str, str] = {}
        self.sent: dict[str, str] = {}
        self.id_token: Any = None
        self.more: dict[str, Any] = {}

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        issuer = self.hall.town.issuer
        match scope["path"]:
            case "/.well-known/openid-configuration":
                body = {
                    "issuer": issuer,
                    "jwks_uri": f"{issuer}/keys",
                    "authorization_endpoint": f"{issuer}/auth",
                    "token_endpoint": f"{issuer}/token",
                } | self.more
            case "/keys":
                body = {"keys": [self.key.as_dict(private=False) | {"kid": "a"}]}
            case _:
                message = await receive()
                self.sent = {name: values[0] for name, values in parse_qs(message["body"].decode()).items()}
                body = {"access_token": "opaque", "token_type": "Bearer", "id_token": self.id_token}
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    def token(self, *, header: dict | None = None, key: Any = None, **claims: Any) -> str:
        now = int(time.time())
        base = {
            "iss": self.hall.town.issuer,
            "sub": "anna",
            "aud": "the-hub",
            "iat": now,
            "exp": now + 60,
            "auth_time": now,
            "nonce": self.asked["nonce"],
        }
        moved = {
            name: now + value if name in {"iat", "exp", "auth_time"} and type(value) is int else value
            for name, value in claims.items()
        }
        return signed({"alg": "ES256", "kid": "a"} | (header or {}), base | moved, key or self.key)

    def returns(self, browser, id_token, *, iss: Any = MISSING) -> int:
        """Send a browser there and back; tell how the hub answers."""
        self.asked = asked_for(browser)
        self.id_token = id_token()
        query = {"code": "a-code", "state": self.asked["state"], "iss": iss}
        given = {name: value for name, value in query.items() if value is not MISSING}
        return browser.get("/signin/provider/back", params=given, follow_redirects=False).status_code


@contextmanager
def lying(hall):
    hall.account("anna", "anna")
    forger = Forger(hall)
    with closing(socket.create_server(("127.0.0.1", hall.town.port))) as listening:
        server = uvicorn.Server(uvicorn.Config(forger, lifespan="off", **UVICORN))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield forger
        server.should_exit = True
        thread.join()


@pytest.fixture
def forger(hall):
    with lying(hall) as forger:
        yield forger


@pytest.fixture(scope="module")
def one_forger(template, tmp_path_factory):
    """A provider that lies, for tests in which nobody comes in."""
    folder = tmp_path_factory.mktemp("hall")
    with cloned(template, "openid_forger") as database, opened(database, folder) as hall, lying(hall) as forger:
        yield forger


def test_the_hub_proves_who_it_is_and_that_it_asked(forger):
    with forger.hall.browser() as browser:
        assert forger.returns(browser, forger.token) == 303
    assert forger.sent["grant_type"] == "authorization_code"
    assert forger.sent["client_id"] == "the-hub"
    assert len(forger.sent["code_verifier"]) == 43
    assert forger.sent["client_assertion_type"].endswith("jwt-bearer")
    assert "client_secret" not in forger.sent


@pytest.mark.parametrize(
    "bent",
    [
        {"iss": "https://provider.example"},
        {"aud": "another-client"},
        {"aud": ["the-hub", "another-client"]},
        {"aud": ["the-hub"], "azp": "another-client"},
        {"aud": MISSING},
        {"nonce": "another"},
        {"nonce": MISSING},
        {"exp": -60},
        {"exp": MISSING},
        {"iat": 600},
        {"auth_time": -600},
        {"auth_time": MISSING},
        {"auth_time": "now"},
        {"sub": MISSING},
        {"sub": ["anna"]},
        {"sub": "anna\x00"},
        {"sub": "a" * 300},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
        {"header": {"typ": "at+jwt"}},
        {"header": {"kid": "b"}},
    ],
    ids=str,
)
def test_a_bent_id_token_lets_nobody_in(one_forger, bent):
    with one_forger.hall.browser() as browser:
        assert one_forger.returns(browser, lambda: one_forger.token(**bent)) == 403
        assert viewer(browser, one_forger.hall) is None


def test_an_id_token_without_signature_lets_nobody_in(one_forger):
    def unsigned():
        return "eyJhbGciOiJub25lIn0.{}.".format(one_forger.token().split(".")[1])

    with one_forger.hall.browser() as browser:
        assert one_forger.returns(browser, unsigned) == 403
        assert one_forger.returns(browser, lambda: None) == 403
        assert one_forger.returns(browser, lambda: "") == 403


def test_what_was_remembered_of_a_trip_is_good_for_one_return(forger):
    with forger.hall.browser() as browser:
        assert forger.returns(browser, lambda: forger.token(nonce="another")) == 403
        forger.id_token = forger.token()
        query = {"code": "a-code", "state": forger.asked["state"]}
        assert browser.get("/signin/provider/back", params=query, follow_redirects=False).status_code == 403


def test_an_id_token_by_another_key_lets_nobody_in(forger):
    with forger.hall.browser() as browser:
        assert forger.returns(browser, lambda: forger.token(key=new_key())) == 403


def test_an_answer_of_another_issuer_is_not_taken(forger):
    issuer = forger.hall.town.issuer
    with forger.hall.browser() as browser:
        assert forger.returns(browser, forger.token, iss="https://other.example") == 403
        assert forger.returns(browser, forger.token, iss=issuer) == 303
        forger.more = {"authorization_response_iss_parameter_supported": True}
        forger.hall.town.watch.ahead += 301
        until = time.monotonic() + 10
        while forger.returns(browser, forger.token) != 403:
            assert time.monotonic() < until
            time.sleep(0.1)
        assert forger.returns(browser, forger.token, iss=issuer) == 303


def test_a_provider_that_sends_people_to_no_web_address_is_not_followed(forger):
    forger.more = {"authorization_endpoint": "javascript:alert(1)"}
    with forger.hall.browser() as browser:
        assert browser.get("/signin/provider", follow_redirects=False).status_code == 403


def test_trips_are_counted(forger):
    with forger.hall.browser() as browser:
        statuses = [browser.get("/signin/provider", follow_redirects=False).status_code for _ in range(70)]
    assert statuses[0] == 303
    assert statuses[-1] == 429


def test_without_being_a_client_there_is_no_such_page(hall, database, tmp_path):
    with hall.town.asking(database, root_key_file=tmp_path / "root.key") as town:
        assert town.http.get(f"{town.hub}/signin/provider").status_code == 404
        assert "/signin/provider" not in town.http.get(f"{town.hub}/signin").text
