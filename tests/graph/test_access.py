"""The network category: what signed-in bodies see, and what everybody else does not."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from asking import NOW, Ask
from profiles import BOARD, CASEWORKER, PARTNER, PARTNER_WITHOUT_SCOPE, partner_of

from hub.clock import SetClock
from hub.operations import Operations
from hub.planner import Limits, Planner
from hub.store import Database, Reader
from schema.access import AccessProfile
from schema.root import SCHEMA

PLACES = '{ city(slug: "no-stavanger") { name places { nodes { title } } } }'


async def test_strangers_see_null_and_the_rule_that_keeps_it(ask: Ask):
    answer = await ask(PLACES)
    assert answer == {
        "data": {"city": {"name": "Stavanger", "places": None}},
        "extensions": {"withheld": [{"path": ["city", "places"], "category": "NETWORK", "code": "SCOPE"}]},
    }


async def test_a_body_sees_places_with_the_scope_and_not_without(ask: Ask):
    with_scope = await ask(PLACES, PARTNER)
    without = await ask(PLACES, PARTNER_WITHOUT_SCOPE)
    assert with_scope["data"]["city"]["places"]["nodes"]
    assert "extensions" not in with_scope
    assert without["data"]["city"]["places"] is None
    assert without["extensions"]["withheld"][0]["code"] == "SCOPE"


async def test_the_entry_does_not_tell_whether_there_is_a_value(ask: Ask):
    full = await ask('{ city(slug: "no-stavanger") { permitRoute } }')
    empty = await ask('{ city(slug: "us-lasvegas") { permitRoute } }')
    assert full == empty


async def test_a_forbidden_id_answers_like_an_unknown_one(ask: Ask):
    seen = await ask("{ cities(first: 1) { nodes { places(first: 1) { nodes { id } } } } }", PARTNER)
    place = seen["data"]["cities"]["nodes"][0]["places"]["nodes"][0]["id"]
    document = "query($id: ID!) { node(id: $id) { id __typename } }"
    assert await ask(document, id=place) == await ask(document, id="pl_00000000-0000-4000-8000-000000000000")
    assert (await ask(document, PARTNER, id=place))["data"]["node"] == {"id": place, "__typename": "Place"}


@pytest.mark.parametrize(
    "document",
    [
        "{ openings(where: {open: true}) { totalCount } }",
        '{ city(slug: "no-oslo") { places(where: {open: true}) { totalCount } } }',
    ],
)
async def test_what_is_withheld_is_withheld_with_its_arguments(ask: Ask, document: str):
    answer = await ask(document)
    assert answer["extensions"]["withheld"][0]["category"] == "NETWORK"


async def test_a_body_reads_the_terms_of_its_own_agreement_only(ask: Ask):
    document = """{ organisations(first: 100) { nodes { id agreement { state categories } } } }"""
    everybody = (await ask(document, PARTNER))["data"]["organisations"]["nodes"]
    own = next(each["id"] for each in everybody if each["agreement"])
    answer = await ask(document, partner_of(UUID(own.removeprefix("or_"))))
    agreed = {each["id"]: each["agreement"] for each in answer["data"]["organisations"]["nodes"] if each["agreement"]}
    assert len(agreed) > 1
    assert agreed[own]["categories"] is not None
    assert [id_ for id_, agreement in agreed.items() if agreement["categories"] is not None] == [own]
    assert answer["extensions"]["withheld"] == [
        {
            "path": ["organisations", "nodes", "agreement", "categories"],
            "category": "NETWORK",
            "code": "RELATION",
            "count": len(agreed) - 1,
        }
    ]


async def test_the_secretariat_sees_names_without_proof(ask: Ask):
    answer = await ask("{ cities(where: {status: UNVERIFIED}) { totalCount } }", CASEWORKER)
    assert answer["data"]["cities"]["totalCount"] == 8


async def test_yearly_numbers_need_their_scope_and_hide_small_cells(ask: Ask):
    document = """{ statistics(where: {measures: [APPLICATIONS], slice: YEAR_AND_ORIGIN_REGION,
                     fromYear: 2010, untilYear: 2025}) { year originRegion count suppressed } }"""
    assert (await ask(document, PARTNER))["data"]["statistics"] is None
    cells = (await ask(document, BOARD))["data"]["statistics"]
    assert cells
    assert all(cell["suppressed"] == (cell["count"] is None) for cell in cells)
    assert all(cell["count"] is None or cell["count"] >= 5 for cell in cells)


async def test_the_viewer_is_told_who_it_is(ask: Ask):
    document = "{ viewer { relation scopes organisation { slug } tokenExpiresAt } }"
    assert (await ask(document))["data"]["viewer"] is None
    assert (await ask(document, BOARD))["data"]["viewer"] == {
        "relation": "BOARD",
        "scopes": ["NETWORK_READ", "STATS_READ"],
        "organisation": None,
        "tokenExpiresAt": None,
    }


BOUNDS = (
    "{ viewer { scopes limits { operationCost operationDepth pageSize windowCost windowSeconds requestsAtOnce } } }"
)
AGREED = "{ viewer { organisation { slug } agreement { state categories purposes from until } } }"


async def test_the_viewer_is_told_how_much_it_may_ask(ask: Ask, demo_reader: Reader):
    bounds = Limits(cost=70, depth=6, cost_per_window=900, window_seconds=30, at_once=4)
    narrow = Operations(reader=demo_reader, clock=SetClock(NOW), planner=Planner(SCHEMA, bounds))
    answer = json.loads((await narrow.execute(BOUNDS, profile=PARTNER)).body)["data"]["viewer"]
    told = {
        "operationCost": 70,
        "operationDepth": 6,
        "pageSize": 100,
        "windowCost": 900,
        "windowSeconds": 30,
        "requestsAtOnce": 4,
    }
    assert answer == {"scopes": ["NETWORK_READ"], "limits": told}
    by_default = (await ask(BOUNDS, PARTNER))["data"]["viewer"]["limits"]
    assert by_default != told
    rows = "{{ cities(first: {}) {{ nodes {{ id }} }} }}"
    assert (await narrow.execute(rows.format(69), profile=PARTNER)).code is None
    assert (await narrow.execute(rows.format(71), profile=PARTNER)).code == "TOO_COSTLY"
    assert (await narrow.execute(rows.format(101), profile=PARTNER)).code == "BAD_PAGE"


async def test_who_asks_something_new_pays_for_reading_and_planning_it_too(demo_reader: Reader):
    fresh = Operations(reader=demo_reader, clock=SetClock(NOW))
    question = "query($n: Int) { cities(first: $n) { nodes { id name } } }"

    async def cost(document: str, **variables: object) -> int:
        return (await fresh.execute(document, variables=variables, profile=PARTNER)).price

    assert await cost(question, n=101) > 50 + len(question) // 10
    assert (await cost(question, n=101), await cost(question, n=5)) == (0, 6)
    assert (await cost("{ nothing }"), await cost("{ nothing }")) == (51, 51)
    assert await cost('{ __type(name: "City") { name } }') > 550


async def test_a_body_that_asks_much_that_is_new_keeps_no_other_waiting(demo_reader: Reader):
    fresh = Operations(reader=demo_reader, clock=SetClock(NOW))
    done: list[str] = []

    async def asked(who: str, document: str, profile: AccessProfile) -> None:
        assert (await fresh.execute(document, profile=profile)).code is None
        done.append(who)

    long = "{ cities(first: 1) { totalCount nodes { id %s memberships { from until } } } }"
    many = [asked("much", long % ("name " * number), partner_of(UUID(int=1))) for number in range(12)]
    await asyncio.gather(*many, asked("other", "{ cities(first: 1) { totalCount } }", partner_of(UUID(int=2))))
    assert done.index("other") < 3
    assert len(done) == 13


async def test_the_viewer_is_told_the_agreement_of_its_own_body_without_any_scope(ask: Ask, demo: Database):
    with psycopg.connect(demo.conninfo, autocommit=True) as connection:
        kept = connection.execute(
            "select o.id, o.slug, a.state, a.categories, a.purposes, a.from_on, a.until_on"
            " from agreement a join organisation o on o.id = a.organisation_id"
        ).fetchall()
        without = connection.execute(
            "select id from organisation where id not in (select organisation_id from agreement) limit 1"
        ).fetchone()
    assert kept
    assert len({str(row[2:]) for row in kept}) > 1
    for organisation_id, slug, state, categories, purposes, begins, ends in kept:
        answer = await ask(AGREED, replace(partner_of(organisation_id), scopes=frozenset()))
        assert answer["data"]["viewer"] == {
            "organisation": {"slug": slug},
            "agreement": {
                "state": state.upper(),
                "categories": [each.upper() for each in categories],
                "purposes": [each.upper() for each in purposes],
                "from": begins,
                "until": ends,
            },
        }
        assert "extensions" not in answer
    assert (await ask(AGREED, partner_of(without[0])))["data"]["viewer"]["agreement"] is None
    assert (await ask(AGREED, CASEWORKER))["data"]["viewer"]["agreement"] is None
    assert (await ask(AGREED))["data"]["viewer"] is None


async def test_a_denied_token_is_refused_by_the_statement_that_reads(demo: Database, operations: Operations):
    issued = NOW - timedelta(minutes=1)
    bearer = replace(PARTNER, subjects=("jti:1", "client:sar"), issued_at=issued)

    async def answered() -> str | None:
        known = operations.known(b"cities", bearer)
        first = await operations.execute("{ cities(first: 1) { nodes { name } } }", profile=bearer, request=b"cities")
        if known:
            assert await operations.again(known, bearer) == first
        return first.code

    assert await answered() is None
    with psycopg.connect(demo.conninfo, autocommit=True) as connection:
        for subject, before, until, code in (
            ("client:other", NOW, NOW + timedelta(days=1), None),
            ("client:sar", issued - timedelta(seconds=1), NOW + timedelta(days=1), None),
            ("client:sar", NOW, NOW - timedelta(seconds=1), None),
            ("client:sar", NOW, NOW + timedelta(days=1), "TOKEN_DENIED"),
        ):
            connection.execute("insert into denial values (%s, %s, %s)", (subject, before, until))
            assert await answered() == code, (subject, before, until)
            connection.execute("delete from denial")
    assert await answered() is None
