"""Where a field comes from: each function here declares one field of the graph with its source and its rule.

A source says which SQL gives the value; it never runs. The planner reads sources off the schema and compiles whole
operations from them. Functions that take row columns are called with the columns of an alias (`c.name`), once per plan.

Longer than other files: a source and the function that declares it are read together, and this is the one list of both.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass
from typing import Any, Final, TypeVar

import strawberry
from sqlalchemy import Boolean, ColumnElement, Date, FromClause, Integer, Text, Uuid, bindparam, cast
from sqlmodel import SQLModel
from strawberry.annotation import StrawberryAnnotation
from strawberry.federation.schema_directives import Authenticated, Key, ListSize, RequiresScopes, Shareable
from strawberry.federation.types import FieldSet
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from schema.access import Access, Columns, Rule
from schema.coarse import Cut
from schema.vocabulary.base import Vocabulary

SOURCE: Final = "source"
ACCESS: Final = "access"
RECORD: Final = "record"
MATCH: Final = "match"

Expression = Callable[[Columns], ColumnElement[Any]]
Join = Callable[[Columns, Columns], ColumnElement[bool]]


# ---- What the request brings: parameters, never part of the plan ---------------------------------------------------


def viewer(name: str) -> ColumnElement[Any]:
    """Give the id that the access profile carries under this name; NULL when it carries none."""
    return bindparam(f"viewer_{name}", type_=Uuid())


def limit(name: str) -> ColumnElement[Any]:
    """Give a bound that the hub sets on what may be asked: a field of the planner's `Limits`."""
    return bindparam(f"limit_{name}", type_=Integer())


PURPOSE: Final = bindparam("viewer_purpose", type_=Text())
"""The purpose declared with the request, as its code; NULL when none is."""

AUDIENCE: Final = bindparam("viewer_audience", type_=Text())
"""For whom ids of persons are made."""

STAFF_ASKS: Final = bindparam("viewer_staff", type_=Boolean())
"""Whether somebody of ICORN itself asks. Like the purpose it is settled when the plan is made."""

PARTNER_ASKS: Final = bindparam("viewer_partner", type_=Boolean())
"""Whether a partner asks."""

TODAY_TEXT: Final = bindparam("today", type_=Text())
"""Today in UTC as `2026-11-21`, to compare partial dates with."""

TODAY: Final = cast(TODAY_TEXT, Date)
"""Today in UTC as a date."""


# ---- What a filter settles -------------------------------------------------------------------------------------------


class Narrowed:
    """Columns of rows that a filter let through, with what it settled about them: nobody need ask each row again."""

    def __init__(self, columns: Columns, facts: Mapping[str, object]) -> None:
        self.columns = columns
        self.facts = facts

    def __getattr__(self, name: str) -> Any:
        return getattr(self.columns, name)

    def __getitem__(self, name: str) -> Any:
        return self.columns[name]


def unnarrowed(c: Columns) -> Columns:
    """Give the columns alone."""
    return c.columns if isinstance(c, Narrowed) else c


def known(c: Columns, fact: str) -> Any:
    """Give what a filter settled about the rows under this name; None where none did."""
    return c.facts.get(fact) if isinstance(c, Narrowed) else None


# ---- Sources -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the record's own row."""

    name: str


@dataclass(frozen=True, slots=True)
class Computed:
    """An SQL expression over the record's own row."""

    make: Expression


@dataclass(frozen=True, slots=True)
class CodeName:
    """A name in letters for the record's row, another one for each audience, made from the id in this column."""

    name: str


@dataclass(frozen=True, slots=True)
class Part:
    """A named part that the embedding field supplies."""

    name: str


@dataclass(frozen=True, slots=True)
class FromProfile:
    """A value the access profile holds; the planner binds it as JSON text."""

    name: str


@dataclass(frozen=True, slots=True)
class Embedded:
    """An object made of parts of the same row; null where `present` is false."""

    parts: Mapping[str, Expression]
    present: Expression | None


@dataclass(frozen=True, slots=True)
class One:
    """The one record of another table that `on` joins; null when there is none or it is not for the viewer."""

    on: Join


@dataclass(frozen=True, slots=True)
class Many:
    """A list without pages, few by nature. `row` and `parts` are given where the items are no records of their own."""

    on: Join
    order: Callable[[Columns], Sequence[ColumnElement[Any]]]
    row: type[SQLModel] | None
    parts: Mapping[str, Expression]
    assumed: int


@dataclass(frozen=True, slots=True)
class Ordering:
    """One way to order a list: keys that are never NULL, and the rule of what they tell. Ties go by id."""

    keys: Callable[[Columns], Sequence[ColumnElement[Any]]]
    see: Access


