"""Changes: once and whole, for whom they are, told as a read would tell."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from changing import LEAD, NOW, Do, office

from hub.changes import sweep_keys
from hub.clock import SetClock
from hub.operations import Operations
from hub.referrals.clockwork import Clockwork
from hub.referrals.service import Referrals
from hub.store import Database
from schema.access import ANONYMOUS
from schema.vocabulary import AccessScope, Relation

SAVE = """
mutation($input: SaveAgreementInput!, $deep: Boolean = true) {
  saved: saveAgreement(input: $input) {
    __typename
    ... on AgreementPayload { replayed now: agreement { ...Terms } again: agreement { id } }
    ... on Problem { code message path }
  }
}
fragment Terms on Agreement { id state period { from until } categories @include(if: $deep) }
"""


@pytest.fixture
async def body(do: Do) -> str:
    """A body without an agreement."""
    found = await do('{ organisation(slug: "pen-international") { id agreement { id } } }')
    assert found["data"]["organisation"]["agreement"] is None
    return found["data"]["organisation"]["id"]


def terms(body: str, **changes: object) -> dict[str, object]:
    return {
        "idempotencyKey": "intent-0001",
        "organisation": body,
        "state": "IN_FORCE",
        "from": "2026-01-01",
        "until": "2027-12-31",
        "categories": ["PUBLIC", "NETWORK", "CASE"],
        "purposes": ["RESIDENCY_PLACEMENT"],
    } | changes


async def rows(database: Database, query: str) -> list[tuple]:
    engine = database.engine()
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.exec_driver_sql(query)]
    engine.dispose()
    return found


async def test_a_change_is_made_and_read_beneath_as_asked(do: Do, body: str):
    answer = await do(SAVE, input=terms(body))
    assert "errors" not in answer
    saved = answer["data"]["saved"]
    assert saved["__typename"] == "AgreementPayload"
    assert saved["replayed"] is False
    assert saved["now"] == {
        "id": saved["again"]["id"],
        "state": "IN_FORCE",
        "period": {"from": "2026-01-01", "until": "2027-12-31"},
        "categories": ["PUBLIC", "NETWORK", "CASE"],
    }
    assert list(saved) == ["__typename", "replayed", "now", "again"]
    read = await do('{ organisation(slug: "pen-international") { agreement { id } } }')
    assert read["data"]["organisation"]["agreement"]["id"] == saved["now"]["id"]


async def test_variables_and_directives_hold_beneath_a_change(do: Do, body: str):
    answer = await do(SAVE, input=terms(body), deep=False)
    assert "categories" not in answer["data"]["saved"]["now"]


async def test_the_same_key_does_nothing_twice(do: Do, body: str, facts_database: Database):
    first = await do(SAVE, input=terms(body))
    second = await do(SAVE, input=terms(body))
    assert second["data"]["saved"] == first["data"]["saved"] | {"replayed": True}
    assert await rows(facts_database, "select count(*) from audit_leaf where kind = 'change'") == [(1,)]


async def test_the_same_key_at_the_same_instant_does_nothing_twice(do: Do, body: str, facts_database: Database):
    answers = await asyncio.gather(*(do(SAVE, input=terms(body)) for _ in range(8)))
    told = sorted(answer["data"]["saved"]["replayed"] for answer in answers)
    assert told == [False] + [True] * 7
    assert await rows(facts_database, "select count(*) from audit_leaf where kind = 'change'") == [(1,)]


@pytest.mark.parametrize(("days", "replayed"), [(30, True), (30.1, False)])
async def test_a_key_is_forgotten_after_thirty_days(
    do: Do, body: str, facts_database: Database, days: float, replayed: bool
):
    await do(SAVE, input=terms(body))
    engine = facts_database.engine()
    clock = SetClock(NOW)
    clock.advance(days=days)
    Clockwork(engine, Referrals(office()), clock, chores=[sweep_keys]).look()
    engine.dispose()
    assert (await do(SAVE, input=terms(body)))["data"]["saved"]["replayed"] is replayed


async def test_a_key_with_another_input_is_a_problem(do: Do, body: str):
    await do(SAVE, input=terms(body))
    other = await do(SAVE, input=terms(body, state="ENDED"))
    assert other["data"]["saved"]["code"] == "KEY_REUSED"
    assert other["data"]["saved"]["path"] == ["idempotencyKey"]
    somebody = replace(LEAD, account_id=UUID(int=2))
    theirs = await do(SAVE, somebody, input=terms(body, state="ENDED"))
    assert theirs["data"]["saved"]["now"]["state"] == "ENDED"


@pytest.mark.parametrize("key", ["short", "x" * 201, "line\nbreak", "nøkkel-nøkkel"])
async def test_a_key_that_is_none_is_a_problem(do: Do, body: str, key: str):
    answer = await do(SAVE, input=terms(body, idempotencyKey=key))
    assert answer["data"]["saved"]["code"] == "INVALID"


async def test_what_is_refused_leaves_nothing_behind(do: Do, body: str, facts_database: Database):
    refused = await do(SAVE, input=terms(body, until="2025-12-31"))
    assert refused["data"]["saved"] == {
        "__typename": "SimpleProblem",
        "code": "INVALID",
        "message": "The last day is before the first.",
        "path": ["until"],
    }
    for table in ("agreement", "change_key", "audit_leaf"):
        assert await rows(facts_database, f"select count(*) from {table}") == [(0,)]
    # The key was not used up.
    assert (await do(SAVE, input=terms(body)))["data"]["saved"]["replayed"] is False


@pytest.mark.parametrize("organisation", ["or_6f1a3c1e-0000-4000-8000-000000000001", "ct_1", "nonsense", ""])
async def test_an_unknown_body_is_a_problem(do: Do, body: str, organisation: str):
    answer = await do(SAVE, input=terms(body, organisation=organisation))
    assert answer["data"]["saved"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("who", "code"),
    [
        (ANONYMOUS, "SCOPE"),
        (replace(LEAD, scopes=frozenset({AccessScope.NETWORK_READ})), "SCOPE"),
        *((replace(LEAD, relation=relation), "RELATION") for relation in Relation if relation is not Relation.LEAD),
    ],
)
async def test_a_change_that_is_not_for_the_viewer_is_withheld(do: Do, body: str, facts_database, who, code):
    answer = await do(SAVE, who, input=terms(body))
    assert answer == {
        "data": {"saved": None},
        "extensions": {"withheld": [{"path": ["saved"], "category": "NETWORK", "code": code}]},
    }
    assert await rows(facts_database, "select count(*) from agreement") == [(0,)]


async def test_what_a_change_shows_is_withheld_as_a_read_would(do: Do, body: str):
    answer = await do(SAVE, replace(LEAD, scopes=frozenset({AccessScope.AGREEMENT_MANAGE})), input=terms(body))
    assert answer["data"]["saved"]["replayed"] is False
    assert answer["data"]["saved"]["now"] is None


async def test_a_leaf_tells_who_changed_what_and_no_values(do: Do, body: str, facts_database: Database):
    await do(SAVE, input=terms(body))
    query = "select kind, relation, client, fields_returned, request_id, octet_length(operation_hash) from audit_leaf"
    assert await rows(facts_database, query) == [
        ("change", "lead", "console", ["Mutation.saveAgreement"], "request-1", 32)
    ]
    assert "2027-12-31" not in str(await rows(facts_database, "select audit_leaf::text from audit_leaf"))


async def test_a_token_that_was_cut_off_changes_nothing(do: Do, body: str, facts_database: Database):
    engine = facts_database.engine()
    with engine.begin() as connection:
        until = NOW + timedelta(days=1)
        connection.exec_driver_sql("insert into denial values (%s, %s, %s)", (LEAD.subjects[0], NOW, until))
    engine.dispose()
    answer = await do(SAVE, input=terms(body))
    assert answer["errors"][0]["extensions"]["code"] == "TOKEN_DENIED"
    assert await rows(facts_database, "select count(*) from agreement") == [(0,)]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("mutation { a: saveAgreement(input: $x) { __typename } }", "GRAPHQL_VALIDATION_FAILED"),
        (SAVE.replace("saved:", "again: saveAgreement(input: $input) { __typename } saved:"), "ONE_CHANGE"),
        ("mutation { __typename }", "ONE_CHANGE"),
        ("subscription { x }", "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_one_change_an_operation(do: Do, body: str, document: str, code: str):
    variables = {"input": terms(body)} if "$input" in document else {}
    answer = await do(document, **variables)
    assert answer["errors"][0]["extensions"]["code"] == code


async def test_an_input_of_the_wrong_type_is_refused(do: Do, body: str):
    for wrong in ({"state": "MAYBE"}, {"from": "tomorrow"}, {"categories": [None]}, {"unknown": 1}):
        answer = await do(SAVE, input=terms(body) | wrong)
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_the_operations_own_type_may_be_asked_along_in_order(do: Do, body: str):
    answer = await do(SAVE.replace("saved:", "before: __typename saved:"), input=terms(body))
    assert next(iter(answer["data"].items())) == ("before", "Mutation")


async def test_a_change_does_not_come_by_get(operations: Operations, body: str):
    variables = {"input": terms(body)}
    answer = await operations.execute(SAVE, variables=variables, profile=LEAD, may_change=False)
    assert json.loads(answer.body)["errors"][0]["extensions"]["code"] == "CHANGE_BY_GET"
