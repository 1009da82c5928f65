"""The planner against the oracle, over generated worlds, profiles and operations.

In the suite a fixed seed draws the same cases each time. More of them, and others: `python -m tests.planner.long`.
"""

import ast
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from arena import ALL_SEEING, GRAPH, Arena, Case, Question
from databases import cloned
from graphql import get_named_type
from hypothesis import HealthCheck, Phase, given, seed, settings
from oracle.graph import fields_of
from strategies import cases
from wanted import listings, missing, object_types

from hub.operations import Answer as Body
from schema.access import ANONYMOUS

CASES = int(os.environ.get("ORACLE_CASES", "1500"))
"""Documents; each is asked of one world one to four times, with other variables and by others."""
SEED = int(os.environ.get("ORACLE_SEED", "1"))
MORE, MORE_MOST = 500, 6
"""Where the cases have not met all that is wanted, so many more are made, so many times."""
BATCH = 2_500
"""Hypothesis remembers every case of a run, so that a long run is cut into several."""
WORLDS = (0, 1, 2, SEED * 10 + 3, SEED * 10 + 4, SEED * 10 + 5)


@pytest.fixture(scope="module")
def arena(template) -> Iterator[Arena]:
    with ExitStack() as stack:
        databases = [stack.enter_context(cloned(template)) for _ in WORLDS]
        yield stack.enter_context(Arena(databases, WORLDS))


@pytest.mark.timeout(1800)  # thousands of cases
def test_the_planner_answers_as_the_oracle_does(arena):
    began = time.monotonic()
    batches = [min(BATCH, CASES - first) for first in range(0, CASES, BATCH)]
    for number, documents in enumerate(batches + [MORE] * MORE_MOST):
        if number >= len(batches) and not missing(arena.met):
            break
        run(arena, SEED * 1_000 + number, documents)
        print(f"{arena.asked} operations in {time.monotonic() - began:.0f} s", flush=True)  # noqa: T201  # a sign of life
    assert missing(arena.met) == []


def run(arena: Arena, number: int, documents: int) -> None:
    @seed(number)
    @settings(
        max_examples=documents,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
        report_multiple_bugs=False,
    )
    @given(cases(arena.stages))
    def check(case: Case) -> None:
        arena.check(case)

    check()


# ---- The oracle knows the whole graph ------------------------------------------------------------------------------


def test_the_oracle_knows_every_field():
    for kind in object_types():
        assert set(fields_of(kind)) == set(GRAPH.type_map[kind].fields) - {"_service"}, kind


def test_the_oracle_knows_every_filter_and_order():
    for listing, args in listings():
        where = get_named_type(args["where"].type).fields if "where" in args else ()
        assert set(listing.conditions) == set(where), listing.name
        if "orderBy" in args:
            orders = get_named_type(get_named_type(args["orderBy"].type).fields["field"].type).values
            assert set(listing.orders) == {name.lower() for name in orders}, listing.name


def test_only_the_filter_by_agreement_is_narrower_than_its_list():
    """By it FORBIDDEN_FILTER is met."""
    narrower = {
        f"{kind}.{name} {condition}"
        for kind in object_types()
        for name, declared in fields_of(kind).items()
        if declared.listing
        for condition, each in [*declared.listing.conditions.items(), *declared.listing.orders.items()]
        if each.see != declared.see
    }
    assert narrower == {"Query.organisations inAgreement"}


def test_the_oracle_shares_nothing_with_the_planner():
    allowed = {"schema.text", "schema.vocabulary", "graphql", "psycopg", "oracle"}
    standard = {"collections", "json", "dataclasses", "datetime", "enum", "typing", "uuid"}
    for file in (Path(__file__).parent / "oracle").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom):
                names = [str(node.module)]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                continue
            for name in names:
                assert name in allowed or name.partition(".")[0] in allowed | standard, f"{file.name} imports {name}"
                assert not name.startswith("schema.") or name in allowed, f"{file.name} imports {name}"


# ---- The comparison sees differences -------------------------------------------------------------------------------


class Liar:
    """Operations whose answers are changed on the way."""

    def __init__(self, operations, old: bytes, new: bytes) -> None:
        self.operations = operations
        self.change = (old, new)

    async def execute(self, document, **given):
        answer = await self.operations.execute(document, **given)
        assert self.change[0] in answer.body, answer.body
        return Body(answer.body.replace(*self.change, 1), answer.code)

    def known(self, _request, _profile):
        return None


LIES = {
    "a value": ("{city(slug: $slug) {status}}", b'"MEMBER"', b'"FORMER"'),
    "a null": ("{city(slug: $slug) {status}}", b'"MEMBER"', b"null"),
    "the order of fields": ("{city(slug: $slug) {a: __typename b: __typename}}", b'"a":"City","b"', b'"b":"City","a"'),
    "a number for a truth": (
        "{city(slug: $slug) {__typename @skip(if: true)} timeline(first: 1) {pageInfo {hasPreviousPage}}}",
        b"false",
        b"0",
    ),
    "a field twice": ("{city(slug: $slug) {status}}", b'"status"', b'"status":"MEMBER","status"'),
    "a cursor": ("{city(slug: $slug) {slug} cities(first: 1) {edges {cursor}}}", b'"cursor":"', b'"cursor":"A'),
    "nothing withheld": ("{city(slug: $slug) {permitRoute}}", b',"extensions":', b',"left":'),
    "another reason": ("{city(slug: $slug) {permitRoute}}", b"SCOPE", b"RELATION"),
    "no error": (
        '{city(slug: $slug) {slug} _entities(representations: [{__typename: "City"}]) {__typename}}',
        b',"errors":',
        b',"left":',
    ),
    "another refusal": ("{city(slug: $slug) {slug} cities(first: 0) {totalCount}}", b"BAD_PAGE", b"BAD_CURSOR"),
}


@pytest.mark.parametrize("lie", LIES)
def test_the_comparison_sees(arena, lie):
    document, old, new = LIES[lie]
    stage = arena.stages[3]
    slug = next(city["slug"] for city in stage.world.tables["city"] if city["status"] == "member")
    case = Case(f"query ($slug: String!) {document}", None, [Question({"slug": slug}, ANONYMOUS)], 3)
    arena.check(case)
    honest = stage.operations
    stage.operations = Liar(honest, old, new)
    try:
        with pytest.raises(AssertionError, match="oracle and planner differ"):
            arena.check(case)
    finally:
        stage.operations = honest


# ---- What small worlds cannot show ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "told"), [(10_000, 10_000), (10_001, None)])
def test_counts_stop_at_ten_thousand(template, rows, told):
    with cloned(template) as database:
        with psycopg.connect(database.conninfo) as connection:  # beside the empty world
            connection.execute(
                "insert into figure (id, certainty, sources, slug, name, name_key, role) "
                "select gen_random_uuid(), 'low', '{}', n::text, 'x', 'x', 'x' from generate_series(1, %s) as n",
                [rows],
            )
        with Arena([database], [0]) as arena:
            case = Case(
                "{figures(last: 2) {totalCount nodes {id} pageInfo {hasPreviousPage}}}",
                None,
                [Question({}, ALL_SEEING)],
                0,
            )
            arena.check(case)
            assert arena.met["value FigureConnection.totalCount: null"] == (told is None)
