"""The planner's intermediate form: frozen values from `build` through `weave` to `lower`.

It carries all that lowering needs; `lower` never looks at the schema. Before weaving every gate is None; after it every
field, row and condition has one.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from graphql import GraphQLInputType, GraphQLOutputType

from schema.access import Access, AllOf, AnyOf, Consented, Linked, Own, RowIs, Unsealed
from schema.source import (
    Cells,
    CodeName,
    Column,
    Computed,
    Embedded,
    Expression,
    FromProfile,
    Inside,
    Many,
    Match,
    One,
    Ordering,
    Page,
    Part,
    Record,
    Sealed,
)

# ---- Arguments -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Given:
    """A value known when the plan is made."""

    value: Any


@dataclass(frozen=True, slots=True)
class Ref:
    """A value that each request brings: a variable, or a field within one."""

    variable: str
    path: tuple[str, ...] = ()

    def read(self, values: Mapping[str, Any]) -> Any:
        """Find the value among those of the request."""
        value = values[self.variable]
        for key in self.path:
            value = value[key]
        return value


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list written out, of which some items are variables."""

    items: tuple["Argument", ...]


@dataclass(frozen=True, slots=True)
class Inputs:
    """An input object, field by field; fields that are missing are not there."""

    fields: Mapping[str, "Argument"]


Argument = Given | Ref | ListOf | Inputs


def reading(argument: Argument) -> Callable[[Mapping[str, Any]], Any]:
    """Give what reads an argument off the values of a request: `value_of`, settled once for the plan."""
    match argument:
        case Given(value):
            return lambda _: value
        case Ref(variable, ()):
            return itemgetter(variable)
        case Ref():
            return argument.read
        case _:
            return lambda values: value_of(argument, values)


def value_of(argument: Argument, values: Mapping[str, Any]) -> Any:
    """Give the value of an argument within one request."""
    match argument:
        case Given(value):
            return value
        case Ref():
            return argument.read(values)
        case ListOf(items):
            return [value_of(item, values) for item in items]
        case Inputs(fields):
            return {name: value_of(each, values) for name, each in fields.items()}


# ---- Gates: what weaving found --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Open:
    """Nothing stands in the way."""


@dataclass(frozen=True, slots=True)
class Shut:
    """The profile alone decides against it; `code` is SCOPE or RELATION."""

    code: str


RowRule = Own | RowIs | Linked | Consented | Unsealed | AllOf | AnyOf
"""What is left of a rule when scope and relation are settled."""


@dataclass(frozen=True, slots=True)
class When:
    """The row decides."""

    rule: RowRule


Gate = Open | Shut | When


# ---- Nodes ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Field:
    """One entry of an answer's object. `path` is the response path without list indices, `name` that of the schema."""

    response: str
    path: tuple[str, ...]
    node: "Node"
    access: Access
    nullable: bool
    gate: Gate | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Obj:
    """An object of one type with its fields in order. `subject` tells whose data it holds, where it is a person's."""

    type_name: str
    fields: tuple[Field, ...]
    subject: Expression | None = None


@dataclass(frozen=True, slots=True)
class Leaf:
    """A scalar, an enum, or a list of them. `code` is the prefix of the record's ids, which may be `veiled`."""

    source: Column | Computed | CodeName | Part | FromProfile
    type: GraphQLOutputType
    code: str | None
    veiled: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """JSON known when the plan is made: type names, the answers of introspection."""

    json: str


@dataclass(frozen=True, slots=True)
class Nested:
    """An object of parts of the same row."""

    source: Embedded
    obj: Obj


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is sealed in the row of another table, or one value cut from it; `obj` where objects are shown."""

    source: Sealed
    type: GraphQLOutputType
    obj: Obj | None
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """A value within an envelope; `obj` where it is an object or a list of them."""

    source: Inside
    type: GraphQLOutputType
    obj: Obj | None


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one record type: its table, and after weaving the gate of its rows."""

    record: Record
    type_name: str
    gate: Gate | None = None


@dataclass(frozen=True, slots=True)
class Single:
    """The record that a join leads to."""

    source: One
    rows: Rows
    obj: Obj


