import os
import stat
from datetime import timedelta

import pytest
from partner import read
from sqlmodel import select

from hub.auth import keys
from hub.auth.errors import RootKeyRefused
from hub.auth.root import RootKey
from schema.tables import SigningKeyRow


def published(hub):
    return [key["kid"] for key in hub.http.get(f"{hub.issuer}/oauth/jwks").json()["keys"]]


def look_again(hub):
    hub.auth.server.ring.refresh(older_than=0)


def test_a_key_is_published_before_it_signs_and_kept_until_its_last_token_is_over(own_hub):
    hub, partner = own_hub, own_hub.machine()
    first = published(hub)[0]
    with hub.session() as session:
        second = keys.rotate(session, hub.auth.root, now=hub.clock.now()).kid
    look_again(hub)
    assert published(hub) == [first, second]
    assert read(partner.access_token())[0]["kid"] == first
    hub.clock.advance(minutes=59, seconds=59)
    last = partner.access_token()
    assert read(last)[0]["kid"] == first
    hub.clock.advance(seconds=1)
    assert read(partner.access_token())[0]["kid"] == second
    hub.clock.advance(seconds=298)
    assert partner.read(last).status_code == 200
    assert published(hub) == [first, second]
    hub.clock.advance(minutes=2)
    assert published(hub) == [second]


def test_rotating_often_leaves_a_key_that_signs(own_hub):
    hub, partner = own_hub, own_hub.machine()
    for _ in range(5):
        with hub.session() as session:
            keys.rotate(session, hub.auth.root, now=hub.clock.now())
        look_again(hub)
        assert partner.read(partner.access_token()).status_code == 200
        hub.clock.advance(minutes=7)
    hub.clock.advance(minutes=70)
    assert partner.read(partner.access_token()).status_code == 200
    assert len(published(hub)) == 1


def test_another_process_finds_a_new_key_by_itself(own_hub):
    hub, partner = own_hub, own_hub.machine()
    assert partner.read(partner.access_token()).status_code == 200
    other = keys.KeyRing(hub.engine, hub.auth.root, hub.clock)
    hub.clock.advance(seconds=1)
    with hub.session() as session:
        keys.rotate(session, hub.auth.root, now=hub.clock.now(), lead=timedelta())
    hub.clock.advance(seconds=1)
    other.refresh()
    here = hub.auth.server.ring
    before = here.version
    assert here.verifier(other.signer().kid) is None
    here.refresh(older_than=0)
    assert here.verifier(other.signer().kid) is not None
    assert here.version == before + 1


def test_private_keys_are_sealed(own_hub):
    with own_hub.session() as session:
        row = session.execute(select(SigningKeyRow)).scalars().one()
    assert b'"d"' not in row.sealed
    assert "d" not in row.public_jwk
    other = RootKey(os.urandom(32))
    with pytest.raises(RootKeyRefused):
        other.open(row.sealed, label="signing_key", context=f"signing_key.sealed.{row.kid}")
    with pytest.raises(RootKeyRefused):
        own_hub.auth.root.open(row.sealed, label="signing_key", context="signing_key.sealed.another")


def test_two_hubs_that_start_at_once_agree_on_one_key(own_hub):
    rings = [keys.KeyRing(own_hub.engine, own_hub.auth.root, own_hub.clock) for _ in range(3)]
    for ring in rings:
        ring.refresh()
    assert len({ring.signer().kid for ring in rings}) == 1


def test_the_root_key_is_made_once_and_for_the_hub_alone(tmp_path):
    file = tmp_path / "deep" / "root.key"
    first = RootKey.load(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    sealed = first.seal(b"secret", label="a", context="b")
    assert RootKey.load(file).open(sealed, label="a", context="b") == b"secret"
    assert [path.name for path in file.parent.iterdir()] == ["root.key"]


def test_a_root_key_others_may_read_is_refused(tmp_path):
    file = tmp_path / "root.key"
    RootKey.load(file)
    file.chmod(0o640)
    with pytest.raises(RootKeyRefused):
        RootKey.load(file)


@pytest.mark.parametrize("text", [b"", b"short", b"\xff" * 44])
def test_a_file_that_holds_no_key_is_refused(tmp_path, text):
    file = tmp_path / "root.key"
    file.write_bytes(text)
    file.chmod(0o600)
    with pytest.raises(RootKeyRefused):
        RootKey.load(file)
