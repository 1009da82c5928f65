"""Whose sign-in a token comes of: people have an account, programs have none, whatever they are called."""

from uuid import UUID, uuid4

import pytest

from hub.auth.profile import profile_of
from hub.auth.tokens import Claims
from schema.vocabulary import Purpose, Relation


def claims(**more) -> Claims:
    given = {
        "iss": "https://hub",
        "sub": "x",
        "aud": "https://hub/graphql",
        "client_id": "x",
        "iat": 1,
        "nbf": 1,
        "exp": 2,
        "jti": "j",
        "gid": "g",
        "kid": "k",
        "scopes": frozenset(),
        "jkt": "t",
    }
    return Claims(**(given | more))


def test_a_person_owns_by_their_account():
    account = uuid4()
    who = profile_of(claims(sub=str(account), roles=("caseworker",), auth_time=1))
    assert (who.relation, who.account_id) == (Relation.CASEWORKER, account)
    assert who.audience == "icorn"


@pytest.mark.parametrize("name", ["program", str(UUID(int=7))])
def test_a_program_owns_by_its_body_alone(name):
    body = uuid4()
    who = profile_of(
        claims(sub=name, client_id=name, roles=("partner_agreement",), organisation_id=body, purposes=("assessment",))
    )
    assert who.account_id is None
    assert who.purpose is Purpose.ASSESSMENT
    assert who.audience == f"organisation:{body}"


def test_a_programs_token_that_a_gateway_exchanged_owns_no_account():
    who = profile_of(claims(sub=str(UUID(int=7)), client_id="gateway", for_client=str(UUID(int=7))))
    assert who.account_id is None