@dataclass(frozen=True, slots=True)
class Page:
    """A Relay connection over the records of one type, or of one interface (`union` then lists its rows)."""

    on: Join | None
    orders: Mapping[Vocabulary, Ordering]
    default: Ordering
    union: "Union | None"


@dataclass(frozen=True, slots=True)
class Union:
    """Rows of several tables under common columns; `kind` holds the code of the record the row belongs to."""

    rows: FromClause


@dataclass(frozen=True, slots=True)
class Lookup:
    """One record by one of its keys, given as arguments."""


@dataclass(frozen=True, slots=True)
class NodeById:
    """Any record by its global id."""


@dataclass(frozen=True, slots=True)
class NodesByIds:
    """Records by their global ids, in the order asked."""


@dataclass(frozen=True, slots=True)
class Myself:
    """The viewer, as the access profile tells."""


@dataclass(frozen=True, slots=True)
class Cells:
    """A bounded list read from a table without ids: `where` is an input object whose fields carry matches."""

    rows: FromClause
    order: Callable[[Columns], Sequence[ColumnElement[Any]]]
    check: Callable[[Mapping[str, Any]], None]
    assumed: int
    most: int


@dataclass(frozen=True, slots=True)
class Sealed:
    """One category of the record, sealed in the row of another table: opened after the statement, where released.

    `cut` takes of what was sealed the one value that the field shows; where it is None the field shows all of it.
    """

    row: type[SQLModel]
    on: Join
    cut: Cut | None = None


@dataclass(frozen=True, slots=True)
class Inside:
    """A value within what was sealed, by its name there; an object or a list of them where the field's type is one."""

    name: str
    assumed: int


Source = (
    Column
    | Computed
    | CodeName
    | Part
    | FromProfile
    | Embedded
    | One
    | Many
    | Page
    | Lookup
    | NodeById
    | NodesByIds
    | Myself
    | Cells
    | Sealed
    | Inside
)


@dataclass(frozen=True, slots=True)
class Record:
    """What makes a type of the graph a record: its table, the prefix of its ids, its natural keys, its rules.

    A statement that reads a `private` record leaves an entry in the audit, about the `subject` of each row. Ids of a
    `veiled` one differ from body to body.
    """

    row: type[SQLModel]
    code: str
    keys: tuple[str, ...]
    see: Access
    rows: Rule
    private: bool = False
    subject: Expression | None = None
    veiled: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """What a field of a `where` input compares: a column, an expression, or a predicate made from the value.

    `of` is the table of the record that an id names, where no foreign key tells it. `folded` values are compared in
    their folded form; an `absent` value stands in when none is given; with `empty` an empty list in the row matches
    everything. Where the value is written in the document, rows that match are `known` to have it under the name that
    `settles` gives.
    """

    see: Access
    column: str | None = None
    make: Expression | None = None
    of: type[SQLModel] | None = None
    predicate: Callable[[Columns, ColumnElement[Any]], ColumnElement[bool]] | None = None
    folded: bool = False
    absent: object = None
    empty: bool = False
    settles: str | None = None


# ---- Declarations --------------------------------------------------------------------------------------------------


def _declare(
    source: Source, see: Access, says: str, *, name: str | None, more: Sequence[object] = ()
) -> StrawberryField:
    outer: list[object] = []
    if not see.public:
        outer.append(Authenticated())
        if see.scopes:
            outer.append(RequiresScopes(scopes=[[scope] for scope in see.scopes]))
    declared: StrawberryField = strawberry.field(
        name=name,
        description=says if see.public else f"{says} Category: {see.category.value}{_grain(see)}.",
        directives=[*more, *outer],
        metadata={SOURCE: source, ACCESS: see},
    )
    return declared


def _grain(see: Access) -> str:
    return "" if see.grain.value == "full" else f", {see.grain.value}"


def _assumed(size: int) -> ListSize:
    return ListSize(assumed_size=size, slicing_arguments=None, sized_fields=None)


def _arguments(declared: StrawberryField, *arguments: tuple[str, str, Any]) -> StrawberryField:
    declared.arguments = [
        StrawberryArgument(
            python_name=name,
            graphql_name=None,
            type_annotation=StrawberryAnnotation(annotation),
            description=says,
        )
        for name, says, annotation in arguments
    ]
    return declared


def column(attribute: Any, *, see: Access, says: str, name: str | None = None) -> Any:
    """Show a column of the record's row."""
    return _declare(Column(attribute.key), see, says, name=name)


def computed(make: Expression, *, see: Access, says: str, name: str | None = None) -> Any:
    """Show an SQL expression over the record's row."""
    return _declare(Computed(make), see, says, name=name)