@dataclass(frozen=True, slots=True)
class Listing:
    """A short list of records, or of parts when `rows` is None."""

    source: Many
    rows: Rows | None
    obj: Obj


@dataclass(frozen=True, slots=True)
class Condition:
    """One filter: what it matches, with which operator, against which value.

    `operator` is eq, in, contains, gte or lt; `holds` calls the match's own predicate. `named` are the records that an
    id names: one that the viewer may not see is as one that does not exist.
    """

    match: Match
    operator: str
    value: Argument
    type: GraphQLInputType
    named: Rows | None
    gate: Gate | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """A record type that may stand in a place, and what is asked of it there."""

    rows: Rows
    obj: Obj


@dataclass(frozen=True, slots=True)
class PagePart:
    """What is asked of a connection besides its rows.

    `kind` is nodes, edges, node, cursor, pageInfo, totalCount, typename, or a field of PageInfo.
    """

    response: str
    kind: str
    parts: tuple["PagePart", ...] = ()
    choices: tuple[Choice, ...] = ()
    typename: str = ""


@dataclass(frozen=True, slots=True)
class Paged:
    """A connection: which rows, in which order, which window of them, and what is asked of them."""

    source: Page
    choices: tuple[Rows, ...]
    parts: tuple[PagePart, ...]
    conditions: tuple[Condition, ...]
    ordering: Ordering
    tag: str
    descending: bool
    backward: bool
    size: Argument
    after: Argument | None
    before: Argument | None
    order_gate: Gate | None = None


@dataclass(frozen=True, slots=True)
class Bounded:
    """A bounded list of rows that are no records. `where` is checked in each request."""

    source: Cells
    conditions: tuple[Condition, ...]
    where: Argument
    obj: Obj


@dataclass(frozen=True, slots=True)
class Keyed:
    """One record by its keys: pairs of key and value, all of which must match."""

    choice: Choice
    keys: tuple[tuple[str, Argument], ...]


@dataclass(frozen=True, slots=True)
class Several:
    """Records of several types, in the order of the ids or representations asked for."""

    choices: tuple[tuple[str, str, Choice], ...]
    asked: Argument
    entities: bool


@dataclass(frozen=True, slots=True)
class Mine:
    """The viewer as the profile tells."""

    obj: Obj


@dataclass(frozen=True, slots=True)
class Nothing:
    """Null whatever the tables hold."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Arguments that make no sense. Weaving refuses the operation, unless the field is withheld with its arguments."""

    code: str
    message: str


Node = (
    Leaf
    | Text
    | Nested
    | Envelope
    | Content
    | Single
    | Listing
    | Paged
    | Bounded
    | Keyed
    | Several
    | Mine
    | Nothing
    | Fault
)


@dataclass(frozen=True, slots=True)
class Withheld:
    """A field that a rule keeps back, as told in `extensions.withheld`."""

    path: tuple[str, ...]
    category: str
    code: str
    by_row: bool
    json: str = field(init=False, repr=False, compare=False)
    """The entry but for its end, where the count goes."""

    def __post_init__(self) -> None:
        entry = {"path": list(self.path), "category": self.category, "code": self.code}
        object.__setattr__(self, "json", json.dumps(entry, separators=(",", ":")).removesuffix("}"))


@dataclass(frozen=True, slots=True)
class Told:
    """A field as the audit names it."""

    coordinate: str
    category: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a statement that reads data of persons tells the audit: the fields it asks for, by who decides on them.

    `lists` are shown whatever rows there are, for a list tells how many; `always` are shown of every row, `never` of
    none, and `by_row` of some: by path and coordinate of the field that the row decides on, itself first, then what
    stands beneath it.
    """

    lists: tuple[Told, ...]
    always: tuple[Told, ...]
    by_row: Mapping[tuple[tuple[str, ...], str], list[Told]]
    never: tuple[Told, ...]
    quiet: bool = False
    """Whether a statement that found nobody leaves no word."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A whole operation."""

    root: Obj
    withheld: tuple[Withheld, ...] = field(default=())
    deniable: bool = False
    """Whether the statement has to look for denials of the viewer's token."""
    reading: Reading | None = None
    """What is to be told to the audit; None where no data of persons are read."""
