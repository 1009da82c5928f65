"""The schema as the planner reads it: every field with its source and rule, every filter with its match.

Built once at start. What is missing or contradicts itself stops the start: a field without a rule, a nullable rule on a
field that cannot be null, a filter whose rule differs from that of the field it looks at.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_non_null_type,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter

from schema.access import Access
from schema.source import ACCESS, MATCH, SOURCE, Column, Match, Page, Record, Source

FEDERATION: Final = frozenset({"_entities", "_service"})
_BACKREF: Final = GraphQLCoreConverter.DEFINITION_BACKREF


class SchemaDefect(Exception):  # a bug in a declaration, never an answer
    """A declaration of the graph that the planner cannot trust."""


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """A field of an object type."""

    parent: str
    name: str
    type: GraphQLOutputType
    access: Access
    source: Source | None

    @property
    def nullable(self) -> bool:
        """True when the field may be null."""
        return not is_non_null_type(self.type)


@dataclass(frozen=True, slots=True)
class TypeInfo:
    """An object type: a record when it has a table and ids of its own."""

    name: str
    record: Record | None
    fields: Mapping[str, FieldInfo]


class Catalogue:
    """All types, records, filters and enums of one schema.

    Raises:
        SchemaDefect: naming the declaration, when one is incomplete or contradicts another.
    """

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema: Final = schema
        self.types: Final[dict[str, TypeInfo]] = {}
        self.matches: Final[dict[str, dict[str, Match]]] = {}
        self.by_code: Final[dict[str, TypeInfo]] = {}
        for named in schema.type_map.values():
            if isinstance(named, GraphQLObjectType) and not named.name.startswith("_"):
                self._take_object(named)
            elif isinstance(named, GraphQLInputObjectType):
                self.matches[named.name] = dict(_matches(named))
        for info in self.types.values():
            for field in info.fields.values():
                if isinstance(field.source, Page):
                    self._compare(field)

    def object(self, name: str) -> GraphQLObjectType:
        """Give an object type of the schema by its name."""
        named = self.schema.type_map[name]
        assert isinstance(named, GraphQLObjectType)
        return named

    def possible(self, named: GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType) -> list[TypeInfo]:
        """Give the object types a value of this type may have, in order of the schema."""
        if isinstance(named, GraphQLObjectType):
            return [self.types[named.name]]
        return [self.types[each.name] for each in self.schema.get_possible_types(named)]

    def _take_object(self, named: GraphQLObjectType) -> None:
        definition = named.extensions.get(_BACKREF)
        record = getattr(definition.origin, "__record__", None) if definition else None
        info = TypeInfo(named.name, record, {name: self._field(named, name) for name in _own_fields(named)})
        self.types[named.name] = info
        if record:
            if record.code in self.by_code:
                raise SchemaDefect(f"{named.name} has the id prefix of {self.by_code[record.code].name}.")
            self.by_code[record.code] = info
            for field in info.fields.values():
                if field.access != record.see and not field.access.public and not field.nullable:
                    raise SchemaDefect(f"{named.name}.{field.name} may be withheld and cannot be null.")

    def _field(self, parent: GraphQLObjectType, name: str) -> FieldInfo:
        field = parent.fields[name]
        metadata: Mapping[str, Any] = field.extensions[_BACKREF].metadata
        if ACCESS not in metadata:
            raise SchemaDefect(f"{parent.name}.{name} has no rule.")
        return FieldInfo(parent.name, name, field.type, metadata[ACCESS], metadata.get(SOURCE))

    def _compare(self, field: FieldInfo) -> None:
        """Hold the rule of each filter against the rule of the fields that show the same column."""
        argument = self.object(field.parent).fields[field.name].args.get("where")
        if argument is None:
            return
        connection = self.types[get_named_type(field.type).name]
        shown = get_named_type(self.object(connection.name).fields["nodes"].type)
        for name, match in self.matches[get_named_type(argument.type).name].items():
            for info in self.possible(shown):
                for output in info.fields.values():
                    same = isinstance(output.source, Column) and match.column in {
                        output.source.name,
                        f"{output.source.name}_key",
                    }
                    if same and output.access != match.see:
                        raise SchemaDefect(f"The filter {name} of {field.parent}.{field.name} has a rule of its own.")


def _own_fields(named: GraphQLObjectType) -> Iterator[str]:
    return (name for name in named.fields if name not in FEDERATION)


def _matches(named: GraphQLInputObjectType) -> Iterator[tuple[str, Match]]:
    for name, field in named.fields.items():
        definition = field.extensions.get(_BACKREF)
        if definition is not None and MATCH in definition.metadata:
            yield name, definition.metadata[MATCH]


def stored(named: GraphQLEnumType) -> dict[str, str]:
    """Map the names of an enum in the graph to the codes in the tables."""
    return {name: str(value.value) for name, value in named.values.items()}


def required(named: GraphQLOutputType) -> GraphQLOutputType:
    """Take the non-null mark off a type."""
    return named.of_type if isinstance(named, GraphQLNonNull) else named
