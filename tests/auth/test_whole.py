"""The whole hub, as it is wired: a person signs in at its pages and lets a site in, which then asks the graph."""

import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx
import pytest
import uvicorn
from partner import MISSING, Partner, back
from running import no_cookies
from sqlmodel import Session
from visiting.house import NOON
from visiting.visitor import Visitor

from hub.app import create_app
from hub.auth import registry
from hub.auth.people import People, Place
from hub.auth.registry import NewClient
from hub.auth.root import RootKey
from hub.clock import SetClock
from hub.settings import Settings
from hub.web.connection import UVICORN
from schema.tables.oauth import ClientKind
from schema.vocabulary import AccessScope, Relation

ASKED = {"query": "{ viewer { relation scopes } }"}


@pytest.fixture
def whole(database, tmp_path):
    """A visitor of the hub, the people it knows, and a site of somebody else."""
    clock = SetClock(NOON)
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        url = f"http://localhost:{listening.getsockname()[1]}"
        settings = Settings(base_url=url, data_dir=tmp_path)
        server = uvicorn.Server(uvicorn.Config(create_app(settings, database, clock), lifespan="on", **UVICORN))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        engine, visitor = database.engine(), Visitor(url, clock, {})
        http = httpx.Client(timeout=10, cookies=no_cookies())
        site = Partner(url, clock, http)
        with Session(engine) as session, session.begin():
            new = NewClient(
                name="A site",
                kind=ClientKind.WEB,
                redirect_uris=["https://console.example/back"],
                scopes=[AccessScope.NETWORK_READ, AccessScope.STATS_READ],
                jwks=site.jwks,
            )
            site.id = registry.create(session, new, now=clock.now()).id
        people = People(engine, clock, Place.of(settings), RootKey.load(settings.root_key))
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.01)
            yield visitor, people, site, engine
        finally:
            http.close()
            visitor.close()
            server.should_exit = True
            thread.join()
            engine.dispose()


def ask(site, token, **headers):
    """Ask the graph who is asking."""
    url = f"{site.issuer}/graphql"
    proof = headers.pop("proof", None) or site.proof("POST", url, token=token)
    sent = {"Authorization": f"DPoP {token}"} | ({} if proof is MISSING else {"DPoP": proof})
    return site.http.post(url, json=ASKED, headers=sent)


def let_in(visitor, people, site):
    """Sign in on the way, say yes, and give what the site gets."""
    visitor.enrol(people.accounts.create("anna", name="Anna", role=Relation.BOARD))
    visitor.add_passkey()
    visitor.make_codes()
    visitor.finish()
    visitor.client.post("/signout")
    visitor.client.cookies.clear()
    query = {"client_id": site.id, "request_uri": site.push(scope="network:read").json()["request_uri"]}
    sent = visitor.client.get("/oauth/authorize", params=query, follow_redirects=False)
    assert sent.headers["location"].startswith(f"{site.issuer}/signin?next=")
    goal = back(sent)["next"]
    visitor.client.get(sent.headers["location"])
    visitor.sign_in_by_passkey()
    page = visitor.client.get(goal)
    assert page.status_code == 200, page.text
    assert "A site" in page.text
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', page.text))
    answer = visitor.client.post("/oauth/authorize", data=fields | {"decision": "allow"}, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return site.redeem(back(answer)["code"]).json()


def test_a_person_signs_in_lets_a_site_in_and_the_site_asks_the_graph(whole):
    visitor, people, site, _ = whole
    tokens = let_in(visitor, people, site)
    seen = ask(site, tokens["access_token"])
    assert seen.json()["data"]["viewer"] == {"relation": "BOARD", "scopes": ["NETWORK_READ"]}
    assert ask(site, tokens["access_token"], proof=MISSING).status_code == 401
    assert site.post("revoke", token=tokens["access_token"]).status_code == 200
    assert ask(site, tokens["access_token"]).status_code == 401
    again = site.refresh(tokens["refresh_token"]).json()["access_token"]
    assert ask(site, again).status_code == 200


def test_a_client_that_is_cut_off_reads_nothing_from_its_next_request_on(whole):
    visitor, people, site, engine = whole
    tokens = let_in(visitor, people, site)
    assert ask(site, tokens["access_token"]).status_code == 200
    with Session(engine) as session, session.begin():
        registry.suspend(session, site.id)
    assert ask(site, tokens["access_token"]).status_code == 401
    assert site.refresh(tokens["refresh_token"]).json()["error"] == "invalid_client"


def test_a_person_who_is_suspended_reads_nothing_from_the_next_request_on(whole):
    visitor, people, site, _ = whole
    tokens = let_in(visitor, people, site)
    people.accounts.suspend("anna")
    assert site.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert ask(site, tokens["access_token"]).status_code == 401
    visitor.clock.advance(seconds=5)
    people.accounts.resume("anna")
    assert site.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert ask(site, tokens["access_token"]).status_code == 401


def test_a_person_of_another_role_lets_sites_in_anew(whole):
    visitor, people, site, _ = whole
    tokens = let_in(visitor, people, site)
    people.accounts.move("anna", role=Relation.AUDITOR)
    assert ask(site, tokens["access_token"]).status_code == 401
    assert site.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_many_who_ask_about_people_at_once_do_not_wait_for_each_other(whole):
    visitor, people, site, _ = whole
    tokens = let_in(visitor, people, site)
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda _: site.refresh(tokens["refresh_token"]).status_code, range(80)))
    assert answers == [200] * 80
