"""Accounts: roles and scopes as the access matrix has them; what the reading door cannot see."""

import csv
from importlib.resources import files

import asyncpg
import pytest
from visiting.house import housed

from hub.auth.people.errors import AccountRefused
from hub.auth.people.roles import SCOPES
from schema.access import MATRIX
from schema.vocabulary import AccessScope, Category, Relation

SECRET = [
    "account_secret", "challenge", "enrolment", "passkey", "recovery_code", "sign_in_attempt", "throttle",
    "web_session",
]  # fmt: skip


def _rows():
    text = (files("hub.facts") / "csv" / "access_matrix.csv").read_text(encoding="utf-8")
    return {Relation(row["actor"]): row["scopes"] for row in csv.DictReader(text.splitlines())}


def _named(text):
    """Read the scopes a cell names: some end in a star, some words are none."""
    known = {scope.value: scope for scope in AccessScope}
    words = text.replace(",", " ").split()
    stars = tuple(word[:-1] for word in words if word.endswith(":*"))
    return {known[word] for word in words if word in known} | {
        scope for name, scope in known.items() if stars and name.startswith(stars)
    }


@pytest.mark.parametrize("relation", SCOPES)
def test_scopes_of_a_role_are_those_of_the_matrix(relation):
    wanted = _named(_rows()[relation])
    if MATRIX[relation][Category.NETWORK] == "V":
        wanted.add(AccessScope.NETWORK_READ)
    if relation is Relation.LEAD:
        assert "all case scopes" in _rows()[relation]
        assert SCOPES[Relation.CASEWORKER] | wanted - {AccessScope.LOCATION_READ} <= SCOPES[relation] | {
            AccessScope.LOCATION_READ
        }
    else:
        assert SCOPES[relation] == wanted


def test_every_row_of_the_matrix_has_its_scopes_but_for_the_public():
    assert set(SCOPES) == set(_rows()) - {Relation.ANONYMOUS}


@pytest.mark.parametrize("relation", SCOPES)
def test_no_role_is_given_a_category_its_row_shuts(relation):
    for category, cell in MATRIX[relation].items():
        scope = f"{category.value}:read"
        if cell[0] in "-B" and scope in {each.value for each in AccessScope}:
            assert scope not in {each.value for each in SCOPES[relation]}, (relation, category)


def test_an_account_gets_the_scopes_of_its_role_and_the_city_it_works_for(facts_database):
    with housed(facts_database) as house:
        house.account("oslo", Relation.CITY_HOST, city="no-oslo")
        kept = house.people.accounts.find("oslo")
        assert kept.scopes == SCOPES[Relation.CITY_HOST]
        assert kept.city_id is not None
        for wrong in (
            {"login": "oslo", "role": Relation.LEAD},
            {"login": "Oslo", "role": Relation.LEAD},
            {"login": "a b", "role": Relation.LEAD},
            {"login": "x1", "role": Relation.CITY_HOST},
            {"login": "x2", "role": Relation.CITY_HOST, "city": "no-where"},
            {"login": "x3", "role": Relation.LEAD, "city": "no-oslo"},
            {"login": "x4", "role": Relation.ASSESSOR},
            {"login": "x5", "role": Relation.ANONYMOUS},
        ):
            with pytest.raises(AccountRefused):
                house.account(**wrong)
        assert [kept.login for kept in house.people.accounts.all()] == ["oslo"]


def test_who_has_not_come_in_gets_another_code_and_who_has_does_not(house):
    accounts = house.people.accounts
    first = accounts.create("nora", name="Nora", role=Relation.LEAD)
    second = accounts.renew("nora")
    visitor = house.visitor()
    assert visitor.enrol(first).status == 400
    assert visitor.enrol(second).status == 200
    with pytest.raises(AccountRefused, match="in use"):
        accounts.renew("nora")


@pytest.mark.parametrize("table", SECRET)
async def test_the_reading_door_sees_no_secrets(database, table):
    connection = await asyncpg.connect(**database.reading)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch(f"select * from {table}")
    finally:
        await connection.close()


def test_removing_an_account_leaves_nothing_of_it(house):
    visitor = house.with_password("anna")
    visitor.sign_in("anna", "eleven green kettles hum")
    house.visitor().json(house.visitor().get("/signin"), "/signin/passkey/options", {})
    with house.engine.begin() as connection:
        connection.exec_driver_sql("delete from account")
    assert {table: house.count(table) for table in SECRET if table not in {"challenge", "throttle"}} == {
        table: 0 for table in SECRET if table not in {"challenge", "throttle"}
    }
