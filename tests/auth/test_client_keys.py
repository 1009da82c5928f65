"""Key sets fetched from clients: a door to the inside of the network, tried from all sides."""

import http.server
import ipaddress
import json
import socket
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from partner import new_key

from connectors.egress import public
from hub.auth import registry
from hub.auth.clientkeys import ClientKeys, key_set
from hub.auth.errors import KeyRefused
from hub.auth.fetching import LOOKUPS_MAX, Fetcher
from schema.tables.oauth import ClientKind
from schema.vocabulary import AccessScope


class Publisher(http.server.BaseHTTPRequestHandler):
    """Answers with what the server was told to."""

    def do_GET(self):
        self.server.asked += 1
        self.send_response(self.server.status)
        for name, value in self.server.more.items():
            self.send_header(name, value)
        self.end_headers()
        for start in range(0, len(self.server.body), 10 if self.server.pause else 1 << 20):
            time.sleep(self.server.pause)
            with suppress(OSError):
                self.wfile.write(self.server.body[start : start + (10 if self.server.pause else 1 << 20)])

    def log_message(self, *_):
        pass


@contextmanager
def publishing(body, status=200, **more):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Publisher)
    server.body, server.status, server.more, server.asked = json.dumps(body).encode(), status, more, 0
    server.pause = 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.url = f"http://127.0.0.1:{server.server_address[1]}/keys"
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def key(kid="k", **more):
    return new_key().as_dict(private=False) | {"kid": kid} | more


class Watch:
    """A watch that is moved by hand."""

    now = 0.0

    def __call__(self):
        return self.now


def nowhere(address, _seconds):
    pytest.fail(f"it went to {address}")


def resolving(*addresses):
    return lambda _host, _port: list(addresses)


def test_a_client_publishes_its_keys_and_changes_them(hub):
    with publishing({"keys": []}) as server:
        hub.machine()
        partner = hub.client(ClientKind.MACHINE, body="pen", scopes=[AccessScope.NETWORK_READ], jwks_uri=server.url)
        server.body = json.dumps(partner.jwks).encode()
        assert partner.token().status_code == 200
        assert partner.token().status_code == 200
        assert server.asked == 1
        partner.key, partner.kid = new_key(), "the next"
        server.body = json.dumps(partner.jwks).encode()
        assert partner.token().json()["error"] == "invalid_client"
        assert server.asked == 1
        with hub.session() as session:
            registry.rekey(session, partner.id, jwks=None, jwks_uri=f"{server.url}?anew", loopback=True)
        assert partner.token().status_code == 200
        assert server.asked == 2


def test_an_unknown_key_is_looked_for_once_a_minute():
    watch = Watch()
    found = ClientKeys(Fetcher(loopback=True), watch)
    with publishing({"keys": [key("a")]}) as server:
        client = _Named(server.url)

        def finds(kid):
            return found.find(client, kid=kid, algorithm="ES256") is not None

        for _ in range(5):
            assert not finds("b")
            assert finds("a")
        assert server.asked == 1
        server.body = json.dumps({"keys": [key("a"), key("b")]}).encode()
        watch.now = 59
        assert not finds("b")
        watch.now = 61
        for _ in range(5):
            assert finds("b")
        assert server.asked == 2
        for _ in range(5):
            assert finds("a")
        assert server.asked == 2
        watch.now = 61 + 20 * 60 + 1
        assert finds("a")
        assert server.asked == 3


def test_a_publisher_that_is_down_leaves_the_old_keys_good():
    watch = Watch()
    found = ClientKeys(Fetcher(loopback=True), watch)
    with publishing({"keys": [key("a")]}) as server:
        client = _Named(server.url)
        assert found.find(client, kid="a", algorithm="ES256") is not None
        server.status = 500
        watch.now = 20 * 60 + 1
        assert found.find(client, kid="a", algorithm="ES256") is None
        assert found.find(client, kid="a", algorithm="ES256") is not None


class _Named:
    """A client as far as its keys go."""

    jwks = None

    def __init__(self, jwks_uri):
        self.jwks_uri = jwks_uri


@pytest.mark.parametrize(
    "answer",
    [
        {"body": {"keys": [key()]}, "status": 302, "Location": "http://127.0.0.1:1/"},
        {"body": {"keys": [key()]}, "status": 404},
        {"body": {"keys": [key(str(n)) for n in range(21)]}},
        {"body": {"keys": [key()], "more": "x" * 70_000}},
        {"body": {"keys": [new_key().as_dict(private=True)]}},
        {"body": {"keys": [key(), {"kty": "oct", "k": "c2VjcmV0"}]}},
        {"body": {"keys": [key("a"), key("a")]}},
        {"body": {"keys": "all"}},
        {"body": ["keys"]},
        {"body": "keys"},
    ],
    ids=["redirect", "missing", "many", "large", "private", "symmetric", "same id", "no list", "list", "text"],
)
def test_what_is_no_key_set_is_refused(answer):
    with publishing(**answer) as server, pytest.raises(KeyRefused):
        key_set(Fetcher(loopback=True).fetch(server.url))


