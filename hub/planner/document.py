"""A document made ready once: parsed, bounded, validated, its variables understood.

What follows depends on the variables only through their *shape*: whether a value is given, null or missing, and the
value itself where it changes the statement (`@include`, orders, which types an id names). Requests of one shape share a
plan.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    TypeInfo,
    TypeInfoVisitor,
    Undefined,
    VariableNode,
    Visitor,
    is_list_type,
    is_non_null_type,
    parse,
    specified_rules,
    type_from_ast,
    validate,
    value_from_ast,
    visit,
)
from graphql.execution.values import get_variable_values
from graphql.language.visitor import EnterLeaveVisitor

from hub.planner import ids
from hub.planner.coerce import Coercer, Irregular, coercer
from hub.planner.limits import Limits, check, check_length, check_values
from hub.planner.refused import ERRORS_MOST, DocumentRefused, OperationRefused

Values = Mapping[str, Any]
Shape = tuple[object, ...]

MISSING: Final = "missing"
NULL: Final = "null"
GIVEN: Final = "given"

_REPRESENTATIONS: Final = "representations"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the operation: its type, how to coerce it fast, and how to tell its shape.

    A variable that may be null by its type may stand, thanks to a default, where null may not: then `never_null`.
    """

    name: str
    type: GraphQLInputType
    required: bool
    by_value: bool
    never_null: bool
    default: Any
    coerce: Coercer
    shape: Callable[[Any], object]


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """An operation that may be planned. Compared by identity, so that it can key its plans."""

    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: tuple[Variable, ...]
    schema: GraphQLSchema
    introspects: bool

    @property
    def changes(self) -> bool:
        """True for a mutation: it is not planned, only what is selected beneath it."""
        return self.operation.operation is OperationType.MUTATION

    @property
    def subscribes(self) -> bool:
        """True for a subscription: it is not planned, only what is read at each event."""
        return self.operation.operation is OperationType.SUBSCRIPTION

    def coerce(self, given: Mapping[str, Any]) -> Values:
        """Turn the request's variables into values.

        What is in its plain form is taken fast; all else goes through graphql-core, which also words the errors.

        Raises:
            DocumentRefused: BAD_USER_INPUT, when a value does not fit its type.
            OperationRefused: TOO_MANY_VALUES.
        """
        if not self.variables:
            return {}
        values: dict[str, Any] = {}
        try:
            for variable in self.variables:
                name = variable.name
                if name in given:
                    values[name] = variable.coerce(given[name])
                elif variable.default is not Undefined:
                    values[name] = variable.default
                elif variable.required:
                    return self._coerce_slowly(given)
        except Irregular:
            return self._coerce_slowly(given)
        return values

    def _coerce_slowly(self, given: Mapping[str, Any]) -> Values:
        given = {variable.name: given[variable.name] for variable in self.variables if variable.name in given}
        check_values(given.values())
        definitions = self.operation.variable_definitions or ()
        result = get_variable_values(self.schema, definitions, given, max_errors=ERRORS_MOST, hide_suggestions=True)
        if isinstance(result, list):
            raise DocumentRefused("BAD_USER_INPUT", result)
        for variable in self.variables:
            if variable.never_null and given.get(variable.name, GIVEN) is None:
                raise OperationRefused("BAD_USER_INPUT", f"Variable '${variable.name}' is used where null may not be.")
            if _holds_nul(given.get(variable.name), variable.type):
                raise OperationRefused("BAD_USER_INPUT", "Texts cannot hold the character U+0000.")
        return result.coerced

    def shape(self, values: Values) -> Shape:
        """Tell what of the values changes the plan."""
        return tuple(
            [
                variable.shape(values[variable.name]) if variable.name in values else MISSING
                for variable in self.variables
            ]
        )


def _holds_nul(value: Any, declared: GraphQLInputType) -> bool:
    """Tell whether a text holds U+0000, which PostgreSQL cannot keep. In an id it is one more that means nothing."""
    named = declared.of_type if isinstance(declared, GraphQLNonNull) else declared
    if isinstance(named, GraphQLList):
        return isinstance(value, list) and any(_holds_nul(each, named.of_type) for each in value)
    if isinstance(named, GraphQLInputObjectType):
        fields = value.items() if isinstance(value, dict) else ()
        return any(_holds_nul(each, named.fields[name].type) for name, each in fields)
    return isinstance(value, str) and "\0" in value and named.name not in {"ID", "_Any"}


def prepare(text: str, operation_name: str | None, schema: GraphQLSchema, limits: Limits) -> Prepared:
    """Make a document ready.

    Raises:
        DocumentRefused: GRAPHQL_PARSE_FAILED or GRAPHQL_VALIDATION_FAILED.
        OperationRefused: TOO_DEEP and the like, NO_SUCH_OPERATION.
    """
    check_length(text, limits)
    try:
        document = parse(text, max_tokens=limits.tokens, allow_empty_selection_sets=False)
    except GraphQLError as error:
        raise DocumentRefused("GRAPHQL_PARSE_FAILED", [error]) from error
    except RecursionError as error:
        raise OperationRefused("TOO_DEEP", "The document is nested too deeply.") from error
    check(document, limits)
    _refuse_null_characters(document)
    errors = validate(
        schema, document, _RULES, max_errors=ERRORS_MOST, hide_suggestions=True, allow_empty_selection_sets=False
    )
    if errors:
        raise DocumentRefused("GRAPHQL_VALIDATION_FAILED", errors)
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    operation = _choose(operations, operation_name)
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    usage = _Usage(schema, operation, fragments)
    variables = tuple(_variable(node, schema, usage) for node in operation.variable_definitions or ())
    return Prepared(operation, fragments, variables, schema, usage.introspects)


