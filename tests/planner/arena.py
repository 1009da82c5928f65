"""Where oracle and planner meet: worlds in a real database, one operation asked of both, the two answers compared."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, time
from itertools import product
from typing import Any, Final, NoReturn, Self

import psycopg
from graphql import GraphQLSchema
from oracle import Answer, Oracle, Refusal, Rows, Who, load
from oracle.graph import FIELDS
from oracle.pages import Listing
from oracle.rows import RECORDS, Cursor, Thing, read_id
from strawberry.annotation import StrawberryAnnotation
from strawberry.federation import Schema
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import create_type
from strawberry.types.field import StrawberryField
from worlds import World, make_world, store

from hub.clock import SetClock
from hub.operations import Operations
from hub.planner import Limits, Planner
from hub.store import Database, Reader
from schema.access import AccessProfile
from schema.root import Query
from schema.scalars import SCALARS
from schema.types.openings import PartnerOpening, Place
from schema.types.viewer import Viewer
from schema.vocabulary import AccessScope, Relation

PERSONS: Final = frozenset({"case", "cases", "person", "referral", "referrals", "consents", "audit_entries"})
"""Roots of what concerns persons: that part of the graph has an oracle of its own, in `tests/casework`."""


def _nobody(root: StrawberryField) -> StrawberryField:
    """Give the viewer without the record of their own."""
    definition = Viewer.__strawberry_definition__
    kept = [field for field in definition.fields if field.python_name != "person"]
    assert len(kept) == len(definition.fields) - 1
    narrower = create_type("Viewer", kept, description=definition.description, directives=definition.directives)
    plain = copy(root)
    plain.type_annotation = StrawberryAnnotation(narrower | None)
    return plain


def _public() -> Schema:
    """Give the graph without persons, from the same declarations."""
    roots = [field for field in Query.__strawberry_definition__.fields if field.python_name not in PERSONS]
    assert len(roots) == len(Query.__strawberry_definition__.fields) - len(PERSONS)
    place = next(number for number, root in enumerate(roots) if root.python_name == "viewer")
    roots[place] = _nobody(roots[place])
    query = create_type("Query", roots)
    config = StrawberryConfig(scalar_map=SCALARS)
    return Schema(query=query, types=[Place, PartnerOpening], config=config, federation_version="2.9")


SCHEMA_WITHOUT: Final = _public()
GRAPH: Final[GraphQLSchema] = SCHEMA_WITHOUT._schema  # noqa: SLF001  # strawberry keeps graphql-core's schema there
_MUCH: Final = 2**31 - 1
WIDE: Final = Limits(**{bound.name: _MUCH for bound in fields(Limits)})
"""The limits have tests of their own; here they would only be in the way."""
ALL_SEEING: Final = AccessProfile(relation=Relation.LEAD, scopes=frozenset(AccessScope))


@dataclass(frozen=True, slots=True)
class Question:
    """One request: variables and who asks."""

    variables: Mapping[str, Any]
    profile: AccessProfile


@dataclass(frozen=True, slots=True)
class Case:
    """A document asked of one world, one or more times: the second time the planner has met it before."""

    document: str
    operation: str | None
    questions: Sequence[Question]
    world: int
    shapes: frozenset[str] = frozenset()
    """What the document is made of, for counting."""


@dataclass(slots=True)
class Stage:
    """One world in the database with the planner before it and the oracle beside it."""

    world: World
    operations: Operations
    reader: Reader
    oracle: Oracle
    texts: dict[Cursor, str] = field(default_factory=dict)
    """How the planner writes each cursor."""


class Arena:
    """Asks planner and oracle the same and tells where they differ."""

    def __init__(self, databases: Sequence[Database], seeds: Sequence[int]) -> None:
        """Fill databases that have empty tables, one with the world of each seed."""
        self.met: Counter[str] = Counter()
        self.asked = 0
        self._runner = asyncio.Runner()
        self._planner = Planner(SCHEMA_WITHOUT, WIDE)
        self.stages = [self._stage(database, seed) for database, seed in zip(databases, seeds, strict=True)]
        for stage in self.stages:
            self._learn_cursors(stage)
        self.met.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for stage in self.stages:
            self._runner.run(stage.reader.aclose())
        self._runner.close()

    def _stage(self, database: Database, seed: int) -> Stage:
        world = make_world(seed)
        with psycopg.connect(database.conninfo) as connection:
            store(connection, world.tables)
        reader = Reader(database.reading, connections=1, statement_timeout_ms=60_000)
        noon = datetime.combine(world.today, time(12), UTC)
        operations = Operations(reader=reader, clock=SetClock(noon), planner=self._planner)
        oracle = Oracle(GRAPH, Rows(load(database.conninfo), world.today, _MUCH))
        oracle.met = self.met
        return Stage(world, operations, reader, oracle)

    # ---- Asking ----------------------------------------------------------------------------------------------------

    def planner_says(self, stage: Stage, document: str, question: Question, operation: str | None = None) -> Any:
        """Ask the planner; give its body as values, with objects as lists of pairs that keep their order."""
        operations, profile = stage.operations, question.profile
        request = json.dumps([document, question.variables, operation]).encode()
        # What another profile asked before must give this one its own answer.
        known = operations.known(request, profile)
        answer = self._runner.run(
            operations.execute(
                document,
                variables=question.variables,
                operation_name=operation,
                profile=profile,
                request=request,
            )
        )
        known = known or operations.known(request, profile)
        if known is not None:
            self.met["a request known again"] += 1
            assert self._runner.run(operations.again(known, profile)) == answer
        return json.loads(answer.body, object_pairs_hook=_pairs, parse_int=float, parse_constant=_no_number)

    def check(self, case: Case) -> None:
        """Ask both; raise AssertionError with all that is needed to see why, where they differ."""
        stage = self.stages[case.world]
        for number, question in enumerate(case.questions):
            expected = stage.oracle.answer(case.document, question.variables, Who.of(question.profile), case.operation)
            self.asked += 1
            self.met["a plan met again" if number else "a plan made"] += 1
            try:
                got = self.planner_says(stage, case.document, question, case.operation)
            except Exception as error:
                raise AssertionError(_report(stage, case, question, expected, f"raised {error!r}")) from error
            difference = self._difference(stage, expected, got)
            if difference:
                raise AssertionError(_report(stage, case, question, expected, difference, got))
            self._note(case, expected)

    def _note(self, case: Case, expected: Answer | Refusal) -> None:
        self.met.update(case.shapes)
        if isinstance(expected, Refusal):
            self.met[f"refusal {' '.join(sorted(expected.codes))}"] += 1
            return
        self.met["answer"] += 1
        self.met["entity not found"] += len(expected.errors)
        for entry in expected.withheld:
            counted = " counted" if "count" in entry else ""
            self.met[f"withheld {entry['category']} {entry['code']}{counted}"] += 1

    def _difference(self, stage: Stage, expected: Answer | Refusal, got: Any) -> str | None:
        body = dict(got)
        if isinstance(expected, Refusal):
            codes = [dict(dict(error)["extensions"])["code"] for error in body.get("errors", [])]
            if "data" in body or not codes or not set(codes) <= expected.codes:
                return f"expected a refusal: {sorted(expected.codes)}"
            return None
        wanted = _ordered(expected.data, stage.texts)
        if _text(wanted) != _text(body.get("data")):
            return _first_difference(wanted, body.get("data"), "data")
        withheld = [dict(entry) for entry in dict(body.get("extensions", [])).get("withheld", [])]
        if withheld != expected.withheld:
            return f"withheld:\n  expected {expected.withheld}\n  got      {withheld}"
        errors = [
            {"path": error["path"], "code": dict(error["extensions"])["code"]}
            for error in map(dict, body.get("errors", []))
        ]
        if errors != expected.errors:
            return f"errors:\n  expected {expected.errors}\n  got      {errors}"
        return None

    # ---- Cursors ---------------------------------------------------------------------------------------------------

    def _learn_cursors(self, stage: Stage) -> None:
        """Read all lists in all orders from first row to last, and keep which cursor stood at which row."""
        for document, listing, asked in _readings():
            name = listing.ordering_name(asked)
            answer = self.planner_says(stage, document, Question({}, ALL_SEEING))
            assert dict(answer).get("data") is not None, answer
            for edge in _edges(answer):
                cursor, (_, gid) = edge["cursor"], edge["node"][0]
                kind, row_id = read_id(gid) or ("", None)
                row = next(row for row in stage.oracle.rows.of(RECORDS[kind].table) if row["id"] == row_id)
                mark = Cursor(name, kind, str(row_id))
                assert stage.texts.setdefault(mark, cursor) == cursor, f"two cursors for one row in {document}"
                known = stage.oracle.cursors.setdefault(cursor, (mark, Thing(kind, row)))
                assert known[0] == mark, f"one cursor for {known[0]} and {mark}"


def _readings() -> Iterator[tuple[str, Listing, dict[str, Any]]]:
    """Give documents that show every list of the graph whole, with the ordering of each."""
    rows = "edges{cursor node{id}}"
    for name, declared in FIELDS["Query"].items():
        listing = declared.listing
        if listing is None:
            continue
        orders: Sequence[Any] = [None]
        if "orderBy" in GRAPH.type_map["Query"].fields[name].args:
            orders = list(product(listing.orders, ("asc", "desc")))
        statuses = [
            f"where:{{status:{status}}}" for status in ("MEMBER", "FORMER", "PREDECESSOR", "PROSPECT", "UNVERIFIED")
        ]
        states = ["where:{open:true}", "where:{open:false}"]
        for order in orders:
            for where in {"cities": statuses, "openings": states}.get(name, [""]):
                asked = f"orderBy:{{field:{order[0].upper()},direction:{order[1].upper()}}}" if order else ""
                args = {"orderBy": {"field": order[0], "direction": order[1]}} if order else {}
                yield f"{{{name}(first:100 {where} {asked}){{{rows}}}}}", listing, args
    residents = FIELDS["City"]["residents"].listing
    assert residents
    for where in statuses:
        yield f"{{cities(first:100 {where}){{nodes{{residents(first:100){{{rows}}}}}}}}}", residents, {}
        places = FIELDS["City"]["places"].listing
        assert places
        yield f"{{cities(first:100 {where}){{nodes{{places(first:100){{{rows}}}}}}}}}", places, {}
    works = FIELDS["Resident"]["works"].listing
    assert works
    yield f"{{residents(first:100){{nodes{{works(first:100){{{rows}}}}}}}}}", works, {}


def _edges(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, list):
        for item in tree:
            if isinstance(item, tuple) and item[0] == "edges":
                yield from map(dict, item[1])
            else:
                yield from _edges(item[1] if isinstance(item, tuple) else item)


# ---- Comparing -----------------------------------------------------------------------------------------------------


class Pairs(list[tuple[str, Any]]):
    """An object of JSON: its names and values in order."""


def _pairs(pairs: list[tuple[str, Any]]) -> Pairs:
    names = [name for name, _ in pairs]
    assert len(set(names)) == len(names), f"one object names a field twice: {names}"
    return Pairs(pairs)


def _no_number(text: str) -> NoReturn:
    raise AssertionError(f"{text} is no JSON")


def _ordered(value: Any, texts: Mapping[Cursor, str]) -> Any:
    if isinstance(value, dict):
        return Pairs((name, _ordered(inner, texts)) for name, inner in value.items())
    if isinstance(value, list):
        return [_ordered(item, texts) for item in value]
    if isinstance(value, Cursor):
        return texts.get(value, value)
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _text(value: Any) -> str:
    return repr(value)


def _first_difference(expected: Any, got: Any, where: str) -> str:
    if isinstance(expected, Pairs) and isinstance(got, Pairs) and [n for n, _ in expected] == [n for n, _ in got]:
        for (name, one), (_, other) in zip(expected, got, strict=True):
            if _text(one) != _text(other):
                return _first_difference(one, other, f"{where}.{name}")
    if type(expected) is type(got) is list and len(expected) == len(got):
        for index, (one, other) in enumerate(zip(expected, got, strict=True)):
            if _text(one) != _text(other):
                return _first_difference(one, other, f"{where}[{index}]")
    return f"{where}:\n  expected {expected!r}\n  got      {got!r}"


def _report(  # noqa: PLR0917
    stage: Stage,
    case: Case,
    question: Question,
    expected: Answer | Refusal,
    difference: str,
    got: Any = None,
) -> str:
    profile = {
        name: getattr(question.profile, name)
        for name in ("relation", "scopes", "purposes", "purpose", "organisation_id", "city_id", "expires_at")
        if getattr(question.profile, name) != getattr(AccessProfile(), name)
    }
    profile["scopes"] = sorted(scope.value for scope in question.profile.scopes)
    oracle = expected.data if isinstance(expected, Answer) else sorted(expected.codes)
    return "\n".join(
        (
            f"oracle and planner differ in world {stage.world.seed}, today {stage.world.today}",
            case.document,
            f"variables {json.dumps(question.variables)}",
            f"operation {case.operation}; profile {profile}",
            difference,
            f"oracle  {json.dumps(oracle, default=str, ensure_ascii=False)[:3000]}",
            f"planner {json.dumps(_plain(got), ensure_ascii=False)[:3000]}",
        )
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Pairs):
        return {name: _plain(inner) for name, inner in value}
    return [_plain(item) for item in value] if isinstance(value, list) else value
