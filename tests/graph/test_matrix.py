"""The access matrix, asked: every field of the graph by every actor, with and without the scope, on every path.

`matrix.txt` names the rule of each field in one word; what a rule opens to whom is read from `access_matrix.csv`.
Neither knows the rules in the code. A field without a line fails, and so does a line without a field. Fields about
persons have their lines, and their tests, in `tests/casework`.
"""

import csv
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from graphql import GraphQLObjectType, get_named_type, is_leaf_type

import hub.facts
from hub.operations import Operations
from schema.access import AccessProfile
from schema.root import SCHEMA
from schema.vocabulary import AccessScope, Relation

GRAPH = SCHEMA._schema  # noqa: SLF001  # strawberry keeps graphql-core's schema there
HERE = Path(__file__).parent
RULES: dict[str, str] = {
    name: rule.strip()
    for name, _, rule in (
        line.partition(" ") for line in (HERE / "matrix.txt").read_text(encoding="utf-8").splitlines()
    )
}
with (Path(hub.facts.__file__).parent / "csv" / "access_matrix.csv").open(encoding="utf-8") as file:
    CELLS = {Relation(row["actor"]): row for row in csv.DictReader(file)}

SECRETARIAT = {Relation.CASEWORKER, Relation.LEAD}
READING = [frozenset(), frozenset({AccessScope.NETWORK_READ}), frozenset(AccessScope)]
PROFILES = [AccessProfile(relation=relation, scopes=scopes) for relation, scopes in product(Relation, READING)]

# How to come to an object of each type: the document around its fields, outermost first. {} is where they go.
PATHS = {
    "Query": "{}",
    "Viewer": "viewer {{ {} }}",
    "ViewerAgreement": "viewer {{ agreement {{ {} }} }}",
    "ViewerLimits": "viewer {{ limits {{ {} }} }}",
    "City": 'city(slug: "no-stavanger") {{ {} }}',
    "Organisation": 'organisation(slug: "pen-international") {{ {} }}',
    "Agreement": 'organisation(slug: "pen-international") {{ agreement {{ {} }} }}',
    "Place": 'city(slug: "no-stavanger") {{ places(first: 1) {{ nodes {{ {} }} }} }}',
    "Coordinator": 'city(slug: "no-stavanger") {{ coordinators {{ {} }} }}',
    "PartnerOpening": "openings(first: 100) {{ nodes {{ ... on PartnerOpening {{ {} }} }} }}",
    "Resident": "residents(first: 1) {{ nodes {{ {} }} }}",
    "Work": "residents(first: 1) {{ nodes {{ works(first: 1) {{ nodes {{ {} }} }} }} }}",
    "Figure": "figures(first: 1) {{ nodes {{ {} }} }}",
    "Term": "boardTerms(first: 1) {{ nodes {{ {} }} }}",
    "Event": "events(first: 1) {{ nodes {{ {} }} }}",
    "Resolution": "events(first: 1) {{ nodes {{ resolutions {{ {} }} }} }}",
    "Project": "projects(first: 1) {{ nodes {{ {} }} }}",
    "TimelineEntry": "timeline(first: 1) {{ nodes {{ {} }} }}",
    "Period": 'city(slug: "no-stavanger") {{ memberships {{ {} }} }}',
    "Provenance": 'city(slug: "no-stavanger") {{ provenance {{ {} }} }}',
    "Source": 'city(slug: "no-stavanger") {{ provenance {{ sources {{ {} }} }} }}',
    "NetworkSize": "networkSize(where: {{fromYear: 2006, untilYear: 2006}}) {{ {} }}",
    "OfficialTotal": "networkSize(where: {{fromYear: 2006, untilYear: 2006}}) {{ official {{ {} }} }}",
    "StatisticCell": "statistics(where: {{measures: [PLACES], slice: YEAR, fromYear: 2015, untilYear: 2025}}) {{ {} }}",
}
# The fields that a path goes through; all must be open for anything below to be seen.
THROUGH = {
    "Viewer": ["Query.viewer"],
    "ViewerAgreement": ["Query.viewer", "Viewer.agreement"],
    "ViewerLimits": ["Query.viewer", "Viewer.limits"],
    "Agreement": ["Organisation.agreement"],
    "Place": ["City.places"],
    "Coordinator": ["City.coordinators"],
    "PartnerOpening": ["Query.openings"],
    "StatisticCell": ["Query.statistics"],
}
ARGUMENTS = {
    "Query.node": '(id: "ct_0")',
    "Query.nodes": '(ids: ["ct_0"])',
    "Query.city": '(slug: "no-stavanger")',
    "Query.organisation": '(slug: "pen-international")',
    "Query.networkSize": "(where: {fromYear: 2006, untilYear: 2006})",
    "Query.statistics": "(where: {measures: [APPLICATIONS], slice: YEAR, fromYear: 2015, untilYear: 2025})",
}

ALIASED = 7
"""Fields asked for by aliases at once."""


