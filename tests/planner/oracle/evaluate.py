"""The walk over an operation: first over its fields, what is refused and withheld; then over the rows, the data."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Any, Final
from uuid import UUID

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLNonNull,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    get_argument_values,
    get_directive_values,
    get_named_type,
    get_variable_values,
    is_abstract_type,
    is_enum_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    parse,
    print_ast,
    specified_directives,
)

from oracle import pages
from oracle.access import BY_ROW, OPEN, Who
from oracle.graph import Field, entity_kinds, fields_of, open_kind
from oracle.rows import Ask, Cursor, Row, Rows, Thing, read_id

Path = tuple[str, ...]
_SWITCHES: Final = {directive.name: directive for directive in specified_directives}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is expected: the data, what is withheld by path, and the errors beside the data."""

    data: dict[str, Any]
    withheld: list[dict[str, Any]]
    errors: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The operation is refused for one of these reasons. Which one is told first is not settled."""

    codes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Spot:
    """A field where it stands in the document, and the concrete types it is asked of there."""

    node: FieldNode
    kinds: tuple[str, ...]


def plain(value: Any) -> Any:
    """Make members of enums in arguments the codes that rows hold."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


class Oracle:
    """Answers operations over one world of rows."""

    def __init__(self, schema: GraphQLSchema, rows: Rows) -> None:
        self.schema = schema
        self.rows = rows
        self.cursors: dict[str, tuple[Cursor, Thing]] = {}
        self.met: Counter[str] = Counter()

    def answer(
        self, document: str, variables: Mapping[str, Any] | None, who: Who, operation: str | None = None
    ) -> Answer | Refusal:
        """Say what must come back."""
        return _Walk(self, document, variables or {}, who, operation).answer()


