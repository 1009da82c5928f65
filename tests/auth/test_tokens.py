import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from partner import read

from hub.auth import keys
from hub.auth.errors import PurposeRefused, TokenRefused
from hub.auth.profile import profile_of
from hub.auth.tokens import Claims, subjects_of
from schema.access import ANONYMOUS
from schema.vocabulary import AccessScope, Purpose, Relation

ORG, CITY = uuid4(), uuid4()


def claims(**more):
    base = {
        "iss": "i",
        "sub": "s",
        "aud": "a",
        "client_id": "c",
        "iat": 1_000_000,
        "nbf": 1_000_000,
        "exp": 1_000_300,
        "jti": "j",
        "gid": "g",
        "kid": "k",
        "scopes": frozenset({"network:read"}),
        "jkt": "t",
    }
    return Claims(**(base | more))


def test_a_token_can_be_denied_by_everything_it_names():
    assert set(subjects_of(claims())) == {"jti:j", "gid:g", "client:c", "sub:s", "kid:k"}
    more = claims(organisation_id=ORG, actors=("front", "outer"), for_client="first", client_id="front")
    named = {f"org:{ORG}", "client:front", "client:outer", "client:first"}
    assert named <= set(subjects_of(more))


def test_a_profile_says_what_the_token_says():
    profile = profile_of(
        claims(organisation_id=ORG, city_id=CITY, roles=("city_host",), purposes=("assessment", "advocacy"))
    )
    assert profile.relation is Relation.CITY_HOST
    assert profile.scopes == {AccessScope.NETWORK_READ}
    assert (profile.organisation_id, profile.city_id) == (ORG, CITY)
    assert profile.purposes == (Purpose.ASSESSMENT, Purpose.ADVOCACY)
    assert profile.purpose is None
    assert profile.issued_at.timestamp() == 1_000_000
    assert profile.expires_at - profile.issued_at == timedelta(seconds=300)


def test_what_this_release_does_not_know_gives_nothing():
    profile = profile_of(claims(roles=("emperor",), scopes=frozenset({"all:read"}), purposes=("conquest",)))
    assert profile.relation is ANONYMOUS.relation
    assert profile.scopes == frozenset()
    assert profile.purposes == ()


def test_a_client_of_one_purpose_need_not_declare_it():
    assert profile_of(claims(purposes=("assessment",))).purpose is Purpose.ASSESSMENT
    assert profile_of(claims(purposes=("assessment",)), "assessment").purpose is Purpose.ASSESSMENT
    assert profile_of(claims(purposes=("assessment", "advocacy")), "advocacy").purpose is Purpose.ADVOCACY


@pytest.mark.parametrize("purpose", ["advocacy", "", "ASSESSMENT", "assessment,advocacy"])
def test_a_purpose_the_client_may_not_have_is_refused(purpose):
    with pytest.raises(PurposeRefused):
        profile_of(claims(purposes=("assessment",)), purpose)


def test_a_verified_token_is_remembered_but_not_beyond_its_time(own_hub):
    verifier, token = own_hub.auth.verifier, own_hub.machine().access_token()
    first = verifier.verify(token)
    assert verifier.verify(token) is first
    own_hub.clock.advance(seconds=309)
    assert verifier.verify(token) is first
    own_hub.clock.advance(seconds=2)
    with pytest.raises(TokenRefused):
        verifier.verify(token)


def test_what_was_remembered_is_forgotten_when_keys_change(own_hub):
    verifier, token = own_hub.auth.verifier, own_hub.machine().access_token()
    first = verifier.verify(token)
    with own_hub.session() as session:
        keys.replace(session, own_hub.auth.root, now=own_hub.clock.now())
    own_hub.auth.server.ring.refresh(older_than=0)
    with pytest.raises(TokenRefused):
        verifier.verify(token)
    assert first is not None


def test_a_key_another_process_made_is_looked_for(own_hub):
    hub = own_hub
    hub.clock.advance(seconds=1)
    with hub.session() as session:
        keys.rotate(session, hub.auth.root, now=hub.clock.now(), lead=timedelta())
    other = keys.KeyRing(hub.engine, hub.auth.root, hub.clock)
    other.refresh()
    here = hub.auth.server.ring
    here._looked -= 2  # noqa: SLF001  # as if two seconds had gone by
    kept, hub.auth.server.ring = here, other
    token = hub.machine().access_token()
    hub.auth.server.ring = kept
    assert here.verifier(read(token)[0]["kid"]) is None
    assert asyncio.run(hub.auth.verifier.verified(token)).kid == read(token)[0]["kid"]