def _refuse_null_characters(document: DocumentNode) -> None:
    """Refuse what no text in the database can hold, wherever in the document it stands."""
    token = document.loc.start_token if document.loc else None
    while token:
        if token.value and "\0" in token.value:
            raise OperationRefused("BAD_USER_INPUT", "Texts cannot hold the character U+0000.")
        token = token.next


def _choose(operations: list[OperationDefinitionNode], name: str | None) -> OperationDefinitionNode:
    chosen = [node for node in operations if name is None or (node.name and node.name.value == name)]
    if len(chosen) != 1:
        raise OperationRefused("NO_SUCH_OPERATION", "Name one operation of the document as operationName.")
    return chosen[0]


# ---- Rules of validation ---------------------------------------------------------------------------------------------


class _Knowing(Visitor):
    """Has a rule know its methods for each kind of node: graphql-core looks for them by name, in each document anew."""

    known: ClassVar[dict[str, tuple[str | None, str | None]]]

    def get_enter_leave_for_kind(self, kind: str) -> EnterLeaveVisitor:
        """Give the methods for a kind of node."""
        if kind not in self.known:
            self.known[kind] = (self._named("enter", kind), self._named("leave", kind))
        enter, leave = self.known[kind]
        if enter is None and leave is None:
            return _NOTHING
        return EnterLeaveVisitor(
            None if enter is None else getattr(self, enter), None if leave is None else getattr(self, leave)
        )

    def _named(self, way: str, kind: str) -> str | None:
        return next((name for name in (f"{way}_{kind}", way) if hasattr(self, name)), None)


_NOTHING: Final = EnterLeaveVisitor(None, None)
_RULES: Final[list[Any]] = [type(rule.__name__, (_Knowing, rule), {"known": {}}) for rule in specified_rules]


# ---- How variables are used ------------------------------------------------------------------------------------------


class _Usage:
    """Where an operation uses each variable: in a place that changes the statement, or only as a value."""

    def __init__(
        self, schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
    ) -> None:
        self.by_value: set[str] = set()
        self.never_null: set[str] = set()
        self.as_ids: set[str] = set()
        self.as_representations: set[str] = set()
        self.introspects = False
        info = TypeInfo(schema)
        visitor = _UsageVisitor(self, info)
        for node in (operation, *fragments.values()):
            visit(node, TypeInfoVisitor(info, visitor))


class _UsageVisitor(Visitor):
    """Walks a document and notes the uses of variables."""

    def __init__(self, usage: _Usage, info: TypeInfo) -> None:
        super().__init__()
        self.usage = usage
        self.info = info
        self.directives = 0
        self.introspection = 0

    def enter_directive(self, *_: Any) -> None:
        self.directives += 1

    def leave_directive(self, *_: Any) -> None:
        self.directives -= 1

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        if node.name.value in {"__schema", "__type"}:
            self.introspection += 1
            self.usage.introspects = True

    def leave_field(self, node: FieldNode, *_: Any) -> None:
        if node.name.value in {"__schema", "__type"}:
            self.introspection -= 1

    def enter_variable_definition(self, *_: Any) -> Any:
        return False  # a definition is no use

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        name = node.name.value
        if is_non_null_type(self.info.get_input_type()):
            self.usage.never_null.add(name)
        argument = self.info.get_argument()
        field = self.info.get_field_def()
        arguments = field.args if field else {}
        if self.directives or self.introspection or (argument is not None and argument is arguments.get("orderBy")):
            self.usage.by_value.add(name)
        elif argument is not None and argument is arguments.get(_REPRESENTATIONS):
            self.usage.as_representations.add(name)
        elif argument is not None and any(argument is arguments.get(each) for each in ("id", "ids")):
            self.usage.as_ids.add(name)


def _variable(node: Any, schema: GraphQLSchema, usage: _Usage) -> Variable:
    name = node.variable.name.value
    declared = type_from_ast(schema, node.type)
    assert declared is not None
    by_value = name in usage.by_value
    if by_value:
        shape: Callable[[Any], object] = _frozen
    elif name in usage.as_representations:
        shape = ids.shape_of_representations
    elif name in usage.as_ids:
        shape = ids.shape_of_ids
    else:
        shape = _presence(declared)
    default = value_from_ast(node.default_value, declared) if node.default_value else Undefined
    required = is_non_null_type(declared)
    never_null = name in usage.never_null and not required
    coerce = coercer(GraphQLNonNull(declared) if never_null else declared)
    return Variable(name, declared, required, by_value, never_null, default, coerce, shape)


def _frozen(value: Any) -> object:
    if isinstance(value, dict):
        return tuple((key, _frozen(each)) for key, each in value.items())
    if isinstance(value, list):
        return tuple(_frozen(each) for each in value)
    return value


def _presence(declared: GraphQLInputType) -> Callable[[Any], object]:
    named = declared.of_type if isinstance(declared, GraphQLNonNull) else declared
    if is_list_type(named) or not isinstance(named, GraphQLInputObjectType):
        return lambda value: NULL if value is None else GIVEN
    inner = {name: _presence(field.type) for name, field in named.fields.items() if field.type is not declared}

    def shape(value: Any) -> object:
        return NULL if value is None else tuple((key, inner[key](each)) for key, each in value.items())

    return shape