def code_name(attribute: Any, *, see: Access, says: str) -> Any:
    """Show an id of the record's row as a code name, to be said and written down. To another body it tells nothing."""
    return _declare(CodeName(attribute.key), see, says, name=None)


def part(of: str, *, see: Access, says: str, name: str | None = None) -> Any:
    """Show a part that the embedding field supplies."""
    return _declare(Part(of), see, says, name=name)


def from_profile(of: str, *, see: Access, says: str) -> Any:
    """Show what the access profile holds under this name."""
    return _declare(FromProfile(of), see, says, name=None)


def embedded(parts: Mapping[str, Expression], *, see: Access, says: str, present: Expression | None = None) -> Any:
    """Show an object made of parts of the same row."""
    return _declare(Embedded(parts, present), see, says, name=None)


def one(on: Join, *, see: Access, says: str) -> Any:
    """Show the one record that `on(here, there)` joins."""
    return _declare(One(on), see, says, name=None)


def many(
    on: Join,
    *,
    order: Callable[[Columns], Sequence[ColumnElement[Any]]],
    see: Access,
    says: str,
    assumed: int,
    row: type[SQLModel] | None = None,
    parts: Mapping[str, Expression] | None = None,
) -> Any:
    """Show a list whole whose rows are few by nature; any other is a `page`. Nothing cuts it: cut, it would look whole.

    Args:
        on: which rows are in it.
        order: must be total.
        see: who may see it.
        says: its description.
        assumed: the length that its cost is reckoned with.
        row: the table, where the items are no records of their own.
        parts: their fields.
    """
    size = _assumed(assumed)
    return _declare(Many(on, order, row, parts or {}, assumed), see, says, name=None, more=[size])


def sealed(row: type[SQLModel], on: Join, *, see: Access, says: str, cut: Cut | None = None) -> Any:
    """Show what is sealed in the row of another table, or what is cut from it; null when nothing is recorded there."""
    return _declare(Sealed(row, on, cut), see, says, name=None)


def sealed_text(row: type[SQLModel], on: Join, *, see: Access, says: str) -> Any:
    """Show a text that is sealed alone in the row of another table; null when nothing is recorded there."""
    return _declare(Sealed(row, on, _text), see, says, name=None)


def _text(content: Mapping[str, Any]) -> Any:
    return content.get("text")


def inside(of: str, *, see: Access, says: str, assumed: int | None = None) -> Any:
    """Show a value within what was sealed. A list of objects says how long it is `assumed` to be, for its cost."""
    more = [] if assumed is None else [_assumed(assumed)]
    return _declare(Inside(of, assumed or 1), see, says, name=None, more=more)


def page(
    *,
    see: Access,
    says: str,
    default: Ordering,
    on: Join | None = None,
    where: type | None = None,
    order: type | None = None,
    orders: Mapping[Any, Ordering] | None = None,
    union: Union | None = None,
) -> Any:
    """Show a Relay connection, paged both ways by key; filters and orders are those of the input types given."""
    size = ListSize(
        assumed_size=None,
        slicing_arguments=["first", "last"],
        sized_fields=["edges", "nodes"],
        require_one_slicing_argument=False,
    )
    declared = _declare(Page(on, orders or {}, default, union), see, says, name=None, more=[size])
    return _arguments(
        declared,
        ("first", "Rows from the start, 1 to 100; 20 when neither is given.", int | None),
        ("after", "Only rows after this cursor.", str | None),
        ("last", "Rows from the end, 1 to 100.", int | None),
        ("before", "Only rows before this cursor.", str | None),
        *([("where", "Which rows.", where | None)] if where else []),
        *([("order_by", "In which order.", order | None)] if order else []),
    )


def lookup(*, see: Access, says: str, slug: bool = True) -> Any:
    """Show one record by its id or, where it has one, its slug."""
    declared = _declare(Lookup(), see, says, name=None)
    if not slug:
        return _arguments(declared, ("id", "Opaque id.", strawberry.ID))
    return _arguments(declared, ("id", "Opaque id.", strawberry.ID | None), ("slug", "Natural key.", str | None))


def node_by_id(*, see: Access, says: str) -> Any:
    """Show any record by its id."""
    return _arguments(_declare(NodeById(), see, says, name=None), ("id", "Any id of the graph.", strawberry.ID))


def nodes_by_ids(*, see: Access, says: str) -> Any:
    """Show records by their ids."""
    declared = _declare(NodesByIds(), see, says, name=None, more=[_assumed(100)])
    return _arguments(declared, ("ids", "Ids, at most 100.", list[strawberry.ID]))


def myself(*, see: Access, says: str) -> Any:
    """Show the viewer."""
    return _declare(Myself(), see, says, name=None)