class _Walk:
    def __init__(
        self, oracle: Oracle, document: str, variables: Mapping[str, Any], who: Who, operation: str | None
    ) -> None:
        self.document = document
        definitions = parse(document).definitions
        operations = [item for item in definitions if isinstance(item, OperationDefinitionNode)]
        named = [item for item in operations if operation is None or (item.name and item.name.value == operation)]
        (self.operation,) = named
        self.fragments = {item.name.value: item for item in definitions if isinstance(item, FragmentDefinitionNode)}
        self.schema = oracle.schema
        self.who = who
        self.ask = Ask(oracle.rows, who, oracle.cursors, oracle.met)
        declared = {item.variable.name.value for item in self.operation.variable_definitions or ()}
        self.sent = {name: value for name, value in variables.items() if name in declared}
        self.variables = get_variable_values(self.schema, self.operation.variable_definitions or (), dict(variables))
        self.refused: set[str] = set()
        self.shut: dict[Path, tuple[str, str]] = {}
        self.counts: dict[Path, tuple[str, int]] = {}
        self.errors: list[dict[str, Any]] = []

    def answer(self) -> Answer | Refusal:
        if isinstance(self.variables, list) or self.unstorable():
            return Refusal(frozenset({"BAD_USER_INPUT"}))
        root = self.operation.selection_set
        self.survey([(root, ("Query",))], ())
        if self.refused:
            return Refusal(frozenset(self.refused))
        data = self.object("Query", {}, [root], ())
        withheld = {
            path: {"path": list(path), "category": category, "code": code}
            for path, (category, code) in self.shut.items()
        }
        for path, (category, count) in self.counts.items():
            withheld[path] = {"path": list(path), "category": category, "code": "RELATION", "count": count}
        return Answer(data, [withheld[path] for path in sorted(withheld)], self.errors)

    def unstorable(self) -> bool:
        """Tell whether a text sent or written holds U+0000, which PostgreSQL cannot. Ids that do are merely unknown."""
        kinds = {
            item.variable.name.value: print_ast(item.type).strip("!")
            for item in self.operation.variable_definitions or ()
        }
        texts = {name: value for name, value in self.sent.items() if kinds[name] not in {"ID", "[ID!]", "[_Any!]"}}
        return any("\\u0000" in text for text in (json.dumps(texts), self.document))

    # ---- Selections ------------------------------------------------------------------------------------------------

    def spots(self, selection_set: SelectionSetNode, kinds: tuple[str, ...]) -> Iterator[Spot]:
        """Give the fields in document order, through fragments, with the types for which each is asked."""
        for selection in selection_set.selections:
            if not self.included(selection):
                continue
            if isinstance(selection, FieldNode):
                yield Spot(selection, kinds)
                continue
            inner: InlineFragmentNode | FragmentDefinitionNode = (
                self.fragments[selection.name.value] if isinstance(selection, FragmentSpreadNode) else selection
            )
            condition = inner.type_condition
            fitting = tuple(kind for kind in kinds if condition is None or self.fits(kind, condition.name.value))
            if fitting:
                yield from self.spots(inner.selection_set, fitting)

    def included(self, selection: SelectionNode) -> bool:
        skip = get_directive_values(_SWITCHES["skip"], selection, self.variables)
        include = get_directive_values(_SWITCHES["include"], selection, self.variables)
        return not (skip and skip["if"]) and not (include and not include["if"])

    def fits(self, kind: str, condition: str) -> bool:
        wanted = self.schema.type_map[condition]
        return kind == condition or (
            is_abstract_type(wanted) and self.schema.is_sub_type(wanted, self.schema.type_map[kind])
        )

    def args(self, kind: str, node: FieldNode) -> dict[str, Any]:
        definition = self.definition(kind, node.name.value)
        return plain(get_argument_values(definition, node, self.variables))

    def definition(self, kind: str, name: str) -> Any:
        return self.schema.type_map[kind].fields[name]

    # ---- First walk: over the fields -------------------------------------------------------------------------------

    def survey(self, sets: list[tuple[SelectionSetNode, tuple[str, ...]]], path: Path) -> None:
        """Find refusals and what is shut on every row, parents before children, in document order."""
        named: dict[str, list[Spot]] = {}
        for selection_set, kinds in sets:
            for spot in self.spots(selection_set, kinds):
                named.setdefault(response_name(spot.node), []).append(spot)
        for name, spots in named.items():
            here = (*path, name)
            below = []
            for spot in spots:
                children = [child for kind in spot.kinds for child in self.below(kind, spot.node, here)]
                if children and spot.node.selection_set:
                    below.append((spot.node.selection_set, tuple(dict.fromkeys(children))))
            self.survey(below, here)

    def below(self, kind: str, node: FieldNode, path: Path) -> list[str]:
        """Judge one field of one type; give the types of the objects that may stand beneath it."""
        name = node.name.value
        if name == "__typename":
            return []
        declared = fields_of(kind)[name]
        verdict = declared.see.verdict(self.who)
        if verdict not in {OPEN, BY_ROW}:
            self.shut.setdefault(path, (declared.see.category, verdict))
            self.ask.met[f"shut {kind}.{name}"] += 1
            return []
        args = self.args(kind, node)
        self.judge(declared, args)
        result = get_named_type(self.definition(kind, name).type)
        if name in {"node", "nodes"} and kind == "Query":
            ids = [args["id"]] if name == "node" else args["ids"]
            kinds = [read[0] for read in map(read_id, ids) if read]
            return [found for found in dict.fromkeys(kinds) if open_kind(found, self.who)]
        if name == "_entities":
            return list(dict.fromkeys(entity_kinds(args["representations"])))
        if is_object_type(result):
            return [result.name]
        return (
            [possible.name for possible in self.schema.get_possible_types(result)] if is_abstract_type(result) else []
        )

    def judge(self, declared: Field, args: Mapping[str, Any]) -> None:
        if declared.listing:
            self.refused |= pages.refusals(declared.listing, self.ask, args)
        code = declared.refused(args)
        if code:
            self.refused.add(code)

    # ---- Second walk: over the rows --------------------------------------------------------------------------------

    def object(self, kind: str, row: Row, sets: list[SelectionSetNode], path: Path) -> dict[str, Any]:
        named: dict[str, list[FieldNode]] = {}
        for selection_set in sets:
            for spot in self.spots(selection_set, (kind,)):
                named.setdefault(response_name(spot.node), []).append(spot.node)
        return {name: self.field(kind, row, nodes, (*path, name)) for name, nodes in named.items()}

    def field(self, kind: str, row: Row, nodes: list[FieldNode], path: Path) -> Any:
        name = nodes[0].name.value
        if name == "__typename":
            return kind
        declared = fields_of(kind)[name]
        verdict = declared.see.verdict(self.who)
        if verdict == BY_ROW and not declared.see.owns(self.who, row):
            category, count = self.counts.get(path, (declared.see.category, 0))
            self.counts[path] = (category, count + 1)
            self.ask.met[f"withheld by row {kind}.{name}"] += 1
            return None
        if verdict not in {OPEN, BY_ROW}:
            return None
        value = declared.value(self.ask, row, self.args(kind, nodes[0]))
        if verdict == BY_ROW:
            self.ask.met[f"own row {kind}.{name}"] += 1
        self.ask.met[f"value {kind}.{name}: {'null' if value is None else 'some'}"] += 1
        if name == "_entities":
            self.errors += [
                {"path": [*path, index], "code": "ENTITY_NOT_FOUND"}
                for index, found in enumerate(value)
                if found is None
            ]
        return self.complete(self.definition(kind, name).type, value, nodes, path)

    def complete(self, shape: Any, value: Any, nodes: list[FieldNode], path: Path) -> Any:
        if is_non_null_type(shape):
            assert isinstance(shape, GraphQLNonNull)
            assert value is not None, f"{'.'.join(path)} may not be null"
            return self.complete(shape.of_type, value, nodes, path)
        if value is None:
            return None
        if is_list_type(shape):
            return [self.complete(shape.of_type, item, nodes, path) for item in value]
        if is_leaf_type(shape):
            return leaf(shape, value)
        kind = value.kind if is_abstract_type(shape) else shape.name
        if is_abstract_type(shape):
            self.ask.met[f"{shape.name} is {kind}"] += 1
        row = value.row if isinstance(value, Thing) else value
        return self.object(kind, row, [node.selection_set for node in nodes if node.selection_set], path)


def response_name(node: FieldNode) -> str:
    """Give the name under which a field is answered."""
    return node.alias.value if node.alias else node.name.value


def leaf(shape: Any, value: Any) -> Any:
    """Write a value as the answer's JSON holds it; cursors stay as they are, for the test to compare."""
    if is_enum_type(shape):
        return enum_name(shape, value)
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def enum_name(shape: GraphQLEnumType, code: str) -> str:
    """Give the graph's name of a code."""
    (name,) = [name for name, member in shape.values.items() if plain(member.value) == code]
    return name
