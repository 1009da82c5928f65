"""Who may try a mutation at all: every mutation by every actor, with each scope that opens it and with none that does.

`mutations.txt` says it without knowing the rules in the code. What a mutation then does for whom is tried elsewhere.
"""

import json
import re
from pathlib import Path
from uuid import UUID

import pytest
from graphql import GraphQLEnumType, GraphQLList, GraphQLNonNull, GraphQLScalarType

from hub.operations import Operations
from schema.access import AccessProfile
from schema.root import SCHEMA
from schema.vocabulary import AccessScope, Relation

GRAPH = SCHEMA._schema  # noqa: SLF001  # strawberry keeps graphql-core's schema there
LINES = (Path(__file__).parent / "mutations.txt").read_text(encoding="utf-8").splitlines()
RULES = {
    name: (frozenset(AccessScope(scope) for scope in scopes.split()), frozenset(Relation(each) for each in who.split()))
    for name, scopes, who in (re.split(r"\s{2,}", line) for line in LINES)
}
NOWHERE = "xx_6f1a3c1e-0000-4000-8000-000000000001"
SCALARS = {
    "ID": NOWHERE,
    "Date": "2027-01-01",
    "String": "words",
    "LanguageTag": "ar",
    "Base64": "AAAA",
    "CompactJws": "a.b.c",
    "Boolean": True,
}


def least(kind) -> object:
    """Give the least value of an input type that is of the right form."""
    match kind:
        case GraphQLNonNull():
            return least(kind.of_type)
        case GraphQLList():
            return [least(kind.of_type)]
        case GraphQLEnumType():
            return next(iter(kind.values))
        case GraphQLScalarType():
            return SCALARS[kind.name]
        case _:
            needed = {name: field for name, field in kind.fields.items() if isinstance(field.type, GraphQLNonNull)}
            return {name: least(field.type) for name, field in needed.items()}


def test_every_mutation_has_a_line_and_every_line_a_mutation():
    assert set(RULES) == set(GRAPH.mutation_type.fields)


@pytest.mark.parametrize("name", RULES)
async def test_a_mutation_is_for_whom_its_line_names_and_for_nobody_else(operations: Operations, name: str):
    scopes, relations = RULES[name]
    kind = GRAPH.mutation_type.fields[name].args["input"].type
    document = f"mutation($input: {kind}) {{ {name}(input: $input) {{ ... on Problem {{ code }} }} }}"
    tried = 0
    for relation in Relation:
        for held in (frozenset(), frozenset(AccessScope) - scopes, *(frozenset({scope}) for scope in scopes)):
            who = AccessProfile(relation=relation, scopes=held, organisation_id=UUID(int=7))
            tried += 1
            given = {"input": least(kind) | {"idempotencyKey": f"{name}-{tried:04}"}}
            answer = json.loads((await operations.execute(document, variables=given, profile=who)).body)
            assert "errors" not in answer, answer
            withheld = answer.get("extensions", {}).get("withheld", [])
            if not held & scopes:
                assert [entry["code"] for entry in withheld] == ["SCOPE"], (relation, held)
            elif relation not in relations:
                assert [entry["code"] for entry in withheld] == ["RELATION"], (relation, held)
            else:
                assert not withheld, (relation, held)
            if withheld:
                assert answer["data"] == {name: None}
