"""Rules woven in: every field, row and condition gets its gate, settled for one access profile.

Scope and relation are settled here and now; what the row decides stays as a rule for lowering to turn into SQL. A shut
field becomes null before any SQL is made, so that nothing of it is read; a shut filter refuses the operation.
"""

from dataclasses import replace
from typing import assert_never

from hub.planner.ir import (
    Bounded,
    Choice,
    Condition,
    Fault,
    Field,
    Gate,
    Keyed,
    Leaf,
    Listing,
    Mine,
    Nested,
    Node,
    Nothing,
    Obj,
    Open,
    Operation,
    Paged,
    PagePart,
    Rows,
    Several,
    Shut,
    Single,
    Text,
    When,
    Withheld,
)
from hub.planner.refused import OperationRefused
from schema.access import AccessProfile, AllOf, AnyOf, Anyone, Own, Related, RowIs, Rule, Scoped


def settle(rule: Rule, profile: AccessProfile) -> Gate:
    """Decide a rule as far as the profile allows.

    Returns:
        `Open`, `Shut` with the reason of the first rule that fails, or `When` with what is left for the row.
    """
    match rule:
        case Anyone():
            return Open()
        case Scoped(any_of):
            return Open() if any_of & profile.scopes else Shut("SCOPE")
        case Related(any_of):
            return Open() if profile.relation in any_of else Shut("RELATION")
        case Own(viewer):
            return Shut("RELATION") if getattr(profile, viewer) is None else When(rule)
        case RowIs():
            return When(rule)
        case AllOf(rules):
            return _all([settle(each, profile) for each in rules])
        case AnyOf(rules):
            return _any([settle(each, profile) for each in rules])
        case _:
            assert_never(rule)


def _all(gates: list[Gate]) -> Gate:
    shut = [gate for gate in gates if isinstance(gate, Shut)]
    if shut:
        return shut[0]
    left = tuple(gate.rule for gate in gates if isinstance(gate, When))
    if not left:
        return Open()
    return When(left[0] if len(left) == 1 else AllOf(left))


def _any(gates: list[Gate]) -> Gate:
    if any(isinstance(gate, Open) for gate in gates):
        return Open()
    left = tuple(gate.rule for gate in gates if isinstance(gate, When))
    if not left:
        return Shut("RELATION")
    return When(left[0] if len(left) == 1 else AnyOf(left))


def weave(operation: Operation, profile: AccessProfile) -> Operation:
    """Settle every rule of an operation for one profile.

    Raises:
        OperationRefused: FORBIDDEN_FILTER, when a filter or an order looks at what the profile may not see; the code of
            a fault that is not withheld.
    """
    weaver = _Weaver(profile)
    root = weaver.object(operation.root)
    withheld = sorted(weaver.withheld.values(), key=lambda each: each.path)
    return Operation(root, tuple(withheld), deniable=bool(profile.subjects))


class _Weaver:
    """Weaves one operation, noting what is withheld."""

    def __init__(self, profile: AccessProfile) -> None:
        self.profile = profile
        self.withheld: dict[tuple[str, ...], Withheld] = {}

    def object(self, obj: Obj) -> Obj:
        return replace(obj, fields=tuple(self._field(field) for field in obj.fields))

    def _field(self, field: Field) -> Field:
        gate = settle(field.access.rule, self.profile)
        if not isinstance(gate, Open):
            code = gate.code if isinstance(gate, Shut) else "RELATION"
            self.withheld.setdefault(
                field.path,
                Withheld(field.path, field.access.category.name, code, by_row=isinstance(gate, When)),
            )
        if isinstance(gate, Shut):
            return replace(field, gate=gate, node=Nothing())
        return replace(field, gate=gate, node=self._node(field.node))

    def _node(self, node: Node) -> Node:
        match node:
            case Leaf() | Text() | Nothing():
                return node
            case Fault(code, message):
                raise OperationRefused(code, message)
            case Nested() | Mine():
                return replace(node, obj=self.object(node.obj))
            case Single():
                return replace(node, rows=self._rows(node.rows), obj=self.object(node.obj))
            case Listing():
                return replace(node, rows=self._rows(node.rows) if node.rows else None, obj=self.object(node.obj))
            case Paged():
                return self._page(node)
            case Bounded():
                return replace(node, conditions=self._conditions(node.conditions), obj=self.object(node.obj))
            case Keyed():
                choice = self._reachable(node.choice)
                return replace(node, choice=choice) if choice else Nothing()
            case Several():
                return replace(
                    node,
                    choices=tuple(
                        (selector, key, woven)
                        for selector, key, choice in node.choices
                        if (woven := self._reachable(choice)) is not None
                    ),
                )
            case _:
                assert_never(node)

    def _rows(self, rows: Rows) -> Rows:
        record = rows.record
        return replace(rows, gate=settle(AllOf((record.see.rule, record.rows)), self.profile))

    def _reachable(self, choice: Choice) -> Choice | None:
        """Weave a record asked for by key; None when records of its type are not for the viewer at all."""
        rows = self._rows(choice.rows)
        return None if isinstance(rows.gate, Shut) else Choice(rows, self.object(choice.obj))

    def _page(self, node: Paged) -> Paged:
        return replace(
            node,
            choices=tuple(self._rows(rows) for rows in node.choices),
            conditions=self._conditions(node.conditions),
            order_gate=self._look(node.ordering.see.rule),
            parts=tuple(self._part(part) for part in node.parts),
        )

    def _part(self, part: PagePart) -> PagePart:
        def woven(choice: Choice) -> Choice:
            return Choice(self._rows(choice.rows), self.object(choice.obj))

        return replace(
            part,
            parts=tuple(self._part(inner) for inner in part.parts),
            choices=tuple(woven(each) for each in part.choices),
        )

    def _conditions(self, conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
        return tuple(
            replace(
                each,
                gate=self._look(each.match.see.rule),
                named=self._rows(each.named) if each.named else None,
            )
            for each in conditions
        )

    def _look(self, rule: Rule) -> Gate:
        gate = settle(rule, self.profile)
        if isinstance(gate, Shut):
            raise OperationRefused("FORBIDDEN_FILTER", "A filter or an order looks at a field that is not for you.")
        return gate
