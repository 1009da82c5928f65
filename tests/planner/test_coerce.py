"""Compiled coercion gives what graphql-core gives, or leaves the value to it."""

from functools import cache
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, GraphQLList, GraphQLNonNull, is_input_type, parse
from graphql.execution.values import get_variable_values
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.planner.coerce import Irregular, coercer
from schema.root import SCHEMA

GRAPH = SCHEMA._schema  # noqa: SLF001  # strawberry keeps graphql-core's schema there
NAMED = sorted(name for name, named in GRAPH.type_map.items() if is_input_type(named) and not name.startswith("_"))
PLAIN = ["NO", "POETRY", "MEMBER", "ASC", "NAME", "2026-11-21", "2007-06", "fa-AF", "https://icorn.org", "x", ""]
FORMS = st.sampled_from(["{}", "{}!", "[{}!]", "[{}]!"])
LEAVES = st.none() | st.booleans() | st.integers(-(2**33), 2**33) | st.floats() | st.sampled_from(PLAIN)


def _by_graphql(declared: str, value: object) -> Any:
    document = parse(f"query($value: {declared}) {{ __typename }}")
    result = get_variable_values(GRAPH, document.definitions[0].variable_definitions, {"value": value})
    return None if isinstance(result, list) else result.coerced


@cache
def _fitting(declared: Any) -> st.SearchStrategy[Any]:
    """Values that mostly fit the type, so that not all end in refusal. Hypothesis looks long at a new strategy."""
    if isinstance(declared, GraphQLNonNull):
        return _fitting(declared.of_type)
    if isinstance(declared, GraphQLList):
        return st.lists(_fitting(declared.of_type), max_size=3) | LEAVES
    if isinstance(declared, GraphQLInputObjectType):
        fields = {name: _fitting(field.type) for name, field in declared.fields.items()}
        return st.fixed_dictionaries({}, optional={**fields, "strange": LEAVES}) | LEAVES
    if hasattr(declared, "values"):
        return st.sampled_from([*declared.values, "STRANGE"]) | LEAVES
    return LEAVES


@cache
def _declared(name: str, form: str) -> Any:
    named = GRAPH.type_map[name]
    return {
        "{}": named,
        "{}!": GraphQLNonNull(named),
        "[{}!]": GraphQLList(GraphQLNonNull(named)),
        "[{}]!": GraphQLNonNull(GraphQLList(named)),
    }[form]


@pytest.mark.parametrize("name", NAMED)
@settings(max_examples=40)
@given(data=st.data())
def test_a_value_is_coerced_as_graphql_core_does(name: str, data: st.DataObject):
    form = data.draw(FORMS)
    declared = _declared(name, form)
    value = data.draw(_fitting(declared))
    expected = _by_graphql(form.format(name), value)
    try:
        ours = coercer(declared)(value)
    except Irregular:
        return
    assert expected is not None, "graphql-core refuses what we took"
    assert ours == expected["value"] or ours != ours  # noqa: PLR0124  # NaN
    assert repr(ours) == repr(expected["value"]), "and in the same order"


def test_what_fits_is_taken_without_asking_graphql_core():
    where = {"country": {"in": ["NO"]}, "status": "FORMER", "memberOn": "2012-01-01"}
    taken = coercer(GRAPH.type_map["CityWhere"])(where)
    assert taken == _by_graphql("CityWhere", where)["value"]