def test_a_publisher_that_drips_is_not_waited_for():
    with publishing({"keys": [key()]}) as server:
        server.pause = 0.05
        begun = time.monotonic()
        with pytest.raises(KeyRefused):
            Fetcher(loopback=True, seconds=0.3).fetch(server.url)
        assert time.monotonic() - begun < 2


def test_a_name_that_nobody_answers_for_is_not_waited_for():
    answered = threading.Event()
    fetcher = Fetcher(seconds=0.2, resolve=lambda *_: [str(answered.wait())], connect=nowhere)
    begun = time.monotonic()
    for _ in range(LOOKUPS_MAX + 2):
        with pytest.raises(KeyRefused):
            fetcher.fetch("https://partner.example/keys")
    assert time.monotonic() - begun < (LOOKUPS_MAX + 2) * 0.2 + 2
    hanging = sum(thread.name == "look-up" for thread in threading.enumerate())
    assert hanging <= LOOKUPS_MAX
    answered.set()


def test_a_name_that_is_slow_leaves_less_time_for_the_rest():
    def slowly(*_):
        time.sleep(0.3)
        return ["93.184.216.34"]

    left = []

    def connect(_address, seconds):
        left.append(seconds)
        raise OSError

    with pytest.raises(KeyRefused):
        Fetcher(seconds=1, resolve=slowly, connect=connect).fetch("https://partner.example/keys")
    assert 0 < left[0] < 0.75


@pytest.mark.parametrize(
    "url",
    [
        "http://partner.example/keys",
        "ftp://partner.example/keys",
        "file:///etc/passwd",
        "https://user:secret@partner.example/keys",
        "https:///keys",
        "gopher://127.0.0.1:6379/x",
    ],
)
def test_only_https_is_gone_to(url):
    with pytest.raises(KeyRefused):
        Fetcher(resolve=resolving("93.184.216.34"), connect=nowhere).fetch(url)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "192.0.2.1",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2001:db8::1",
    ],
)
def test_addresses_inside_are_not_gone_to(address):
    assert not public(ipaddress.ip_address(address))
    for addresses in ([address], ["93.184.216.34", address]):
        with pytest.raises(KeyRefused):
            Fetcher(resolve=resolving(*addresses), connect=nowhere).fetch("https://partner.example/keys")


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_public_addresses_are_public(address):
    assert public(ipaddress.ip_address(address))


def test_the_connection_goes_to_the_address_that_was_checked():
    names, went = iter([["93.184.216.34"], ["127.0.0.1"]]), []

    def connect(address, _seconds):
        went.append(address)
        raise OSError

    with pytest.raises(KeyRefused):
        Fetcher(resolve=lambda *_: next(names), connect=connect).fetch("https://partner.example:8443/keys")
    assert went == [("93.184.216.34", 8443)]


def test_loopback_is_for_this_machine_only():
    with pytest.raises(KeyRefused):
        Fetcher(loopback=True, resolve=resolving("10.0.0.1"), connect=nowhere).fetch("http://partner.example/keys")
    with pytest.raises(KeyRefused):
        Fetcher(loopback=True, resolve=resolving("127.0.0.1"), connect=nowhere).fetch("https://partner.example/keys")


@pytest.mark.parametrize(
    "jwk",
    [
        {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "OKP", "crv": "X25519", "x": "AA"},
        {"kty": "oct"},
        {"kty": ["EC"]},
        {},
        key(use="enc"),
        key(alg="ES384"),
        key(key_ops=["sign"]),
        key(kid=7),
    ],
    ids=["P-384", "no point", "X25519", "symmetric", "odd", "empty", "encrypts", "ES384", "signs only", "odd id"],
)
def test_keys_of_no_use_are_passed_over(jwk):
    assert set(key_set({"keys": [jwk, key("good")]})) == {"good"}


def test_keys_come_over_tls_from_the_name_that_was_asked_for(tmp_path):
    authority = certificate(tmp_path)
    with publishing({"keys": [key("a")]}) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority)
        server.socket = context.wrap_socket(server.socket, server_side=True)

        def fetch(url, seconds=3.0):
            """Go out as ever, over a wire that leads here."""
            return Fetcher(
                seconds=seconds,
                resolve=resolving("93.184.216.34"),
                connect=lambda address, left: socket.create_connection(("127.0.0.1", address[1]), left),
                trust=lambda: ssl.create_default_context(cafile=authority),
            ).fetch(url)

        port = server.server_address[1]
        assert set(key_set(fetch(f"https://partner.example:{port}/keys"))) == {"a"}
        with pytest.raises(KeyRefused):
            fetch(f"https://other.example:{port}/keys")
        server.pause = 0.1
        with pytest.raises(KeyRefused):
            fetch(f"https://partner.example:{port}/keys", seconds=0.3)


def certificate(folder):
    """Write a certificate for partner.example with its key, signed by itself."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "partner.example")])
    begun = datetime.now(UTC) - timedelta(hours=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(begun)
        .not_valid_after(begun + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("partner.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    file = folder / "partner.pem"
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return file
