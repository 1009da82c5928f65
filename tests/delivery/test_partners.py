"""The registry of partners, our own keys, and the commands of operators."""

import asyncio
import json
import signal
import subprocess
import threading
import time
from base64 import b64encode
from contextlib import suppress

import commands
import pytest
from sqlalchemy import select, update

from connectors.messages import PROTOCOL
from connectors.protocol import Capability
from connectors.signing import peer_from, seal, sign, unwrap, verified
from hub.auth.errors import RootKeyRefused
from hub.auth.root import RootKey
from hub.clock import SetClock
from hub.partners import Book, OwnKeys, PartnerRefused, PartnerUnknown, keys, registry
from hub.partners.book import KEEP_SECONDS
from schema.tables import HandoffKeyRow, PartnerRow
from schema.tables.base import table_of
from tests.delivery.world import NOON, House

ISSUER = "https://hub.example"
KEYS = table_of(HandoffKeyRow)
PARTNER = table_of(PartnerRow)
GOOD = {
    "network_name": "icorn",
    "issuer": "https://pen.example",
    "base": "https://pen.example/icorn/",
    "jwks_uri": "https://keys.example/jwks",
    "pins": (b64encode(bytes(32)).decode(),),
    "capabilities": (Capability.NOTICE, Capability.STATUS),
    "now": NOON,
    "loopback": False,
}


@pytest.fixture
def root() -> RootKey:
    return RootKey(b"0" * 32)


@pytest.fixture
def house(engine) -> House:
    return House(engine)


@pytest.fixture
def book(engine, root) -> Book:
    return Book(engine, OwnKeys(engine, root, SetClock(NOON), ISSUER), SetClock(NOON))


# ---- Registry -------------------------------------------------------------------------------------------------------


async def test_a_body_becomes_a_partner_and_is_spoken_with_as_registered(engine, house, book):
    with engine.begin() as connection:
        registry.add(connection, "partner", **GOOD)
    partner = book.partner_of(house.bodies[1])
    assert partner.network == "icorn"
    assert partner.capabilities == {Capability.NOTICE, Capability.STATUS}
    assert partner.settings.reach.base == "https://pen.example/icorn"
    assert partner.settings.reach.pins == GOOD["pins"]
    assert not partner.settings.reach.loopback
    assert book.partner_of(house.bodies[1]) is partner
    assert book.of_issuer("https://pen.example")[1] is partner
    await book.aclose()


