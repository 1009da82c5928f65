"""From a prepared operation to the intermediate form: sources in place of fields, arguments in place of syntax.

Rules are carried along, not looked at: that is weaving's work.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2s
from typing import Any, Final

from graphql import (
    DocumentNode,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    execute_sync,
    get_named_type,
    is_list_type,
    is_object_type,
)
from sqlmodel import SQLModel

from hub.planner import ids
from hub.planner.arguments import NULL, Arguments
from hub.planner.catalogue import Catalogue, FieldInfo, TypeInfo, required
from hub.planner.document import Prepared
from hub.planner.ir import (
    Argument,
    Bounded,
    Choice,
    Condition,
    Content,
    Envelope,
    Fault,
    Field,
    Given,
    Inputs,
    Keyed,
    Leaf,
    Listing,
    Mine,
    Nested,
    Node,
    Nothing,
    Obj,
    Operation,
    Paged,
    PagePart,
    Rows,
    Several,
    Single,
    Text,
    value_of,
)
from hub.planner.limits import PAGE_MOST
from hub.planner.refused import OperationRefused
from hub.planner.selection import Collector, Selected
from schema.access import PUBLIC
from schema.source import (
    Cells,
    CodeName,
    Column,
    Computed,
    Embedded,
    FromProfile,
    Inside,
    Lookup,
    Many,
    Match,
    Myself,
    NodeById,
    NodesByIds,
    One,
    Page,
    Part,
    Sealed,
)
from schema.tables.base import table_of

PAGE_DEFAULT: Final = 20
NODES_MOST: Final = 100
TOO_LARGE: Final = f"A page has 1 to {PAGE_MOST} rows."

Path = tuple[str, ...]
Sets = Sequence[SelectionSetNode]


def build(prepared: Prepared, values: Mapping[str, Any], catalogue: Catalogue, sdl: Callable[[], str]) -> Operation:
    """Build the intermediate form of an operation for one shape of its variables.

    Args:
        prepared: the operation.
        values: coerced variables; only what their shape tells is used.
        catalogue: the schema's sources and rules.
        sdl: prints the subgraph, for `_service`.

    """
    builder = _Builder(prepared, values, catalogue, sdl)
    root = catalogue.schema.query_type
    assert root is not None
    return Operation(builder.object(root.name, [prepared.operation.selection_set], ()))


class _Builder:
    """Builds one operation."""

    def __init__(
        self, prepared: Prepared, values: Mapping[str, Any], catalogue: Catalogue, sdl: Callable[[], str]
    ) -> None:
        self.prepared = prepared
        self.values = values
        self.catalogue = catalogue
        self.schema = catalogue.schema
        self.sdl = sdl
        self.collector = Collector(self.schema, prepared.fragments, values)
        self.arguments = Arguments(prepared, values)

    # ---- Objects and fields ------------------------------------------------------------------------------------------

    def object(self, type_name: str, sets: Sets, path: Path) -> Obj:
        """Build the object of one type from its selections."""
        selected = self.collector.collect(type_name, sets)
        record = self.catalogue.types[type_name].record if type_name in self.catalogue.types else None
        fields = tuple(self._field(type_name, each, (*path, each.response)) for each in selected)
        return Obj(type_name, fields, record.subject if record else None)

    def _field(self, parent: str, selected: Selected, path: Path) -> Field:
        if selected.name == "__typename":
            return Field(selected.response, path, Text(json.dumps(parent)), PUBLIC, nullable=False)
        if selected.name.startswith("_"):
            return Field(selected.response, path, self._federation(selected, path), PUBLIC, nullable=False)
        info = self.catalogue.types[parent].fields[selected.name]
        node = self._node(info, selected, path)
        return Field(selected.response, path, node, info.access, info.nullable, name=info.name)

    def _node(self, info: FieldInfo, selected: Selected, path: Path) -> Node:
        named = get_named_type(info.type)
        field = self._definition(info)
        match info.source:
            case Column() | Computed() | CodeName() | Part() | FromProfile() as source:
                record = self.catalogue.types[info.parent].record
                if record and info.name == "id":
                    return Leaf(source, required(info.type), record.code, record.veiled)
                return Leaf(source, required(info.type), None)
            case Sealed() as source:
                obj = self.object(named.name, selected.below, path) if selected.below else None
                return Envelope(source, required(info.type), obj, path)
            case Inside() as source:
                obj = self.object(named.name, selected.below, path) if selected.below else None
                return Content(source, required(info.type), obj)
            case Embedded() as source:
                return Nested(source, self.object(named.name, selected.below, path))
            case One() as source:
                choice = self._choice(self.catalogue.types[named.name], selected.below, path)
                return Single(source, choice.rows, choice.obj)
            case Many() as source:
                target = self.catalogue.types[named.name]
                rows = _rows(target) if target.record else None
                return Listing(source, rows, self.object(named.name, selected.below, path))
            case Page() as source:
                return self._page(source, info, selected, path)
            case Cells() as source:
                where = self.arguments.of(selected.nodes[0], field)["where"]
                conditions = self._conditions(where, field, None)
                return Bounded(source, conditions, where, self.object(named.name, selected.below, path))
            case Lookup():
                return self._lookup(info, selected, path)
            case NodeById() | NodesByIds():
                return self._by_ids(info, selected, path)
            case Myself():
                return Mine(self.object(named.name, selected.below, path))
            case None:
                raise AssertionError(f"{info.parent}.{info.name} has no source")

    def _definition(self, info: FieldInfo) -> GraphQLField:
        field: GraphQLField = self.catalogue.object(info.parent).fields[info.name]
        return field

    def _choice(self, target: TypeInfo, sets: Sets, path: Path) -> Choice:
        return Choice(_rows(target), self.object(target.name, sets, path))

    # ---- Records by key ----------------------------------------------------------------------------------------------

    def _lookup(self, info: FieldInfo, selected: Selected, path: Path) -> Node:
        given = self.arguments.of(selected.nodes[0], self._definition(info))
        keys = tuple((name, value) for name, value in given.items() if value != NULL)
        if not keys:
            return Fault("BAD_KEY", f"{info.name} needs an id or a slug.")
        target = self.catalogue.types[get_named_type(info.type).name]
        return Keyed(self._choice(target, selected.below, path), keys)

    def _by_ids(self, info: FieldInfo, selected: Selected, path: Path) -> Node:
        given = self.arguments.of(selected.nodes[0], self._definition(info))
        if "id" in given:
            target = self.catalogue.by_code.get(ids.code_of(value_of(given["id"], self.values)))
            if target is None:
                return Nothing()
            return Keyed(self._choice(target, selected.below, path), (("id", given["id"]),))
        codes = {ids.code_of(each) for each in value_of(given["ids"], self.values)}
        choices = tuple(
            (code, "id", self._choice(self.catalogue.by_code[code], selected.below, path))
            for code in sorted(codes & self.catalogue.by_code.keys())
        )
        return Several(choices, given["ids"], entities=False)

    def _federation(self, selected: Selected, path: Path) -> Node:
        if selected.name == "_service":
            wanted = self.collector.collect("_Service", selected.below)
            texts = {each.response: "_Service" if each.name == "__typename" else self.sdl() for each in wanted}
            return Text(json.dumps(texts))
        if selected.name == "_entities":
            return self._entities(selected, path)
        return self._introspection(selected)

    def _entities(self, selected: Selected, path: Path) -> Node:
        root = self.schema.query_type
        assert root is not None
        asked = self.arguments.of(selected.nodes[0], root.fields["_entities"])["representations"]
        found = {named for each in value_of(asked, self.values) if (named := ids.key_of(each))}
        choices = []
        for name, key in sorted(found):
            target = self.catalogue.types.get(name)
            if target and target.record and self._is_entity(name) and key in ("id", *target.record.keys):
                choices.append((f"{name}.{key}", key, self._choice(target, selected.below, path)))
        return Several(tuple(choices), asked, entities=True)

    def _is_entity(self, name: str) -> bool:
        union = self.schema.type_map["_Entity"]
        this = self.schema.type_map[name]
        return is_object_type(this) and self.schema.is_sub_type(union, this)  # type: ignore[arg-type]  # it is a union

    def _introspection(self, selected: Selected) -> Node:
        """Answer `__schema` and `__type` now: they depend on nothing but the schema."""
        operation = self.prepared.operation
        plain = {variable.name for variable in self.prepared.variables if variable.by_value}
        definitions = [node for node in operation.variable_definitions or () if node.variable.name.value in plain]
        document = DocumentNode(
            definitions=(
                OperationDefinitionNode(
                    operation=OperationType.QUERY,
                    name=None,
                    variable_definitions=tuple(definitions),
                    directives=(),
                    selection_set=SelectionSetNode(selections=selected.nodes),
                ),
                *self.prepared.fragments.values(),
            )
        )
        values = {name: value for name, value in self.values.items() if name in plain}
        result = execute_sync(self.schema, document, variable_values=values)
        assert not result.errors, result.errors
        assert result.data is not None
        return Text(json.dumps(result.data[selected.response]))

    # ---- Pages -------------------------------------------------------------------------------------------------------

    def _page(self, source: Page, info: FieldInfo, selected: Selected, path: Path) -> Paged | Fault:
        field = self._definition(info)
        given = {k: v for k, v in self.arguments.of(selected.nodes[0], field).items() if v != NULL}
        if "first" in given and "last" in given:
            return Fault("BAD_PAGE", "Ask for first or for last, not for both.")
        size = given.get("first", given.get("last", Given(PAGE_DEFAULT)))
        if isinstance(size, Given) and not fits(size.value):
            return Fault("BAD_PAGE", TOO_LARGE)
        connection = self.catalogue.types[get_named_type(info.type).name]
        row = get_named_type(self.catalogue.object(connection.name).fields["nodes"].type)
        assert isinstance(row, GraphQLObjectType | GraphQLInterfaceType)
        targets = self.catalogue.possible(row)
        table = targets[0].record.row if not source.union and targets[0].record else None
        order = given.get("orderBy")
        key, descending = _order(order) if isinstance(order, Inputs) else (None, False)
        ordering = source.orders[key] if key is not None else source.default
        return Paged(
            source=source,
            choices=tuple(_rows(target) for target in targets),
            parts=self._parts(connection.name, selected.below, path, targets),
            conditions=self._conditions(given.get("where"), field, table),
            ordering=ordering,
            tag=_tag(info, source, ordering, descending=descending),
            descending=descending,
            backward="last" in given,
            size=size,
            after=given.get("after"),
            before=given.get("before"),
        )

    def _parts(self, type_name: str, sets: Sets, path: Path, targets: Sequence[TypeInfo]) -> tuple[PagePart, ...]:
        parts = []
        for selected in self.collector.collect(type_name, sets):
            below = (*path, selected.response)
            named = get_named_type(self._type_of(type_name, selected.name)) if selected.name != "__typename" else None
            match selected.name:
                case "__typename":
                    part = PagePart(selected.response, "typename", typename=type_name)
                case "nodes" | "node":
                    choices = tuple(self._choice(target, selected.below, below) for target in targets)
                    part = PagePart(selected.response, selected.name, choices=choices)
                case "edges" | "pageInfo" as kind:
                    assert named is not None
                    part = PagePart(selected.response, kind, self._parts(named.name, selected.below, below, targets))
                case kind:
                    part = PagePart(selected.response, kind)
            parts.append(part)
        return tuple(parts)

    def _type_of(self, type_name: str, field_name: str) -> Any:
        return self.catalogue.object(type_name).fields[field_name].type

    # ---- Filters -----------------------------------------------------------------------------------------------------

    def _conditions(
        self, where: Argument | None, field: GraphQLField, table: type[SQLModel] | None
    ) -> tuple[Condition, ...]:
        if "where" not in field.args:
            return ()
        declared = get_named_type(field.args["where"].type)
        assert isinstance(declared, GraphQLInputObjectType)
        fields = where.fields if isinstance(where, Inputs) else {}
        found: list[Condition] = []
        for name, match in self.catalogue.matches[declared.name].items():
            value = fields.get(name, NULL)
            kind = declared.fields[name].type
            if value == NULL:
                if match.absent is not None:
                    found.append(
                        Condition(match, "holds" if match.predicate else "eq", Given(match.absent), kind, None)
                    )
            else:
                found.extend(self._comparisons(match, value, kind, table))
        return tuple(found)

    def _comparisons(
        self,
        match: Match,
        value: Argument,
        kind: Any,
        table: type[SQLModel] | None,
    ) -> Iterable[Condition]:
        named = get_named_type(kind)
        if match.predicate:
            yield Condition(match, "holds", value, kind, None)
        elif isinstance(value, Inputs) and isinstance(named, GraphQLInputObjectType):
            target = self._named_by(match, table) if named.name == "IDFilter" else None
            for operator, each in value.fields.items():
                if each != NULL:
                    yield Condition(match, operator, each, named.fields[operator].type, target)
        else:
            yield Condition(match, "in" if is_list_type(required(kind)) else "eq", value, kind, None)

    def _named_by(self, match: Match, table: type[SQLModel] | None) -> Rows:
        """Tell which records a column names, by what the filter says or by its foreign key."""
        assert table is not None
        if match.of is not None:
            wanted = table_of(match.of)
        else:
            assert match.column is not None
            (key,) = table_of(table).c[match.column].foreign_keys
            wanted = key.column.table
        for info in self.catalogue.by_code.values():
            assert info.record is not None
            if table_of(info.record.row) is wanted:
                return _rows(info)
        raise AssertionError(f"no record for {match.column}")


def _rows(target: TypeInfo) -> Rows:
    assert target.record is not None
    return Rows(target.record, target.name)


def _order(order: Inputs) -> tuple[Any, bool]:
    key, direction = order.fields["field"], order.fields["direction"]
    assert isinstance(key, Given)
    assert isinstance(direction, Given)
    return key.value, str(getattr(direction.value, "value", direction.value)).lower() == "desc"


def _tag(info: FieldInfo, source: Page, ordering: Any, *, descending: bool) -> str:
    """Name an order briefly, so that a cursor of one order is refused in another."""
    names = [str(key) for key, each in source.orders.items() if each is ordering] or ["default"]
    text = f"{get_named_type(info.type).name}.{names[0]}.{'desc' if descending else 'asc'}"
    return blake2s(text.encode(), digest_size=3).hexdigest()


def fits(size: int) -> bool:
    """Tell whether a page may have so many rows."""
    return 1 <= size <= PAGE_MOST


def check_size(size: int) -> None:
    """Refuse a page size out of bounds."""
    if not fits(size):
        raise OperationRefused("BAD_PAGE", TOO_LARGE)
