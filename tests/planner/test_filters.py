"""A filter, an order or a count on what is not for the viewer is refused, or counts nothing.

The graph has no list yet whose filters are narrower than itself, so a small one is declared here, with the same words.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import pytest
import strawberry
from asking import NOW
from profiles import PARTNER
from strawberry.federation import Schema
from strawberry.schema.config import StrawberryConfig

from hub.clock import SetClock
from hub.operations import Operations
from hub.planner import Asked, Limits, OperationRefused, Planner
from hub.planner.catalogue import SchemaDefect
from hub.store import Reader
from schema.access import ANONYMOUS, NETWORK, PUBLIC, AccessProfile, Anyone, Own, network_only
from schema.scalars import SCALARS
from schema.source import Ordering, column, input_object, matches, page, record
from schema.tables import OrganisationRow
from schema.types.basics import Connection, Node, OrderDirection, TextFilter
from schema.vocabulary.base import Vocabulary, vocabulary

OWN: Final = network_only(Own("organisation_id", lambda c: c.id))


@record(OrganisationRow, code="bo", see=PUBLIC, rows=Anyone())
class Body(Node):
    """A body."""

    id: strawberry.ID = column(OrganisationRow.id, see=PUBLIC, says="Id.")
    name: str = column(OrganisationRow.name, see=PUBLIC, says="Name.")
    acronym: str | None = column(OrganisationRow.acronym, see=NETWORK, says="Short name.")
    standing: str | None = column(OrganisationRow.standing, see=OWN, says="Standing.")


@input_object
class BodyWhere:
    """Which bodies."""

    name: TextFilter | None = matches(OrganisationRow.name_key, folded=True, see=PUBLIC, says="By name.")
    acronym: TextFilter | None = matches(OrganisationRow.acronym_key, folded=True, see=NETWORK, says="By acronym.")
    standing: TextFilter | None = matches(OrganisationRow.standing, see=OWN, says="By standing.")


@vocabulary
class BodyOrderField(Vocabulary):
    """Keys."""

    NAME = ("name", "By name.")
    STANDING = ("standing", "By slug, as if it told something.")


@input_object
class BodyOrder:
    """An order."""

    field: BodyOrderField = strawberry.field(description="Key.")
    direction: OrderDirection = strawberry.field(description="Direction.", default=OrderDirection.ASC)


ORDERS: Final = {
    BodyOrderField.NAME: Ordering(lambda c: [c.name_key], see=PUBLIC),
    BodyOrderField.STANDING: Ordering(lambda c: [c.slug], see=NETWORK),
}


@strawberry.type
class Query:
    bodies: Connection[Body] = page(
        where=BodyWhere, order=BodyOrder, orders=ORDERS, default=ORDERS[BodyOrderField.NAME], see=PUBLIC, says="All."
    )


def schema_of(query: type) -> Schema:
    return Schema(query=query, config=StrawberryConfig(scalar_map=SCALARS), federation_version="2.9")


Ask = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture(scope="module")
def ask(facts_reader: Reader) -> Ask:
    planner = Planner(schema_of(Query), Limits())
    operations = Operations(reader=facts_reader, clock=SetClock(NOW), planner=planner)

    async def ask(arguments: str, profile: AccessProfile) -> dict[str, Any]:
        document = "{ bodies(" + arguments + ") { totalCount nodes { id name standing } } }"
        return json.loads((await operations.execute(document, profile=profile)).body)

    return ask


@pytest.mark.parametrize(
    "arguments",
    [
        'where: {acronym: {eq: "PEN"}}',
        'where: {acronym: {contains: "PEN"}}',
        'where: {name: {contains: "PEN"}, acronym: {eq: "PEN"}}',
        "orderBy: {field: STANDING}",
        "orderBy: {field: STANDING, direction: DESC}",
    ],
)
async def test_looking_at_a_hidden_field_is_refused_before_the_database(ask: Ask, facts_reader: Reader, arguments: str):
    before = facts_reader.statements
    answer = await ask(arguments, ANONYMOUS)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN_FILTER"]
    assert "data" not in answer
    assert facts_reader.statements == before
    assert "data" in await ask(arguments, PARTNER)


async def test_a_filter_that_the_row_decides_matches_and_counts_only_rows_it_may_look_at(ask: Ask):
    everything = await ask("first: 100", PARTNER)
    pen = next(each["id"] for each in everything["data"]["bodies"]["nodes"] if each["name"] == "PEN International")
    who = replace(PARTNER, organisation_id=UUID(pen.removeprefix("bo_")))
    own = await ask("first: 100", who)
    standing = next(each["standing"] for each in own["data"]["bodies"]["nodes"] if each["standing"])
    found = await ask(f'where: {{standing: {{eq: "{standing}"}}}}', who)
    assert found["data"]["bodies"]["totalCount"] == 1
    other = await ask('where: {standing: {eq: "field"}}', who)
    assert other["data"]["bodies"] == {"totalCount": 0, "nodes": []}


def test_a_filter_with_a_rule_other_than_its_fields_does_not_start():
    @input_object
    class LaxWhere:
        """Which bodies, told by what is not public."""

        acronym: TextFilter | None = matches(OrganisationRow.acronym_key, folded=True, see=PUBLIC, says="By acronym.")

    @strawberry.type(name="Query")
    class Lax:
        bodies: Connection[Body] = page(where=LaxWhere, default=ORDERS[BodyOrderField.NAME], see=PUBLIC, says="All.")

    with pytest.raises(SchemaDefect, match="acronym"):
        Planner(schema_of(Lax), Limits())


def test_a_field_without_a_rule_does_not_start():
    @strawberry.type(name="Query")
    class Open:
        secret: str = strawberry.field(description="Nobody said who may see it.")

    with pytest.raises(SchemaDefect, match=r"Query\.secret has no rule"):
        Planner(schema_of(Open), Limits())


def test_a_narrower_field_that_cannot_be_null_does_not_start():
    @record(OrganisationRow, code="bx", see=PUBLIC, rows=Anyone())
    class Strict(Node):
        """A body whose short name must be shown and must not."""

        id: strawberry.ID = column(OrganisationRow.id, see=PUBLIC, says="Id.")
        acronym: str = column(OrganisationRow.acronym, see=NETWORK, says="Short name.")

    @strawberry.type(name="Query")
    class Roots:
        bodies: Connection[Strict] = page(default=ORDERS[BodyOrderField.NAME], see=PUBLIC, says="All.")

    with pytest.raises(SchemaDefect, match=r"Strict\.acronym"):
        Planner(schema_of(Roots), Limits())


def test_a_refusal_carries_a_code_and_nothing_of_the_data():
    planner = Planner(schema_of(Query), Limits())
    with pytest.raises(OperationRefused) as refused:
        planner.bind("{ bodies(orderBy: {field: STANDING}) { totalCount } }", None, {}, Asked(ANONYMOUS, NOW))
    assert refused.value.formatted() == [
        {
            "message": "A filter or an order looks at a field that is not for you.",
            "extensions": {"code": "FORBIDDEN_FILTER"},
        }
    ]
