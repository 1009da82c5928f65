"""Coercion of variables, compiled once for each declared type.

It takes what is right in the first place and gives exactly what graphql-core would give; at anything else it raises
`Irregular`, and graphql-core is asked, which alone words errors. Source: GraphQL specification, 6.1.2.
"""

from collections.abc import Callable
from math import isfinite
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    Undefined,
)

from hub.planner.limits import VALUES_MOST

Coercer = Callable[[Any], Any]
_INT_MOST: Final = 2**31


class Irregular(Exception):  # no error yet: somebody else decides
    """The value is not in its plain form."""


def coercer(declared: GraphQLInputType) -> Coercer:
    """Compile the coercion of one type.

    Returns:
        a function from a JSON value to the coerced value; it raises `Irregular`.
    """
    if isinstance(declared, GraphQLNonNull):
        return _filled(declared.of_type)
    return _nullable(_filled(declared))


def _nullable(inner: Coercer) -> Coercer:
    return lambda value: None if value is None else inner(value)


def _filled(declared: GraphQLInputType) -> Coercer:
    """Compile the coercion of what is not null; null is as irregular to it as any other strange value."""
    if isinstance(declared, GraphQLList):
        return _list(coercer(declared.of_type))
    if isinstance(declared, GraphQLInputObjectType):
        return _object(declared)
    if isinstance(declared, GraphQLEnumType):
        return _enum(declared)
    assert isinstance(declared, GraphQLScalarType)
    return _scalar(declared)


def _list(item: Coercer) -> Coercer:
    def coerce(value: Any) -> Any:
        if type(value) is not list or len(value) > VALUES_MOST:
            raise Irregular
        return [item(each) for each in value]

    return coerce


def _enum(declared: GraphQLEnumType) -> Coercer:
    values = {name: declared.parse_value(name) for name in declared.values}

    def coerce(value: Any) -> Any:
        if type(value) is not str or value not in values:
            raise Irregular
        return values[value]

    return coerce


def _object(declared: GraphQLInputObjectType) -> Coercer:
    fields: dict[str, Coercer] = {}
    defaults: dict[str, Any] = {}
    required: set[str] = set()

    def fill() -> None:
        """Read the fields at first use: an input type may hold itself."""
        for name, field in declared.fields.items():
            fields[name] = coercer(field.type)
            if field.default_value is not Undefined:
                defaults[name] = field.default_value
            elif isinstance(field.type, GraphQLNonNull):
                required.add(name)

    def coerce(value: Any) -> Any:
        if not fields:
            fill()
        if type(value) is not dict or not required <= value.keys() or not value.keys() <= fields.keys():
            raise Irregular
        # In order of the declaration, as graphql-core has it: the order is part of the shape.
        return {
            name: inner(value[name]) if name in value else defaults[name]
            for name, inner in fields.items()
            if name in value or name in defaults
        }

    return coerce


def _scalar(declared: GraphQLScalarType) -> Coercer:
    match declared.name:
        case "String" | "ID":
            return _text
        case "Boolean":
            return _exactly(bool)
        case "Int":
            return _int
        case "Float":
            return _float
        case _:
            return _parsed(declared)


def _exactly(kind: type) -> Coercer:
    def coerce(value: Any) -> Any:
        if type(value) is not kind:
            raise Irregular
        return value

    return coerce


def _text(value: Any) -> Any:
    if type(value) is not str or "\0" in value:
        raise Irregular
    return value


def _int(value: Any) -> Any:
    if type(value) is not int or not -_INT_MOST <= value < _INT_MOST:
        raise Irregular
    return value


def _float(value: Any) -> Any:
    if type(value) is not float or not isfinite(value):
        raise Irregular
    return value


def _parsed(declared: GraphQLScalarType) -> Coercer:
    parse = declared.parse_value

    def coerce(value: Any) -> Any:
        if value is None:
            raise Irregular
        try:
            return parse(value)
        except Exception as error:  # whatever it is, graphql-core words it
            raise Irregular from error

    return coerce