def opens(rule: str, who: AccessProfile, *, own: bool = False) -> bool:
    """Tell by the csv whether a rule lets an actor see."""
    network = CELLS[who.relation]["network"] == "V" and bool(
        who.scopes & {AccessScope.NETWORK_READ, AccessScope.SELF_READ}
    )
    match rule:
        case "public":
            return CELLS[who.relation]["public"] == "V"
        case "token":
            return who.relation is not Relation.ANONYMOUS
        case "network":
            return network
        case "network terms":
            return network and (own or who.relation in SECRETARIAT | {Relation.DPO})
        case "network wishes":
            return network and (own or who.relation in SECRETARIAT | {Relation.NATIONAL_HELPER})
        case "totals":
            # A and all that opens more: V and O.
            return CELLS[who.relation]["case"][0] in "AVO" and AccessScope.STATS_READ in who.scopes
        case _:
            raise AssertionError(f"no such rule: {rule}")


def _below(field: Any) -> str:
    """Write the least that may be asked of a field that is an object."""
    named = get_named_type(field.type)
    return "" if is_leaf_type(named) else " { __typename }"


def _asked(coordinate: str, response: str = "") -> str:
    type_name, _, name = coordinate.partition(".")
    field = GRAPH.type_map[type_name].fields[name]
    alias = f"{response}: " if response else ""
    return f"{alias}{name}{ARGUMENTS.get(coordinate, '')}{_below(field)}"


def _beside(coordinate: str, alias: str = "") -> str:
    """Write a field next to all others of its type; by aliases next to some, for the limit of 15 holds here too."""
    type_name = coordinate.partition(".")[0]
    all_ = [each for each in RULES if each.partition(".")[0] == type_name]
    if not alias:
        return " ".join(map(_asked, all_))
    first = all_.index(coordinate) // ALIASED * ALIASED
    return " ".join(_asked(each, f"{alias}_{each.partition('.')[2]}") for each in all_[first : first + ALIASED])


@dataclass(frozen=True)
class Way:
    """A way to ask for fields: what it makes of the path to them, and the aliases it asks for them by."""

    name: str
    ask: Callable[[str, Callable[[str], str]], str]
    aliases: tuple[str, ...] = ("",)


WAYS = [
    Way("plain", lambda type_name, fields: "{ " + PATHS[type_name].format(fields("")) + " }"),
    Way("alias", lambda type_name, fields: "{ " + PATHS[type_name].format(fields("other")) + " }", ("other",)),
    Way(
        "named fragment",
        lambda type_name, fields: (
            "{ " + PATHS[type_name].format("...F") + " } fragment F on " + type_name + " { " + fields("") + " }"
        ),
    ),
    Way(
        "inline fragment",
        lambda type_name, fields: (
            "{ " + PATHS[type_name].format("... on " + type_name + " { " + fields("") + " }") + " }"
        ),
    ),
    Way(
        "twice",
        lambda type_name, fields: "{ " + PATHS[type_name].format(fields("one") + " " + fields("two")) + " }",
        ("one", "two"),
    ),
    Way(
        "included",
        lambda type_name, fields: (
            "query($yes: Boolean = true) { "
            + PATHS[type_name].format("... @include(if: $yes) { " + fields("") + " }")
            + " }"
        ),
    ),
]


async def decided(operations: Operations, document: str, who: AccessProfile, **variables: object) -> dict[str, Any]:
    answer = json.loads((await operations.execute(document, variables=variables, profile=who)).body)
    assert "errors" not in answer, (document, answer)
    return answer


def kept_back(answer: dict[str, Any]) -> set[str]:
    """Name the fields that were withheld, by their last response name."""
    return {entry["path"][-1] for entry in answer.get("extensions", {}).get("withheld", ())}


def shut(answer: dict[str, Any], type_name: str, response: str) -> bool:
    """Tell whether a field of an object was withheld, or what it lies in."""
    path = [*re.findall(r"(?<!on )\b(\w+)(?:\(.*?\))? \{\{", PATHS[type_name]), response]
    withheld = [
        [each for each in entry["path"] if isinstance(each, str)]
        for entry in answer.get("extensions", {}).get("withheld", ())
    ]
    return any(path[: len(each)] == each for each in withheld)


def test_every_field_of_the_graph_has_a_line_and_every_line_a_field():
    fields = {
        f"{named.name}.{name}"
        for named in GRAPH.type_map.values()
        if isinstance(named, GraphQLObjectType) and "_" not in named.name[:1]
        if not named.name.endswith(("Connection", "Edge")) and named.name != "PageInfo"
        # Changes are asked in tests/changes, field by field; what they answer has no rule but theirs.
        if not named.name.endswith(("Mutation", "Subscription", "Payload", "Problem"))
        for name in named.fields
        if not name.startswith("_")
    }
    persons = (HERE.parent / "casework" / "fields.txt").read_text(encoding="utf-8").splitlines()
    assert fields == {*RULES, *(line.partition(" ")[0] for line in persons)}


