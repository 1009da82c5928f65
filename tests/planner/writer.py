"""Writes operations at random: any shape the type system allows, with arguments that meet the rows of a world.

Long, because one walk over the type system chooses shapes, arguments and faults together; apart they would repeat it.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, TypeVar

from arena import GRAPH, Question
from dice import Dice
from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLList,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_composite_type,
    is_enum_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from oracle.graph import fields_of
from oracle.pages import Listing
from oracle.rows import RECORDS
from pool import Pool, profile

T = TypeVar("T")

ALIASES: Final = (
    "a",
    "A",
    "id",
    "name",
    "node",
    "null",
    "on",
    "select",
    "_1",
    "x" * 63,
    "x" * 63 + "y",
    "x" * 63 + "z",
)
DEPTH: Final = 8
FIELDS_MOST: Final = 26
OFTEN: Final = (
    {"nodes": 3, "edges": 3, "pageInfo": 2, "totalCount": 2, "node": 3, "cursor": 2}
    | {"cities": 3, "organisations": 3, "residents": 2, "openings": 3, "statistics": 4, "networkSize": 2, "city": 2}
    | {"wishedRegions": 4, "onwardAllowed": 2, "categories": 2, "purposes": 2, "works": 4, "agreement": 2, "places": 2}
    | {"originRegion": 3, "hostCountry": 2, "urgency": 2, "documentsRequired": 2, "resolutions": 3}
)
"""Fields asked for more often than others, to meet what lies deep or is seldom there."""
ROWS_MOST: Final = 400
"""Rows one list may be asked for, page sizes multiplied."""
NOTHING: Final = object()
"""A variable that is not sent."""
MISCHIEF: Final = ("BAD_PAGE", "BAD_CURSOR", "BAD_FILTER", "BAD_KEY", "BAD_USER_INPUT", "TOO_MANY_IDS")
_LISTS: Final = ("cities", "organisations", "residents", "openings", "events", "boardTerms")
TRICKED: Final = {
    "BAD_PAGE": _LISTS,
    "BAD_CURSOR": _LISTS,
    "BAD_FILTER": ("networkSize", "statistics", *_LISTS[:4]),
    "BAD_KEY": ("city", "organisation"),
    "TOO_MANY_IDS": ("nodes", "_entities"),
}
"""Where each trick can be played."""
JUNK_IDS: Final = (
    "",
    "ct",
    "ct_",
    "_",
    "xx_6f934f73-f901-4bd9-8d2e-df3168832739",
    "ct_6F934F73-F901-4BD9-8D2E-DF3168832739",
    7,
)
JUNK_CURSORS: Final = ("", "x", "null", "🙂", "AAAA", "e30", "W10", "bnVsbA==", "%00", "a" * 5000)
SPOILT: Final = (
    *(
        ("Int", value, "figures(first: $v) {totalCount}")
        for value in ("7", 1.5, 7.0, True, 2**31, -(2**31) - 1, [7], {})
    ),
    *(("ID!", value, "node(id: $v) {id}") for value in (None, NOTHING, ["x"], 7, 7.0, True, {})),
    *(("[ID!]!", value, "nodes(ids: $v) {id}") for value in ("x", None, [None], [["x"]], 7)),
    *(
        ("Date", value, "boardTerms(where: {on: $v}) {totalCount}")
        for value in ("2026-02-30", "2026-2-3", "20260221", "2026-02-21T00:00", 20260221, "", "2026-W01-1")
    ),
    *(
        ("CityWhere", value, "cities(where: $v) {totalCount}")
        for value in (
            {"nowhere": 1},
            [{}],
            {"country": "NO"},
            {"country": {"eq": "no"}},
            {"country": {"in": ["NO", None]}},
            {"status": "member"},
            {"status": ["MEMBER"]},
            {"name": {"eq": 5}},
            {"name": {"eq": None}},
        )
    ),
    *(("CityOrderField!", value, "cities(orderBy: {field: $v}) {totalCount}") for value in ("SIZE", "name", 1, None)),
    *(("CityOrder", value, "cities(orderBy: $v) {totalCount}") for value in ({}, {"field": "NAME", "direction": None})),
    *(("Boolean!", value, "__typename @include(if: $v)") for value in ("true", 1, None, NOTHING)),
    *(("String", value, "city(slug: $v) {id}") for value in (5, True, ["x"], "a\0")),
    ("CityWhere", {"name": {"contains": "abc\0"}}, "cities(where: $v) {totalCount}"),
    ("ID!", "ct_\0", "node(id: $v) {id}"),
    ("", None, 'city(slug: "a\\u0000") {id}'),
)
"""Variables of these types, what is sent for them, and where they are used. Much of it is refused, not all."""


class Name(str):
    """A name of an enum: bare in a document, quoted among variables."""

    __slots__ = ()


# ---- Writing a document --------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Variable:
    """A variable of the operation; `again` draws a value for one request, or NOTHING."""

    name: str
    shape: str
    default: str
    again: Callable[[], Any]
    what: object


@dataclass(slots=True)
class Fragment:
    """A named fragment, ready to be spread where its type fits and no more rows come of it than where it was made."""

    name: str
    on: str
    text: str
    depth: int
    weight: int


@dataclass(slots=True)
class Writer:
    """Writes one operation."""

    dice: Dice
    pool: Pool
    mischief: str | None
    left: int = FIELDS_MOST
    variables: list[Variable] = field(default_factory=list)
    fragments: list[Fragment] = field(default_factory=list)
    meanings: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    """What each response name stands for everywhere in the document: field, arguments, type."""
    texts: list[str] = field(default_factory=list)
    shapes: set[str] = field(default_factory=set)
    """What the document is made of, for counting."""

    # ---- Selections ------------------------------------------------------------------------------------------------

    def selection(self, kind: str, depth: int, weight: int, hints: Sequence[str] = ()) -> str:
        """Write a selection of the type.

        Args:
            kind: name of an object, interface or union type.
            depth: levels of fields that may follow.
            weight: rows that the selection is asked of at most.
            hints: concrete types likely to occur, where the type is abstract.
        """
        items: list[str] = []
        for _ in range(self.dice.number(1, 2) if kind == "Query" else self.dice.number(1, 5)):
            with self.dice.part():
                items.append(self.item(kind, depth, weight, hints))
            if self.left <= 0:
                break
        return "{" + " ".join(items) + "}"

    def item(self, kind: str, depth: int, weight: int, hints: Sequence[str]) -> str:
        dice = self.dice
        abstract = is_abstract_type(GRAPH.type_map[kind])
        roll = dice.number(0, 99)
        if roll < (30 if abstract else 80) and (own := self.choices(kind, depth, weight)):
            return self.field(kind, dice.pick(own), depth, weight)
        if roll < 30 or dice.chance(4):
            return self.typename()
        if abstract and dice.chance(12):
            return self.shared(kind, hints)
        condition = self.condition(kind, hints)
        known = [one for one in self.fragments if one.depth <= depth and weight <= one.weight and fits(kind, one.on)]
        if known and dice.chance(30):
            self.shapes.add("a fragment spread again")
            return f"...{dice.pick(known).name}{self.switch()}"
        below = [condition] if is_object_type(GRAPH.type_map[condition]) else hints
        if condition != kind:
            self.shapes.add("a narrower fragment" if abstract else "a wider fragment")
        if dice.chance(45):
            self.shapes.add("a named fragment")
            name = f"F{len(self.texts)}"
            self.texts.append("")
            place = len(self.texts) - 1
            text = self.selection(condition, depth, weight, below)
            self.texts[place] = f"fragment {name} on {condition} {text}"
            self.fragments.append(Fragment(name, condition, text, depth, weight))
            return f"...{name}{self.switch()}"
        bare = condition == kind and dice.chance(40)
        self.shapes.add("an inline fragment without a type" if bare else "an inline fragment")
        return (
            f"...{'' if bare else f' on {condition}'}{self.switch()} {self.selection(condition, depth, weight, below)}"
        )

    def typename(self) -> str:
        return self.named("__typename", "", "String!") + self.switch()

    def condition(self, kind: str, hints: Sequence[str]) -> str:
        """Choose a type that some objects of this type have."""
        shape = GRAPH.type_map[kind]
        if is_abstract_type(shape):
            possible = [one.name for one in GRAPH.get_possible_types(shape)]
            likely = [hint for hint in hints if hint in possible]
            if likely and self.dice.chance(80):
                return self.dice.pick(likely)
            wider = [name for name in ("Node", "Opening") if fits(kind, name)]
            return self.dice.pick([*possible, *wider])
        assert isinstance(shape, GraphQLObjectType)
        return self.dice.pick([kind, kind, *(one.name for one in shape.interfaces)])

    def shared(self, kind: str, hints: Sequence[str]) -> str:
        """Give one response name to different fields of different types."""
        possible = sorted(one.name for one in GRAPH.get_possible_types(GRAPH.type_map[kind]))
        first = self.dice.pick([hint for hint in hints if hint in possible] or possible)
        second = self.dice.pick(possible)
        pairs = [
            (one, other)
            for one, left in GRAPH.type_map[first].fields.items()
            for other, right in GRAPH.type_map[second].fields.items()
            if str(left.type) == str(right.type) and not is_composite_type(get_named_type(left.type))
        ]
        one, other = self.dice.pick(pairs)
        if first == second:
            other = one
        self.shapes.add("one name for two fields")
        name = f"shared{len(self.meanings)}"
        self.meanings[name] = ("", "", "")
        self.left -= 2
        return f"... on {first} {{{name}: {one}}} ... on {second} {{{name}: {other}}}"

    def choices(self, kind: str, depth: int, weight: int) -> list[str]:
        """List the fields that may still be asked for; those with fields beneath them half of the time."""
        fields = getattr(GRAPH.type_map[kind], "fields", {})
        leaves = [name for name, one in fields.items() if not is_composite_type(get_named_type(one.type))]
        if kind == "Query":
            return [name for name in fields for _ in range(OFTEN.get(name, 1)) if name != "_service"]
        deeper = [name for name, one in fields.items() if is_composite_type(get_named_type(one.type))]
        if depth <= 1 or weight > ROWS_MOST:
            return leaves
        if kind.endswith(("Connection", "Edge")):
            return [name for name in fields for _ in range(OFTEN.get(name, 1))]
        chosen = deeper if not leaves or (deeper and self.dice.chance(40)) else leaves
        return [name for name in chosen for _ in range(OFTEN.get(name, 1))]

    def field(self, kind: str, name: str, depth: int, weight: int) -> str:
        declared: GraphQLField = GRAPH.type_map[kind].fields[name]
        named = get_named_type(declared.type)
        self.left -= 1
        given = self.arguments(kind, name, declared, weight)
        text = self.named(name, given.text, str(declared.type)) + self.switch()
        if not is_composite_type(named):
            return text
        many = is_list_type(get_nullable_type(declared.type)) and name not in {"nodes", "edges"}
        below = max(1, weight * (given.size or (3 if many else 1)))
        hints = given.hints or (("Place", "PartnerOpening") if named.name.startswith("Opening") else ())
        return f"{text} {self.selection(named.name, max(depth - 1, 1), below, hints)}"

    def named(self, name: str, arguments: str, shape: str) -> str:
        """Name a field in the answer so that the name means the same wherever it stands."""
        meaning = (name, arguments, shape)
        free = [alias for alias in (name, *ALIASES) if self.meanings.get(alias, meaning) == meaning]
        alias = self.dice.pick(free) if self.dice.chance(20) and free else name
        if alias in self.meanings:
            self.shapes.add("a field named again")
        while self.meanings.setdefault(alias, meaning) != meaning:
            alias = f"{name}{len(self.meanings)}"
        if alias != name:
            self.shapes.add("an alias")
        return (name if alias == name else f"{alias}: {name}") + arguments

    def switch(self) -> str:
        """Write @include and @skip, seldom."""
        if not self.dice.chance(7):
            return ""
        texts = []
        for name in self.dice.pick((["include"], ["skip"], ["include", "skip"], ["skip", "include"])):
            value = self.place(
                "Boolean!", None, lambda name=name: self.dice.pick((name == "include", name != "include")), "switch"
            )
            texts.append(f"@{name}(if: {value})")
            self.shapes.add(f"@{name} {'by a variable' if value.startswith('$') else value}")
        return " " + " ".join(texts)

    # ---- Arguments -------------------------------------------------------------------------------------------------

    def arguments(self, kind: str, name: str, declared: GraphQLField, weight: int) -> "Given":
        if not declared.args:
            return Given("")
        listing = fields_of(kind)[name].listing
        if listing:
            return self.page(listing, declared, weight)
        if kind != "Query":
            return Given("")
        if name in {"city", "organisation"}:
            return self.keys(name.capitalize(), declared)
        if name in {"node", "nodes", "_entities"}:
            return self.records(name, declared)
        where = self.place(
            str(declared.args["where"].type), declared.args["where"], self.bounds(name), name, fixed=True
        )
        return Given(f"(where: {where})", size=30)

    def page(self, listing: Listing, declared: GraphQLField, weight: int) -> "Given":
        dice = self.dice
        sizes = [size for size in (1, 2, 3, 5, 10, 25, 100) if size * weight <= ROWS_MOST] or [1]
        small = dice.chance(60) or 20 * weight > ROWS_MOST
        bad = self.play("BAD_PAGE")
        used: dict[str, Callable[[], Any]] = {}
        if small or bad:
            sized = dice.pick(("first", "last"))
            used[sized] = lambda: dice.pick(sizes)
            if bad:
                wrong: Sequence[Any] = (0, -1, 101, 2_147_483_647)
                if dice.chance(40):
                    used = {"first": lambda: dice.pick(sizes), "last": lambda: dice.pick(sizes)}
                else:
                    used[sized] = lambda: dice.pick(wrong)
        parts = []
        sure = 20 * weight > ROWS_MOST or bad is not None
        for size, make in used.items():
            parts.append(f"{size}: {self.place('Int', None, make, (size, *sizes), sure=sure)}")
        parts += [f"{other}: null" for other in ("first", "last") if other not in used and dice.chance(6)]
        # A cursor belongs to an ordering, so that where one is used the order stands in the document.
        anchored = dice.chance(35) or self.mischief == "BAD_CURSOR"
        order, asked = self.order(listing, declared, anchored=anchored)
        parts += order
        if anchored:
            parts += self.anchors(listing, asked)
        if "where" in declared.args and (self.mischief == "BAD_FILTER" or dice.chance(70)):
            argument = declared.args["where"]
            where = get_named_type(argument.type).name
            spoilt = self.play("BAD_FILTER") is not None
            maker = self.object(where, bad=spoilt)
            text = self.place(str(argument.type), argument, maker, where, sure=spoilt, fixed=spoilt)
            parts.append(f"where: {text}")
        return Given(self.shuffled(parts), size=max(sizes) if not small else sizes[-1])

    def order(self, listing: Listing, declared: GraphQLField, *, anchored: bool) -> tuple[list[str], dict[str, Any]]:
        if "orderBy" not in declared.args or self.dice.chance(45):
            return ([] if self.dice.chance(85) or "orderBy" not in declared.args else ["orderBy: null"]), {}
        field_name = self.dice.pick(list(listing.orders))
        direction = self.dice.pick(("asc", "desc"))
        if anchored:
            hidden = direction == "asc" and self.dice.chance(50)
            text = f"{{field: {field_name.upper()}{'' if hidden else f', direction: {direction.upper()}'}}}"
            return [f"orderBy: {text}"], {"orderBy": {"field": field_name, "direction": direction}}
        argument = declared.args["orderBy"]
        shape = get_named_type(argument.type).name
        return [f"orderBy: {self.place(str(argument.type), argument, self.object(shape), shape)}"], {}

    def anchors(self, listing: Listing, asked: dict[str, Any]) -> list[str]:
        own = listing.ordering_name(asked)
        cursors = self.pool.cursors.get(own, [])
        others = [text for name, texts in self.pool.cursors.items() if name != own for text in texts[:2]]
        bad = self.play("BAD_CURSOR")
        parts = []
        for side in self.dice.pick((["after"], ["before"], ["after", "before"])):
            if bad:
                wrong = [*JUNK_CURSORS, *others, *(text[: len(text) // 2] for text in cursors[:3])]
                make = lambda wrong=wrong: self.dice.pick(wrong)  # noqa: E731
                parts.append(f"{side}: {self.place('String', None, make, 'junk', sure=True)}")
            elif cursors:
                parts.append(f"{side}: {self.place('String', None, lambda: self.dice.pick(cursors), (own, side))}")
        return parts

    def keys(self, kind: str, declared: GraphQLField) -> "Given":
        if self.play("BAD_KEY"):
            return Given(self.dice.pick(("", "(id: null)", "(slug: null, id: null)")))
        parts = []
        both = self.dice.chance(10)
        for name in ("slug", "id") if both else (self.dice.pick(("slug", "id")),):
            make = self.slug(kind) if name == "slug" else self.global_id((kind,))
            parts.append(f"{name}: {self.place(str(declared.args[name].type), None, make, (kind, name), sure=True)}")
        return Given(self.shuffled(parts))

    def records(self, name: str, declared: GraphQLField) -> "Given":
        kinds = [one for one, record in RECORDS.items() if record.entity or name != "_entities"]
        hints = self.dice.some(kinds, 3) or [self.dice.pick(kinds)]
        (argument,) = declared.args
        shape = str(declared.args[argument].type)
        if name == "_entities":
            crowd = 101 if self.play("TOO_MANY_IDS") else 0
            make = (lambda: [{"__typename": "City"}] * crowd) if crowd else (lambda: self.representations(hints))
            text = self.place(shape, None, make, tuple(hints), sure=bool(crowd))
        elif name == "nodes":
            one = self.global_id(hints)
            many = self.play("TOO_MANY_IDS")

            def several() -> list[Any]:
                few = self.dice.number(1, 4) if self.dice.chance(90) else 0
                return [one()] * 101 if many else [one() for _ in range(few)]

            text = self.place(shape, None, several, tuple(hints), sure=bool(many))
        else:
            text = self.place(shape, None, self.global_id(hints), tuple(hints))
        return Given(f"({argument}: {text})", size=4 if name != "node" else 1, hints=tuple(hints))

    def representations(self, hints: Sequence[str]) -> list[Any]:
        made: list[Any] = []
        for _ in range(self.dice.number(1, 4) if self.dice.chance(90) else 0):
            kind = self.dice.pick(hints)
            spoken = kind if self.dice.chance(94) else self.dice.pick(("Event", "Nobody", "Query", "", 7, None))
            keyed = RECORDS[kind].keys and self.dice.chance(50)
            keys = {"slug": self.slug(kind)()} if keyed else {"id": self.global_id((kind,))()}
            if keyed and self.dice.chance(15):
                keys |= {"id": self.global_id((kind,))()}
            if self.dice.chance(5):
                keys = self.dice.pick(
                    ({}, {"id": None}, {"id": ["x"]}, {"name": "x"}, keys | {"more": {"than": ["asked"]}})
                )
            made.append({"__typename": spoken} | keys)
        return made

    def shuffled(self, parts: list[str]) -> str:
        if len(parts) > 1 and self.dice.chance(30):
            parts.reverse()
        return f"({', '.join(parts)})" if parts else ""

    def play(self, trick: str) -> str | None:
        """Play the trick of this document once."""
        if self.mischief != trick:
            return None
        self.mischief = f"{trick} done"
        return trick

    # ---- Values ----------------------------------------------------------------------------------------------------

    def place(
        self,
        shape: str,
        declared: GraphQLArgument | GraphQLInputField | None,
        make: Callable[[], Any],
        what: object,
        *,
        sure: bool = False,
        fixed: bool = False,
    ) -> str:
        """Write a value into the document: as it is, or as a variable with or without a default.

        Args:
            shape: type of the place.
            declared: the argument or input field, for objects written out field by field.
            make: draws a value; the same for literal, default and variable.
            what: places with the same may share a variable.
            sure: a value must be there whatever is sent.
            fixed: parts of the value belong together, and none is drawn anew.
        """
        dice = self.dice
        needed = shape.endswith("!")
        if not dice.chance(38):
            if not needed and not sure and dice.chance(6):
                return "null"
            of = what if isinstance(what, tuple) and len(what) == 2 else ("", "")
            return self.literal(declared, make(), of, fixed=fixed)
        known = [one for one in self.variables if (one.shape, one.what) == (shape, what) and not fixed]
        if known and dice.chance(30):
            self.shapes.add("a variable used twice")
            return f"${dice.pick(known).name}"
        nullable = shape.removesuffix("!")
        kind = dice.pick(
            ("needed", "defaulted", "defaulted needed") + (() if needed or sure else ("free", "free", "free"))
        )
        default = f" = {written(make())}" if kind.startswith("defaulted") else ""
        own = nullable if kind in {"free", "defaulted"} else f"{nullable}!"
        if declared is not None and is_input_object_type(get_named_type(declared.type)):
            self.shapes.add("an object by a variable")

        def again() -> Any:
            if kind != "needed" and dice.chance(25):
                return NOTHING
            if kind == "free" and dice.chance(15):
                return None
            if kind == "defaulted" and not needed and not sure and dice.chance(10):
                return None
            return make()

        variable = Variable(f"v{len(self.variables)}", shape, f"{own}{default}", again, what)
        self.variables.append(variable)
        return f"${variable.name}"

    def literal(
        self, declared: GraphQLArgument | GraphQLInputField | None, value: Any, of: tuple[str, str], *, fixed: bool
    ) -> str:
        """Write a value out. Objects are written field by field, so that variables may stand inside.

        Args:
            declared: the argument or input field.
            value: the value.
            of: the input type and its field in which it stands.
            fixed: as for `place`.
        """
        named = None if declared is None else get_named_type(declared.type)
        if named is None or not is_input_object_type(named) or not isinstance(value, dict):
            return written(value)
        parts = []
        for name, inner in value.items():
            place = named.fields[name]
            several = is_list_type(get_nullable_type(place.type))
            if inner is None or (isinstance(inner, list) and (len(inner) > 5 or self.dice.chance(60))):
                text = written(inner)
            elif isinstance(inner, list):
                text = self.items(get_nullable_type(place.type), inner)
            else:
                again = constant(inner) if fixed or several else self.value(named.name, name, place, of=of)
                sure = is_non_null_type(place.type) or fixed
                # A single value may stand for a list, a variable of its type may not.
                shape = str(place.type)
                text = (
                    written(inner)
                    if several
                    else self.place(shape, place, once(inner, again), (named.name, name), sure=sure, fixed=fixed)
                )
                if text.startswith("$"):
                    self.shapes.add("a variable in an object")
            parts.append(f"{name}: {text}")
        return "{" + ", ".join(parts) + "}"

    def items(self, several: GraphQLList[Any], values: list[Any]) -> str:
        """Write a list, perhaps with variables as items, perhaps as its only item."""
        item = str(several.of_type)
        texts = [self.place(item, None, constant(one), ("item", item, str(one))) for one in values]
        if any(text.startswith("$") for text in texts):
            self.shapes.add("a variable in a list")
        elif len(texts) == 1 and self.dice.chance(30):
            return texts[0]
        return "[" + ", ".join(texts) + "]"

    def object(self, shape: str, *, of: tuple[str, str] = ("", ""), bad: bool = False) -> Callable[[], dict[str, Any]]:
        """Give a maker of input objects."""
        fields: dict[str, GraphQLInputField] = GRAPH.type_map[shape].fields

        def make() -> dict[str, Any]:
            needed = [name for name, one in fields.items() if is_non_null_type(one.type) and not has_default(one)]
            free = [name for name in fields if name not in needed]
            made: dict[str, Any] = {}
            for name in (*needed, *self.dice.some(free, 3 if len(free) > 3 else 1 if self.dice.chance(75) else 2)):
                one = fields[name]
                if not is_non_null_type(one.type) and self.dice.chance(6):
                    made[name] = None
                    continue
                value = self.value(shape, name, one, of=of)()
                # One value stands for a list of one.
                made[name] = value[0] if isinstance(value, list) and len(value) == 1 and self.dice.chance(15) else value
            return self.spoiled(shape, made) if bad else made

        return make

    def spoiled(self, shape: str, made: dict[str, Any]) -> dict[str, Any]:
        """Ask for more than 100 values, or for less than three letters."""
        fields = GRAPH.type_map[shape].fields
        texts = [name for name, one in fields.items() if str(one.type) == "TextFilter"]
        lists = [name for name, one in fields.items() if "in" in getattr(get_named_type(one.type), "fields", ())]
        if texts and (not lists or self.dice.chance(50)):
            short = self.dice.pick(("", "a", "os", "  o s", "\u0301\u0301\u0301", " a "))
            return made | {self.dice.pick(texts): {"contains": short}}
        if not lists:
            return made
        name = self.dice.pick(lists)
        kind = get_named_type(get_named_type(fields[name].type).fields["in"].type)
        plain = Name(next(iter(kind.values))) if is_enum_type(kind) else "ct_" if kind.name == "ID" else "NO"
        values = self.value(get_named_type(fields[name].type).name, "in", None, of=(shape, name))() or [plain]
        return made | {name: {"in": (values * 101)[:101]}}

    def value(
        self, shape: str, name: str, declared: GraphQLInputField | None, *, of: tuple[str, str] = ("", "")
    ) -> Callable[[], Any]:
        """Give a maker of values for one field of an input object; `of` tells in which field the object stands."""
        dice, pool = self.dice, self.pool
        place = declared or GRAPH.type_map[shape].fields[name]
        kind = get_named_type(place.type)
        many = is_list_type(get_nullable_type(place.type))
        if is_input_object_type(kind):
            return self.object(kind.name, of=(shape, name))
        if kind.name == "ID":
            one: Callable[[], Any] = self.global_id(("City",))
        elif is_enum_type(kind):
            names = [Name(each) for each in kind.values]

            # Worlds draw most values from a few.
            few = names[15:18] if kind.name == "Region" else names[:6]

            def one() -> Any:
                return dice.pick(few if dice.chance(80) else names)
        elif kind.name == "CountryCode":
            one = lambda: dice.pick(pool.countries)  # noqa: E731
        elif kind.name == "Date":
            one = lambda: dice.pick(pool.days)  # noqa: E731
        elif kind.name == "Boolean":
            one = lambda: dice.chance(50)  # noqa: E731
        elif name == "contains":
            one = lambda: self.dressed(dice.pick(pool.parts[".".join(of)]))  # noqa: E731
        elif kind.name == "String":
            one = lambda: self.dressed(dice.pick(pool.texts[".".join(of)]))  # noqa: E731
        else:
            one = lambda: dice.number(-1, 7)  # noqa: E731
        return (lambda: [one() for _ in range(dice.number(1, 3) if dice.chance(90) else 0)]) if many else one

    def dressed(self, text: str) -> str:
        """Write a text in another case."""
        return dice_case(text, self.dice.number(0, 3))

    def bounds(self, name: str) -> Callable[[], dict[str, Any]]:
        """Make the `where` of networkSize and statistics."""
        dice, year = self.dice, self.pool.today.year
        bad = self.play("BAD_FILTER")

        def make() -> dict[str, Any]:
            first = dice.pick((year - 1, year - 1, year - 1, year, year - 19, 2006, 2000))
            made: dict[str, Any] = {"fromYear": first, "untilYear": first + dice.pick((0, 1, 19, -1, 5))}
            if name == "networkSize":
                if dice.chance(60):
                    made["byCountry"] = dice.pick((True, True, False, None))
            else:
                names = [Name(each) for each in GRAPH.type_map["StatisticMeasure"].values]
                made["measures"] = [dice.pick(names[:5]) for _ in range(dice.number(1, 5) if dice.chance(90) else 0)]
                made["slice"] = dice.pick([Name(each) for each in GRAPH.type_map["StatisticSlice"].values])
            if bad:
                made["untilYear"] = made["fromYear"] + dice.pick((20, 21, 1000))
                if "measures" in made and dice.chance(50):
                    made |= {"untilYear": made["fromYear"], "measures": [Name("MEMBERS")] * 6}
            return made

        return make

    def slug(self, kind: str) -> Callable[[], str]:
        known = [*self.pool.slugs[kind], "nowhere", ""]
        return lambda: dice_case(self.dice.pick(known), 0 if self.dice.chance(93) else 1)

    def global_id(self, kinds: Sequence[str]) -> Callable[[], Any]:
        pool, dice = self.pool, self.dice

        def make() -> Any:
            kind = dice.pick(kinds)
            roll = dice.number(0, 99)
            if roll < 85 and pool.ids[kind]:
                return dice.pick(pool.ids[kind])
            if roll < 90:
                return dice.pick([one for several in pool.ids.values() for one in several[:2]] or ["ct_"])
            if roll < 94 and pool.ids[kind]:
                # A known id in a spelling that is not its own.
                known = dice.pick(pool.ids[kind])
                return dice.pick(
                    (known.upper(), known.replace("-", ""), known + " ", f"{known[:3]}{{{known[3:]}}}", known[3:])
                )
            return dice.pick(JUNK_IDS)

        return make

    # ---- The whole -------------------------------------------------------------------------------------------------

    def document(self) -> tuple[str, str | None]:
        root = self.selection("Query", DEPTH, 1)
        if self.mischief in TRICKED:
            root = f"{root[:-1]} {self.field('Query', self.dice.pick(TRICKED[self.mischief]), 3, 1)}}}"
        if self.mischief == "BAD_USER_INPUT":
            root = f"{root[:-1]} {self.spoilt()}}}"
        declared = ", ".join(f"${one.name}: {one.default}" for one in self.variables)
        named = self.dice.chance(30)
        head = f"query{' Asked' if named else ''}{f' ({declared})' if declared else ''} "
        texts = [(head if declared or named else "") + root, *self.texts]
        operation = "Asked" if named and self.dice.chance(50) else None
        if operation and self.dice.chance(30):
            texts.append("query Other {__typename}")
        if self.dice.chance(20):
            texts = texts[::-1] if declared or named else texts
        return "\n".join(texts), operation

    def spoilt(self) -> str:
        """Use a variable to which something wrong is sent."""
        shape, wrong, use = self.dice.pick(SPOILT)
        name = f"v{len(self.variables)}"
        if shape:
            self.variables.append(Variable(name, shape, shape, lambda: wrong, "spoilt"))
        return ("" if use.startswith("_") else "spoilt: ") + use.replace("$v", f"${name}")

    def question(self) -> Question:
        sent = {one.name: one.again() for one in self.variables}
        made = {name: json.loads(json.dumps(value)) for name, value in sent.items() if value is not NOTHING}
        if NOTHING in sent.values():
            self.shapes.add("a variable not sent")
        if None in sent.values():
            self.shapes.add("a variable sent as null")
        if self.dice.chance(5):
            made["unknown"] = 1
        return Question(made, profile(self.dice, self.pool))


@dataclass(frozen=True, slots=True)
class Given:
    """Arguments as written, how many rows they ask for, and which types of record they speak of."""

    text: str
    size: int = 0
    hints: tuple[str, ...] = ()


def fits(kind: str, condition: str) -> bool:
    """Tell whether a fragment on one type may stand in a selection of another."""
    here, there = possible(kind), possible(condition)
    return bool(here & there)


@cache
def possible(kind: str) -> frozenset[str]:
    shape = GRAPH.type_map[kind]
    return (
        frozenset(one.name for one in GRAPH.get_possible_types(shape)) if is_abstract_type(shape) else frozenset({kind})
    )


def constant(value: T) -> Callable[[], T]:
    """Give a maker of always the same value."""
    return lambda: value


def once(value: T, then: Callable[[], T]) -> Callable[[], T]:
    """Give a maker of this value, and then of others."""
    left = [value]
    return lambda: left.pop() if left else then()


def has_default(declared: GraphQLInputField) -> bool:
    return "=" in str(declared.ast_node or "") or declared.default is not None


def dice_case(text: str, how: int) -> str:
    return (text, text.upper(), text.title(), f" {text}  ")[how]


def written(value: Any) -> str:
    """Write a value as GraphQL does in a document."""
    if isinstance(value, Name):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {written(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
