"""Every stage of one plan, in words: for developers, and for whoever asks why a field is hidden."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, assert_never

from hub.planner.build import build
from hub.planner.ir import (
    Argument,
    Bounded,
    Choice,
    Condition,
    Content,
    Envelope,
    Fault,
    Field,
    Gate,
    Given,
    Inputs,
    Keyed,
    Leaf,
    Listing,
    ListOf,
    Mine,
    Nested,
    Node,
    Nothing,
    Obj,
    Open,
    Paged,
    PagePart,
    Ref,
    Rows,
    Several,
    Shut,
    Single,
    Text,
    When,
)
from hub.planner.planner import Planner
from hub.planner.refused import OperationRefused
from hub.planner.weave import weave
from schema.access import AccessProfile, AllOf, AnyOf, Anyone, Consented, Linked, Own, RowIs, Unsealed
from schema.source import CodeName, Column, Computed, FromProfile, Part

Lines = Iterator[tuple[int, str]]
_BREAKS: Final = re.compile(r"'(?:[^']|'')*'|\(SELECT\b|\(|\)|\n")


def explain(planner: Planner, document: str, variables: Mapping[str, Any], profile: AccessProfile) -> str:
    """Print the stages of a plan: what is asked, what the rules make of it, the statement, its parameters and cost.

    Raises:
        OperationRefused: as `Planner.bind` does, and OPERATION_NOT_SUPPORTED where there is nothing to plan.
    """
    prepared = planner.prepared(document, None)
    if prepared.changes or prepared.subscribes:
        raise OperationRefused("OPERATION_NOT_SUPPORTED", "Only queries are planned; ask for what is read beneath.")
    values = prepared.coerce(variables)
    built = build(prepared, values, planner.catalogue, lambda: planner.sdl)
    woven = weave(built, profile)
    plan = planner.plan(prepared, values, profile)
    withheld = [f"{'.'.join(each.path)}: {each.code} ({each.category})" for each in woven.withheld] or ["nothing"]
    sections = {
        "variables": [
            f"{v.name}: {prepared.shape({v.name: values[v.name]}) if v.name in values else 'missing'}"
            for v in prepared.variables
        ]
        or ["none"],
        "asked": _indented(_object(built.root, 0)),
        "woven": _indented(_object(woven.root, 0)),
        "withheld": withheld,
        "statement": readable(plan.sql).splitlines(),
        "parameters": [f"${number} {each.name}" for number, each in enumerate(plan.parameters, 1)] or ["none"],
        "cost": [str(plan.cost.of(values))],
    }
    return "\n\n".join(f"# {title}\n" + "\n".join(lines) for title, lines in sections.items()) + "\n"


def readable(sql: str) -> str:
    """Break a statement into lines, a level deeper for each sub-query; nothing but white space changes."""
    depths: list[bool] = []
    out: list[str] = []
    last = 0
    for found in _BREAKS.finditer(sql):
        out.append(sql[last : found.start()])
        last = found.end()
        token = found[0]
        indent = "\n" + "  " * sum(depths)
        if token == "(SELECT":  # noqa: S105  # SQL
            depths.append(True)
            out.append("(" + "\n" + "  " * sum(depths) + "SELECT")
        elif token == "(":  # noqa: S105  # SQL
            depths.append(False)
            out.append(token)
        elif token == ")":  # noqa: S105  # SQL
            if depths.pop():
                out.append("\n" + "  " * sum(depths))
            out.append(token)
        else:
            out.append(indent if token == "\n" else token)  # noqa: S105  # SQL
    out.append(sql[last:])
    lines = (line.rstrip() for line in "".join(out).splitlines())
    return "\n".join(line for line in lines if line) + "\n"


def _indented(lines: Lines) -> list[str]:
    return ["  " * depth + text for depth, text in lines]


def _object(obj: Obj, depth: int) -> Lines:
    for field in obj.fields:
        yield depth, f"{field.response}: {_node(field.node)}{_gate(field.gate)}{_access(field)}"
        yield from _below(field.node, depth + 1)


def _access(field: Field) -> str:
    return "" if field.access.public else f" [{field.access.category.value}]"


def _gate(gate: Gate | None) -> str:
    match gate:
        case None | Open():
            return ""
        case Shut(code):
            return f" WITHHELD ({code})"
        case When(rule):
            return f" WHEN {_rule(rule)}"
        case _:
            assert_never(gate)


def _rule(rule: object) -> str:
    match rule:
        case Own(viewer):
            return f"row is of the viewer's {viewer.removesuffix('_id')}"
        case RowIs(says):
            return says
        case Linked(to, _, inner, word=word):
            there = "" if isinstance(inner, Anyone) else f" where {_rule(inner)}"
            return f"tied by a row of {to.__tablename__}{there}" + (f" and holds {word}" if word else "")
        case Consented(category):
            return f"the person consents to {category.value} for this body and purpose"
        case Unsealed():
            return "the person was not erased"
        case AllOf(rules):
            return " and ".join(_rule(each) for each in rules)
        case AnyOf(rules):
            return "(" + " or ".join(_rule(each) for each in rules) + ")"
        case _:
            return repr(rule)


def _node(node: Node) -> str:
    match node:
        case Leaf(source=source):
            match source:
                case Column(name) | CodeName(name) | Part(name) | FromProfile(name):
                    return f"{type(source).__name__.lower()} {name}"
                case Computed():
                    return "computed"
        case Text():
            return "text"
        case Nothing():
            return "null"
        case Fault():
            return f"refused ({node.code})"
        case Nested():
            return "parts of the row"
        case Envelope(source=source):
            cut = "" if source.cut is None else f"{source.cut.__name__} of "
            return f"{cut}what is sealed beside the row"
        case Content(source=source):
            return f"sealed {source.name}"
        case Mine():
            return "the viewer"
        case Single():
            return f"one {_rows(node.rows)}"
        case Listing():
            return f"list of {_rows(node.rows)}" if node.rows else "list of parts"
        case Bounded():
            return f"cells{_conditions(node.conditions)}"
        case Keyed():
            keys = ", ".join(f"{name} = {_argument(value)}" for name, value in node.keys)
            return f"{_rows(node.choice.rows)} by {keys}"
        case Several():
            return "records by " + ("representation" if node.entities else "id")
        case Paged():
            way = f"{'last' if node.backward else 'first'} {_argument(node.size)}"
            order = " descending" if node.descending else ""
            rows = " or ".join(_rows(each) for each in node.choices)
            return f"page of {rows}, {way}{order}{_conditions(node.conditions)}"


def _rows(rows: Rows) -> str:
    return rows.type_name + _gate(rows.gate)


def _conditions(conditions: tuple[Condition, ...]) -> str:
    written = [f"{each.match.column or 'row'} {each.operator} {_argument(each.value)}" for each in conditions]
    return f" where {' and '.join(written)}" if written else ""


def _argument(argument: Argument) -> str:
    match argument:
        case Given(value):
            return repr(str(value)) if isinstance(value, str) else repr(value)
        case Ref(variable, path):
            return ".".join((f"${variable}", *path))
        case ListOf(items):
            return "[" + ", ".join(_argument(each) for each in items) + "]"
        case Inputs(fields):
            return "{" + ", ".join(f"{name}: {_argument(each)}" for name, each in fields.items()) + "}"


def _below(node: Node, depth: int) -> Lines:
    match node:
        case Nested(obj=obj) | Mine(obj=obj) | Single(obj=obj) | Listing(obj=obj) | Bounded(obj=obj):
            yield from _object(obj, depth)
        case Keyed():
            yield from _object(node.choice.obj, depth)
        case Several():
            yield from _choices([choice for _, _, choice in node.choices], depth)
        case Paged():
            yield from _parts(node.parts, depth)
        case _:
            return


def _parts(parts: tuple[PagePart, ...], depth: int) -> Lines:
    for part in parts:
        yield depth, f"{part.response}: {part.kind}"
        yield from _parts(part.parts, depth + 1)
        yield from _choices(part.choices, depth + 1)


def _choices(choices: tuple[Choice, ...] | list[Choice], depth: int) -> Lines:
    for choice in choices:
        inner = depth
        if len(choices) > 1:
            yield depth, f"on {choice.rows.type_name}{_gate(choice.rows.gate)}"
            inner += 1
        yield from _object(choice.obj, inner)
