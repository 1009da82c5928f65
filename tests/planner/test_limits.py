"""What is too large is refused before it is looked at closely, and nothing that is in use is too large."""

import time

import pytest
from graphql import get_introspection_query, parse
from hypothesis import given
from hypothesis import strategies as st

from hub.planner import Planner
from hub.planner.limits import VALUES_MOST, Limits, check, check_length, check_values
from hub.planner.refused import OperationRefused
from schema.root import SCHEMA

SMALL = Limits(characters=200, lines=5, definitions=3, depth=4, fields=6, aliases=2, pairs=10, schema_readers=1)


def refused_for(text: str, limits: Limits = SMALL) -> str:
    """Tell why a document is refused; nothing where it is not."""
    try:
        check(parse(text), limits)
    except OperationRefused as refusal:
        return refusal.reason_code
    return ""


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{a {b {c {d}}}}", ""),
        ("{a {b {c {d {e}}}}}", "TOO_DEEP"),
        ("{a {...f}} fragment f on T {b {c {d {e}}}}", "TOO_DEEP"),
        ("{a {... {... {... {... {b}}}}}}", ""),
        ("{a {...f}} fragment f on T {a {...f}}", "TOO_DEEP"),
        ("{a b c d e f}", ""),
        ("{a b c d e f g}", "TOO_MANY_FIELDS"),
        ("{a {...f} b {...f}} fragment f on T {c d e}", "TOO_MANY_FIELDS"),
        ("{a {b} a {c} a {d} ... {a {e}}}", ""),
        ("{x: a y: b}", ""),
        ("{x: a y: b z: c}", "TOO_MANY_ALIASES"),
        ("{a {...f} b {...f}} fragment f on T {x: c y: d}", "TOO_MANY_ALIASES"),
        ("{a a a a a}", ""),
        ("{a a a a a a}", "TOO_MANY_REPEATS"),
        ("{a {b b b} a {b b b}}", "TOO_MANY_REPEATS"),
        ("{a} fragment f on T {b b b b b b}", "TOO_MANY_REPEATS"),
        ("query p {a} query q {a} query r {a}", ""),
        ("query p {a} query q {a} query r {a} query s {a}", "TOO_MANY_DEFINITIONS"),
        ("{__schema {a}}", ""),
        ("{__schema {a} x: __schema {b}}", "TOO_MUCH_INTROSPECTION"),
        ("{__type(name: 1) {a} _service {sdl}}", "TOO_MUCH_INTROSPECTION"),
    ],
)
def test_each_bound_holds_and_what_is_within_passes(text, code):
    assert refused_for(text) == code


@pytest.mark.parametrize("text", ["a" * 201, "\n" * 6, "\r" * 6])
def test_a_long_text_is_not_even_parsed(text):
    with pytest.raises(OperationRefused) as refusal:
        check_length(text, SMALL)
    assert refusal.value.reason_code == "DOCUMENT_TOO_LONG"


@pytest.mark.parametrize("inner", ["...f@ ...f@", "a {...f@} b {...f@}", "... {...f@} ... {...f@}"])
def test_a_fragment_bomb_takes_no_time(inner):
    links = [f"fragment f{i} on T {{{inner.replace('@', str(i + 1))}}}" for i in range(400)]
    document = parse("{...f0}" + "".join(links) + "fragment f400 on T {a}")
    began = time.perf_counter()
    with pytest.raises(OperationRefused):
        check(document, Limits(definitions=500))
    # Written out it has 2 to the power of 400 fields.
    assert time.perf_counter() - began < 5


def test_introspection_and_the_printed_schema_are_within_bounds():
    planner = Planner(SCHEMA, Limits(depth=15))
    for text in (get_introspection_query(), "{_service {sdl}}", "{__typename}"):
        planner.prepared(text, None)


VALUES = st.recursive(
    st.none() | st.integers(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=2), inner, max_size=5),
    max_leaves=60,
)


def _count(value) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return len(inner) + sum(_count(each) for each in inner)


@given(VALUES, st.integers(0, 30))
def test_values_are_counted_at_every_depth(value, times):
    given_values = [[value] * times]
    if _count(given_values) - 1 <= VALUES_MOST:
        check_values(given_values)
    else:
        with pytest.raises(OperationRefused):
            check_values(given_values)


def test_a_nested_value_is_counted_without_recursion():
    value: object = 1
    for _ in range(VALUES_MOST - 1):
        value = [value]
    check_values([value])
    with pytest.raises(OperationRefused):
        check_values([[[value]]])