@pytest.fixture(scope="module")
def beside(operations: Operations) -> Callable[..., Awaitable[dict[str, Any]]]:
    """Ask for all fields of a type by one actor; once, for all cells that look at the answer."""
    answers: dict[tuple[str, AccessProfile, str], dict[str, Any]] = {}

    async def ask(document: str, who: AccessProfile, **variables: object) -> dict[str, Any]:
        asked = (document, who, repr(variables))
        if asked not in answers:
            answers[asked] = await decided(operations, document, who, **variables)
        return answers[asked]

    return ask


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
@pytest.mark.parametrize("coordinate", RULES)
async def test_a_field_is_shown_to_whom_the_matrix_names_and_to_nobody_else(beside: Any, coordinate: str, way: Way):
    type_name, _, name = coordinate.partition(".")
    document = way.ask(type_name, lambda alias: _beside(coordinate, alias))
    for who in PROFILES if way.name == "plain" else PROFILES[2::3]:
        answer = await beside(document, who)
        for alias in way.aliases:
            response = f"{alias}_{name}" if alias else name
            assert shut(answer, type_name, response) != shown(coordinate, who), (coordinate, who, answer)


@pytest.mark.parametrize("coordinate", RULES)
async def test_a_field_asked_for_alone_is_shown_to_the_same(operations: Operations, coordinate: str):
    type_name, _, name = coordinate.partition(".")
    document = WAYS[0].ask(type_name, lambda _alias: _asked(coordinate))
    for who in PROFILES[2::3]:
        answer = await decided(operations, document, who)
        assert (not kept_back(answer)) == shown(coordinate, who), (coordinate, who, answer)
        assert shut(answer, type_name, name) != shown(coordinate, who)


def shown(coordinate: str, who: AccessProfile) -> bool:
    """Tell by the matrix whether an actor sees a field, on its path."""
    through = THROUGH.get(coordinate.partition(".")[0], [])
    return all(opens(RULES[each], who) for each in [*through, coordinate])


NODES = {"City": "ct", "Organisation": "or", "Place": "pl", "PartnerOpening": "po", "Agreement": "ag", "Resident": "re"}


@pytest.mark.parametrize("coordinate", [each for each in RULES if each.partition(".")[0] in NODES])
async def test_by_id_and_as_an_entity_the_decision_is_the_same(beside: Any, coordinate: str):
    type_name, _, name = coordinate.partition(".")
    everything = AccessProfile(relation=Relation.LEAD, scopes=frozenset(AccessScope))
    found = await beside("{ " + PATHS[type_name].format("id") + " }", everything)
    id_ = next(_ids(found["data"], NODES[type_name]))
    on = "... on " + type_name + " { " + _beside(coordinate) + " }"
    by_id = "query($id: ID!) { node(id: $id) { __typename " + on + " } nodes(ids: [$id]) { __typename " + on + " } }"
    entity = "query($r: [_Any!]!) { _entities(representations: $r) { __typename " + on + " } }"
    is_entity = any(each.name == type_name for each in GRAPH.type_map["_Entity"].types)
    for who in PROFILES:
        record = opens("public" if type_name in {"City", "Organisation", "Resident"} else "network", who)
        expected = record and opens(RULES[coordinate], who)
        answer = await beside(by_id, who, id=id_)
        records = [answer["data"]["node"], answer["data"]["nodes"][0]]
        assert [each is not None for each in records] == [record, record], (coordinate, who.relation)
        if record:
            assert (name not in kept_back(answer)) == expected, (coordinate, who.relation)
        if is_entity:
            answer = await beside(entity, who, r=[{"__typename": type_name, "id": id_}])
            assert (not kept_back(answer) & {name, "_entities"}) == expected, (coordinate, who.relation)


def _ids(value: Any, code: str):
    if isinstance(value, dict):
        for each in value.values():
            yield from _ids(each, code)
    elif isinstance(value, list):
        for each in value:
            yield from _ids(each, code)
    elif isinstance(value, str) and value.startswith(f"{code}_"):
        yield value


@pytest.mark.parametrize(
    ("coordinate", "viewer"),
    [(each, "organisation_id") for each, rule in RULES.items() if rule == "network terms"]
    + [(each, "city_id") for each, rule in RULES.items() if rule == "network wishes"],
)
async def test_what_is_a_bodys_or_a_citys_own_is_shown_to_it_alone(
    operations: Operations, coordinate: str, viewer: str
):
    type_name = coordinate.partition(".")[0]
    around = "organisation" if viewer == "organisation_id" else "city"
    everything = AccessProfile(relation=Relation.LEAD, scopes=frozenset(AccessScope))
    slug = {"organisation": "pen-international", "city": "no-stavanger"}[around]
    found = await decided(operations, f'{{ {around}(slug: "{slug}") {{ id }} }}', everything)
    mine = UUID(found["data"][around]["id"].partition("_")[2])
    document = "{ " + PATHS[type_name].format(_asked(coordinate)) + " }"
    for relation, own in product(Relation, (True, False)):
        who = AccessProfile(relation=relation, scopes=frozenset(AccessScope), **{viewer: mine if own else UUID(int=1)})
        answer = await decided(operations, document, who)
        reached = all(opens(RULES[each], who) for each in THROUGH[type_name])
        expected = reached and opens(RULES[coordinate], who, own=own)
        assert (not kept_back(answer)) == expected, (coordinate, relation, own)