class Healthy:
    """A partner that says it is well, and keeps its connections."""

    def __init__(self) -> None:
        self.writers: list[asyncio.StreamWriter] = []
        self.asked = 0

    async def listen(self) -> str:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        body = json.dumps({"protocol": PROTOCOL, "accepts": True}).encode()
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.asked += 1
                writer.write(b"HTTP/1.1 200 So\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
                await writer.drain()
        writer.close()


async def test_a_kept_connection_is_not_used_once_the_partner_is_registered_otherwise(engine, house, root):
    book = Book(engine, OwnKeys(engine, root, SetClock(NOON), ISSUER), SetClock(NOON), loopback=True)
    here, there = Healthy(), Healthy()
    old, new = await here.listen(), await there.listen()

    async def ask() -> tuple[list[int], list[int]]:
        await book.partner_of(house.bodies[1]).health()
        return [len(here.writers), here.asked], [len(there.writers), there.asked]

    with engine.begin() as connection:
        places = {"issuer": old, "base": old, "jwks_uri": f"{old}/jwks", "pins": (), "loopback": True}
        registry.add(connection, "partner", **GOOD | places)
    await ask()
    assert await ask() == ([1, 2], [0, 0])
    with engine.begin() as connection:
        connection.execute(update(PARTNER).values(pins=list(GOOD["pins"])))
    assert await ask() == ([2, 3], [0, 0])
    with engine.begin() as connection:
        registry.move(connection, "partner", issuer=new, base=new, jwks_uri=f"{new}/jwks", loopback=True)
    assert await ask() == ([2, 3], [1, 1])
    with engine.begin() as connection:
        registry.enable(connection, "partner", enabled=False)
    with pytest.raises(PartnerUnknown):
        await ask()
    # Nobody comes again: what was kept is closed all the same.
    waiting = [writer.wait_closed() for writer in here.writers + there.writers]
    await asyncio.wait_for(asyncio.gather(*waiting), KEEP_SECONDS + 5)
    assert (here.asked, there.asked) == (3, 1)
    await book.aclose()
    for each in (here, there):
        each.server.close()


def test_what_is_remembered_of_a_partner_is_a_moment_old_at_most(engine, house, root):
    seconds = [0.0]
    own = OwnKeys(engine, root, SetClock(NOON), ISSUER)
    book = Book(engine, own, SetClock(NOON), watch=lambda: seconds[0])
    body = house.bodies[1]
    with engine.begin() as connection:
        registry.add(connection, "partner", **GOOD)
    assert book.remembered(body) is None
    speaking = book.partner_of(body)
    known, remembered = book.remembered(body)
    assert (known.issuer, remembered) == (GOOD["issuer"], speaking)
    seconds[0] += KEEP_SECONDS
    assert book.remembered(body) is None


def test_a_partner_is_read_in_the_transaction_at_hand(engine, house, book):
    with engine.connect() as connection, connection.begin() as transaction:
        registry.add(connection, "partner", **GOOD)
        assert book.partner_of(house.bodies[1], connection).network == "icorn"
        transaction.rollback()
    with pytest.raises(PartnerUnknown):
        book.partner_of(house.bodies[1])


def test_who_is_suspended_or_never_was_a_partner_is_unknown(engine, house, book):
    with engine.begin() as connection:
        registry.add(connection, "partner", **GOOD)
        registry.enable(connection, "partner", enabled=False)
    for wanted in house.bodies:
        with pytest.raises(PartnerUnknown):
            book.partner_of(wanted)
    with pytest.raises(PartnerUnknown):
        book.of_issuer("https://pen.example")
    with engine.begin() as connection:
        registry.enable(connection, "partner", enabled=True)
    assert book.partner_of(house.bodies[1]).network == "icorn"


def test_a_partner_that_moved_is_known_by_its_new_name_alone(engine, house, book):
    new = {"issuer": "https://new.example", "base": "https://new.example/", "jwks_uri": "https://new.example/jwks"}
    with engine.begin() as connection:
        registry.add(connection, "partner", **GOOD)
        registry.move(connection, "partner", **new, loopback=False)
        registry.move(connection, "partner", **new, loopback=False)
    known, speaking = book.of_issuer("https://new.example")
    assert (known.organisation_id, known.base) == (house.bodies[1], "https://new.example")
    assert speaking.issuer == "https://new.example"
    with pytest.raises(PartnerUnknown):
        book.of_issuer(GOOD["issuer"])
    with engine.begin() as connection, pytest.raises(PartnerRefused):
        registry.move(connection, "partner", **new | {"base": "http://127.0.0.1:9"}, loopback=False)
    with engine.begin() as connection, pytest.raises(PartnerRefused):
        registry.move(connection, "icorn", **new, loopback=False)


@pytest.mark.parametrize(
    "bent",
    [
        {"network_name": "nobody"},
        {"issuer": "http://pen.example"},
        {"base": "ftp://pen.example"},
        {"jwks_uri": "http://127.0.0.1:1/jwks"},
        {"issuer": "https://user@pen.example"},
        {"issuer": "https://pen.example/" + "a" * 300},
        {"pins": ("too short",)},
        {"pins": (b64encode(bytes(31)).decode(),)},
    ],
)
@pytest.mark.usefixtures("house")
def test_what_cannot_be_a_partner_is_refused(engine, bent):
    with engine.begin() as connection, pytest.raises(PartnerRefused):
        registry.add(connection, "partner", **(GOOD | bent))
    with engine.begin() as connection:
        assert not registry.listed(connection)


@pytest.mark.usefixtures("house")
def test_places_of_this_machine_are_for_sandboxes_alone(engine):
    local = GOOD | dict.fromkeys(("issuer", "base", "jwks_uri"), "http://127.0.0.1:9000")
    with engine.begin() as connection, pytest.raises(PartnerRefused):
        registry.add(connection, "partner", **local)
    with engine.begin() as connection:
        registry.add(connection, "partner", **(local | {"loopback": True}))


@pytest.mark.usefixtures("house")
def test_a_body_and_an_issuer_are_one_partner_each(engine):
    with engine.begin() as connection:
        registry.add(connection, "partner", **GOOD)
    for slug, more in (("partner", {"issuer": "https://other.example"}), ("icorn", {}), ("nobody", {})):
        with engine.begin() as connection, pytest.raises(PartnerRefused):
            registry.add(connection, slug, **(GOOD | more))


# ---- Our keys -------------------------------------------------------------------------------------------------------


def test_what_we_sign_is_verified_and_what_is_sealed_to_us_opens(engine, root):
    own = OwnKeys(engine, root, SetClock(NOON), ISSUER)
    me, published = own.me(), peer_from(ISSUER, own.jwks())
    letter = unwrap(seal(sign("test+jwt", {"iss": ISSUER}, me), published), me)
    assert verified(letter, published)["iss"] == ISSUER
    assert own.me() is me


def test_two_hubs_that_start_at_once_have_the_same_keys(engine, root):
    barrier, seen = threading.Barrier(4), []

    def start() -> None:
        barrier.wait()
        seen.append(OwnKeys(engine, root, SetClock(NOON), ISSUER).me().kid)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 4
    assert len(set(seen)) == 1


def test_private_keys_lie_sealed_and_bound_to_their_row(engine, root):
    OwnKeys(engine, root, SetClock(NOON), ISSUER).me()
    with engine.begin() as connection:
        rows = connection.execute(select(KEYS)).all()
        assert not any(b'"d"' in row.sealed or "d" in row.public_jwk for row in rows)
        connection.execute(update(KEYS).values(sealed=rows[0].sealed).where(KEYS.c.kid == rows[1].kid))
    with pytest.raises(RootKeyRefused):
        OwnKeys(engine, root, SetClock(NOON), ISSUER).me()


def test_after_rotation_the_new_keys_are_used_and_the_old_ones_still_good(engine, root):
    clock = SetClock(NOON)
    before = OwnKeys(engine, root, clock, ISSUER)
    old, old_peer = before.me(), peer_from(ISSUER, before.jwks())
    with engine.begin() as connection:
        kid = keys.rotate(connection, root, now=clock.advance(days=1))
    after = OwnKeys(engine, root, clock, ISSUER)
    me, peer = after.me(), peer_from(ISSUER, after.jwks())
    assert me.kid == kid != old.kid
    assert peer.sealing[0] != old_peer.sealing[0]
    late = unwrap(seal(sign("test+jwt", {"iss": ISSUER}, old), old_peer), me)
    assert verified(late, peer)
    clock.advance(days=401)
    last = OwnKeys(engine, root, clock, ISSUER)
    assert old.kid not in peer_from(ISSUER, last.jwks()).keys
    assert last.me().kid == kid


async def test_partners_are_spoken_with_by_the_new_keys(engine, house, root):
    clock = SetClock(NOON)
    own = OwnKeys(engine, root, clock, ISSUER)
    book = Book(engine, own, clock)
    with engine.begin() as connection:
        registry.add(connection, "partner", **GOOD)
        first = book.partner_of(house.bodies[1], connection)
        keys.rotate(connection, root, now=clock.advance(days=1))
    fresh = Book(engine, OwnKeys(engine, root, clock, ISSUER), clock)
    assert fresh.partner_of(house.bodies[1]) is not first
    assert fresh.me().kid != book.me().kid
    await book.aclose()
    await fresh.aclose()


# ---- Commands -------------------------------------------------------------------------------------------------------


@pytest.fixture
def settings(database, tmp_path):
    return {"HUB_DATABASE_URL": database.conninfo, "HUB_ROOT_KEY_FILE": str(tmp_path / "root.key")}


def run(settings, *arguments, **more):
    answer = commands.typed(*arguments, **settings, **more)
    return answer.returncode, answer.stdout + answer.stderr


@pytest.mark.usefixtures("house")
def test_operators_add_list_suspend_and_resume(settings):
    add = ("partner", "add", "partner", "--network", "pen_international")
    code, told = run(settings, *add, "--issuer", "http://127.0.0.1:9001")
    assert (code, "must be https" in told, "HUB_PARTNER_PLACES=loopback" in told) == (1, True, True)
    code, told = run(settings, *add, "--issuer", "http://127.0.0.1:9001", HUB_PARTNER_PLACES="loopback")
    assert (code, told) == (0, "partner is a partner of pen_international\n")
    assert run(settings, "partner", "suspend", "partner")[0] == 0
    code, told = run(settings, "partner", "list")
    assert "suspended" in told
    assert "http://127.0.0.1:9001" in told
    assert run(settings, "partner", "resume", "partner")[0] == 0
    assert "active" in run(settings, "partner", "list")[1]
    assert run(settings, "partner", "suspend", "icorn")[0] == 1
    assert run(settings, "partner", "move", "icorn", "--issuer", "https://pen.example")[0] == 1
    code, told = run(settings, "partner", "move", "partner", "--issuer", "https://pen.example")
    assert (code, told) == (0, "The partner has moved.\n")
    assert "https://pen.example" in run(settings, "partner", "list")[1]
    assert "signs from now on" in run(settings, "partner", "rotate-keys")[1]


def test_a_worker_of_its_own_starts_and_stops_when_told(settings):
    process = subprocess.Popen(
        [*commands.COMMAND, "worker"], env=commands.environment(settings), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "The worker brings deliveries.\n"
    time.sleep(1)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert "The worker has stopped." in process.stdout.read()
    process.stdout.close()