def cells(
    rows: FromClause,
    *,
    where: type,
    order: Callable[[Columns], Sequence[ColumnElement[Any]]],
    check: Callable[[Mapping[str, Any]], None],
    assumed: int,
    most: int,
    see: Access,
    says: str,
) -> Any:
    """Show a list of `most` rows at most that are no records, chosen by a required `where`; `check` may refuse it."""
    size = _assumed(assumed)
    declared = _declare(Cells(rows, order, check, assumed, most), see, says, name=None, more=[size])
    return _arguments(declared, ("where", "Which numbers.", where))


def matches(
    attribute: Any,
    *,
    see: Access,
    says: str,
    name: str | None = None,
    required: bool = False,
    folded: bool = False,
    absent: object = None,
    empty: bool = False,
    of: type[SQLModel] | None = None,
) -> Any:
    """Compare a column of the row with the filter; the filter's type gives the operators."""
    match = Match(see, column=attribute.key, of=of, folded=folded, absent=absent, empty=empty)
    return _match(match, says, name=name, required=required)


def compares(make: Expression, *, see: Access, says: str) -> Any:
    """Compare an SQL expression over the row with the filter; the filter's type gives the operators."""
    return _match(Match(see, make=make), says, name=None, required=False)


def holds(
    predicate: Callable[[Columns, ColumnElement[Any]], ColumnElement[bool]],
    *,
    see: Access,
    says: str,
    required: bool = False,
    absent: object = None,
    settles: str | None = None,
) -> Any:
    """Test the row with a predicate over the value of the filter; `settles` names what that tells of all that match."""
    match = Match(see, predicate=predicate, absent=absent, settles=settles)
    return _match(match, says, name=None, required=required)


def _match(match: Match, says: str, *, name: str | None, required: bool) -> StrawberryField:
    declared: StrawberryField = strawberry.field(
        name=name,
        description=says,
        default=MISSING if required else strawberry.UNSET,
        metadata={MATCH: match},
    )
    return declared


T = TypeVar("T", bound=type)


def record(
    row: type[SQLModel],
    *,
    code: str,
    see: Access,
    rows: Rule,
    keys: Sequence[str] = (),
    entity: bool = False,
    private: bool = False,
    subject: Expression | None = None,
    veiled: bool = False,
) -> Callable[[T], T]:
    """Make a class a record of the graph. Its docstring is its description.

    Args:
        row: the table.
        code: prefix of global ids, unique in the graph; ids read `<code>_<uuid>`.
        see: rule of the record as a whole; `node`, entities and edges to it obey it.
        rows: which rows are seen at all; others are as if they did not exist.
        keys: natural keys besides the id.
        entity: whether other subgraphs may refer to it.
        private: whether reading it leaves an entry in the audit.
        subject: the data subject of a row, for that entry; private then goes without saying.
        veiled: whether its ids differ from body to body.
    """

    def declare(cls: T) -> T:
        directives: list[object] = [Key(fields=FieldSet(key)) for key in ("id", *keys)] if entity else []
        made = Record(row, code, tuple(keys), see, rows, private or subject is not None, subject, veiled)
        return _object(cls, see, directives, {RECORD: made})

    return declare


def plain(*, see: Access, shareable: bool = False) -> Callable[[T], T]:
    """Make a class an object without an id of its own, embedded in records or made from the profile."""

    def declare(cls: T) -> T:
        return _object(cls, see, [Shareable()] if shareable else [], {})

    return declare


def input_object(cls: T) -> T:
    """Make a class an input of the graph. Its docstring is its description."""
    made: T = strawberry.input(cls, description=_docstring(cls))
    return made


def interface(cls: T) -> T:
    """Make a class an interface of the graph. Its docstring is its description."""
    made: T = strawberry.interface(cls, description=_docstring(cls))
    return made


def machinery(cls: T) -> T:
    """Make a class part of the paging machinery. Its docstring is its description."""
    made: T = strawberry.type(cls, description=_docstring(cls))
    return made


def _docstring(cls: type) -> str:
    return " ".join((cls.__doc__ or "").split())


def _object(cls: T, see: Access, directives: list[object], marks: Mapping[str, object]) -> T:
    if not see.public:
        directives = [*directives, Authenticated()]
        if see.scopes:
            directives.append(RequiresScopes(scopes=[[scope] for scope in see.scopes]))
    says = _docstring(cls)
    if not see.public:
        says = f"{says} Category: {see.category.value}{_grain(see)}."
    made: T = strawberry.type(cls, description=says, directives=directives)
    for name, mark in marks.items():
        setattr(made, f"__{name}__", mark)
    return made
