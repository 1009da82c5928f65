"""Keys of an OpenID provider: where they come from, when they are looked for again, and what while it is down."""

import asyncio
import http.server
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest
from partner import MISSING, new_key, signed
from town import Watch, own_client, own_token, settled

from hub.auth.config import ProviderConfig
from hub.auth.errors import ProviderUnavailable, TokenRefused
from hub.auth.fetching import Fetcher
from hub.auth.openid.keys import ProviderKeys
from hub.auth.openid.tokens import ProviderVerifier
from hub.clock import SystemClock
from hub.settings import ClaimNames


@pytest.fixture
def own_town(database):
    """A provider of the test's own, which does not run yet, and a hub that takes its tokens."""
    with settled(database) as town, town.asking(database):
        yield town


def test_a_key_that_changed_is_looked_for_but_not_at_every_word_of_a_stranger(own_town):
    town = own_town
    with town.providing():
        old = town.token()
        assert not town.refuses(old)
    town.key, town.kid = new_key(), "second"
    with town.providing():
        new = town.token()
        assert town.refuses(new)
        assert not town.refuses(old)
        town.watch.ahead += 11
        assert not town.refuses(new)
        assert town.refuses(old)


def test_a_key_that_is_gone_is_noticed_though_nobody_shows_another(own_town):
    town = own_town
    with town.providing():
        old = town.token()
        assert not town.refuses(old)
    town.key, town.kid = new_key(), "second"
    with town.providing():
        town.watch.ahead += 301
        until = time.monotonic() + 10
        while not town.refuses(old):
            assert time.monotonic() < until
            time.sleep(0.05)


def unavailable(answer):
    return (
        answer.status_code == 503
        and answer.json()["errors"][0]["extensions"] == {"code": "PROVIDER_UNAVAILABLE"}
        and 0 < int(answer.headers["retry-after"]) <= 10
    )


def test_while_the_provider_is_down_its_tokens_wait_and_the_hubs_own_go_on(own_town):
    town = own_town
    begun = time.monotonic()
    assert unavailable(town.ask(town.forged()))
    assert unavailable(town.ask(town.forged()))
    assert time.monotonic() - begun < 2
    own = own_client(town)
    town.clients["own"] = own
    assert not town.refuses(own_token(town, own).json()["access_token"], "own")
    with town.providing():
        assert unavailable(town.ask(town.forged()))
        town.watch.ahead += 11
        assert not town.refuses(town.token())
    for seconds in (11, 290, 400):
        town.watch.ahead += seconds
        assert not town.refuses(town.forged())
    town.watch.ahead += 301
    assert unavailable(town.ask(town.forged()))


def test_a_provider_that_says_nothing_holds_nobody_up_for_long(own_town):
    town = own_town
    with closing(socket.create_server(("127.0.0.1", town.port))):
        begun = time.monotonic()
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: town.ask(town.forged()), range(20)))
        assert all(unavailable(answer) for answer in answers)
        assert time.monotonic() - begun < 8


class Described(http.server.BaseHTTPRequestHandler):
    """Describes a provider as the server was told to."""

    def do_GET(self):
        self.server.asked.append(self.path)
        body = self.server.bodies.get(self.path.rpartition("/")[2])
        self.send_response(404 if body is None else 200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_):
        pass


@contextmanager
def described(**changes):
    """Serve a description and keys; `changes` are of the description."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Described)
    url = f"http://127.0.0.1:{server.server_address[1]}/realms/one"
    jwks = {"keys": [new_key().as_dict(private=False) | {"kid": "a"}]}
    described = {"issuer": url, "jwks_uri": f"{url}/keys"} | changes
    server.url, server.asked = url, []
    server.bodies = {"openid-configuration": described, "keys": jwks, "moved": jwks}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def keys_of(server, watch=None, **more):
    return ProviderKeys(server.url, Fetcher(**({"loopback": True} | more)), watch or Watch())


async def test_keys_are_where_the_provider_says():
    with described() as server:
        keys = keys_of(server)
        await keys.ready()
        assert await keys.find("a", "ES256") is not None
        assert await keys.find("a", "PS256") is None
        assert await keys.find(None, "ES256") is not None
        assert server.asked == ["/realms/one/.well-known/openid-configuration", "/realms/one/keys"]


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://provider.example"},
        {"issuer": None},
        {"jwks_uri": None},
        {"jwks_uri": ["http://127.0.0.1:1/"]},
        {"jwks_uri": "http://10.0.0.1/keys"},
        {"jwks_uri": "http://169.254.169.254/keys"},
        {"jwks_uri": "file:///etc/passwd"},
    ],
    ids=str,
)
async def test_a_description_that_is_not_the_providers_or_leads_inside_is_not_followed(changes):
    with described(**changes) as server:
        with pytest.raises(ProviderUnavailable):
            await keys_of(server).ready()
        assert not any(path.endswith("/keys") for path in server.asked)


async def test_a_provider_on_this_machine_or_inside_is_for_demonstrations_only():
    with described() as server:
        with pytest.raises(ProviderUnavailable):
            await keys_of(server, loopback=False).ready()
        assert server.asked == []
    for address in ("127.0.0.1", "10.0.0.7", "192.168.0.7", "::1"):
        fetcher = Fetcher(resolve=lambda *_, found=address: [found], connect=lambda *_: pytest.fail("it went there"))
        with pytest.raises(ProviderUnavailable):
            await ProviderKeys("https://provider.example", fetcher, Watch()).ready()


async def test_strange_key_ids_make_one_look_in_ten_seconds():
    watch = Watch()
    with described() as server:
        keys = keys_of(server, watch)
        await keys.ready()
        for number in range(20):
            assert await keys.find(f"strange {number}", "ES256") is None
        assert len(server.asked) == 2
        watch.ahead += 11
        await asyncio.gather(*(keys.find(f"strange {number}", "ES256") for number in range(20)))
        assert len(server.asked) == 4


async def test_private_and_symmetric_keys_of_a_provider_are_not_taken():
    for jwk in (new_key().as_dict(private=True), {"kty": "oct", "k": "c2VjcmV0", "kid": "b"}):
        with described() as server:
            server.bodies["keys"]["keys"].append(jwk)
            with pytest.raises(ProviderUnavailable):
                await keys_of(server).ready()


async def test_a_token_of_another_issuer_is_refused_though_the_key_is_right():
    with described() as server:
        key = new_key()
        server.bodies["keys"]["keys"] = [key.as_dict(private=False) | {"kid": "a"}]
        config = ProviderConfig(
            issuer=server.url, audience="urn:graph", claims=ClaimNames(), untyped=False, bearer=False
        )
        verifier = ProviderVerifier(config, keys_of(server), SystemClock())
        now = int(time.time())
        claims = {"iss": server.url, "aud": "urn:graph", "sub": "a", "client_id": "a", "iat": now, "exp": now + 60}
        header = {"alg": "ES256", "kid": "a", "typ": "at+jwt"}
        assert (await verifier.verified(signed(header, claims, key))).client == "a"
        for issuer in (server.url + "/", server.url.upper(), "https://provider.example", MISSING):
            with pytest.raises(TokenRefused):
                await verifier.verified(signed(header, claims | {"iss": issuer}, key))
