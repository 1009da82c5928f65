"""Rules woven in: every field, row and condition gets its gate, settled for one access profile.

Scope and relation are settled here and now; what the row decides stays as a rule for lowering to turn into SQL. A shut
field becomes null before any SQL is made, so that nothing of it is read; a shut filter refuses the operation.
"""

from dataclasses import replace
from typing import Final, assert_never

from hub.planner.ir import (
    Bounded,
    Choice,
    Condition,
    Content,
    Envelope,
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
    Reading,
    RowRule,
    Rows,
    Several,
    Shut,
    Single,
    Text,
    Told,
    When,
    Withheld,
)
from hub.planner.refused import OperationRefused
from schema.access import (
    AccessProfile,
    AllOf,
    AnyOf,
    Anyone,
    Consented,
    Linked,
    Own,
    Related,
    RowIs,
    Rule,
    Scoped,
    Unsealed,
)
from schema.vocabulary import Category

_OPEN_CATEGORIES: Final = frozenset({Category.PUBLIC, Category.NETWORK})
_STAGES: Final = ("SCOPE", "RELATION", "CONSENT", "RULE", "SEALED")
"""Reasons in the order in which rules are asked."""


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
        case RowIs() | Consented() | Unsealed():
            return When(rule)
        case Linked():
            return _linked(rule, profile)
        case AllOf(rules):
            return _all([settle(each, profile) for each in rules])
        case AnyOf(rules):
            return _any([settle(each, profile) for each in rules])
        case _:
            assert_never(rule)


def _linked(rule: Linked, profile: AccessProfile) -> Gate:
    """Settle the rule of the other row; that there is such a row is always for the database to say."""
    match settle(rule.rule, profile):
        case Shut():
            return Shut(rule.code)
        case When(left):
            return When(replace(rule, rule=left))
        case Open():
            return When(replace(rule, rule=Anyone()))


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
        # The one that came furthest gives the reason.
        return max((gate for gate in gates if isinstance(gate, Shut)), key=lambda gate: _STAGES.index(gate.code))
    return When(left[0] if len(left) == 1 else AnyOf(left))


def reasons(rule: RowRule) -> tuple[tuple[str, RowRule], ...]:
    """Take what the row decides apart into conditions that are asked in turn, each with the reason it gives.

    Of alternatives the last gives the reasons: the others stand beside each of its conditions.
    """
    match rule:
        case Consented():
            return (("CONSENT", rule),)
        case Unsealed():
            return (("SEALED", rule),)
        case Linked(code=code):
            return ((code, rule),)
        case AllOf(rules):
            return tuple(each for inner in rules for each in reasons(row_rule(inner)))
        case AnyOf(rules):
            others = rules[:-1]
            return tuple((code, AnyOf((*others, each))) for code, each in reasons(row_rule(rules[-1])))
        case _:
            return (("RELATION", rule),)


def row_rule(rule: Rule) -> RowRule:
    """Take a rule for one that the row decides, as all are after settling."""
    assert isinstance(rule, Own | RowIs | Linked | Consented | Unsealed | AllOf | AnyOf)
    return rule


def weave(operation: Operation, profile: AccessProfile) -> Operation:
    """Settle every rule of an operation for one profile.

    Raises:
        OperationRefused: FORBIDDEN_FILTER, when a filter or an order looks at what the profile may not see; the code of
            a fault that is not withheld.
    """
    weaver = _Weaver(profile)
    root = weaver.object(operation.root)
    withheld = sorted(weaver.withheld.values(), key=lambda each: each.path)
    return Operation(root, tuple(withheld), deniable=bool(profile.subjects), reading=weaver.reading())


class _Weaver:
    """Weaves one operation, noting what is withheld."""

    def __init__(self, profile: AccessProfile) -> None:
        self.profile = profile
        self.withheld: dict[tuple[tuple[str, ...], str], Withheld] = {}
        self.private = False
        self.lists: dict[str, Told] = {}
        self.always: dict[str, Told] = {}
        self.by_row: dict[tuple[tuple[str, ...], str], list[Told]] = {}
        self.beneath: list[Told] | None = None
        self.never: dict[str, Told] = {}

    def reading(self) -> Reading | None:
        """Give what the audit is to be told."""
        if not self.private:
            return None
        lists, always, never = (tuple(each.values()) for each in (self.lists, self.always, self.never))
        return Reading(lists, always, self.by_row, never)

    def object(self, obj: Obj) -> Obj:
        return replace(obj, fields=tuple(self._field(obj.type_name, field) for field in obj.fields))

    def _field(self, parent: str, field: Field) -> Field:
        gate = settle(field.access.rule, self.profile)
        match gate:
            case Shut(code):
                self._withhold(field, code, by_row=False)
            case When(rule):
                for code, _ in reasons(rule):
                    self._withhold(field, code, by_row=True)
            case Open():
                pass
        around = self.beneath
        self.beneath = self._tell(parent, field, gate)
        node = Nothing() if isinstance(gate, Shut) else self._node(field.node)
        self.beneath = around
        return replace(field, gate=gate, node=node)

    def _withhold(self, field: Field, code: str, *, by_row: bool) -> None:
        entry = Withheld(field.path, field.access.category.name, code, by_row=by_row)
        self.withheld.setdefault((field.path, code), entry)

    def _tell(self, parent: str, field: Field, gate: Gate) -> list[Told] | None:
        """Note a field for the audit, in case that data of persons are read; give where fields beneath are noted."""
        category = field.access.category
        if category in _OPEN_CATEGORIES or isinstance(field.node, Mine) or parent == "Viewer":
            return self.beneath
        told = Told(f"{parent}.{field.name}", category.value)
        match gate:
            case Shut():
                self.never[told.coordinate] = told
            case When():
                noted = self.by_row.setdefault((field.path, told.coordinate), [])
                noted.append(told)
                return noted
            case Open() if self.beneath is not None:
                self.beneath.append(told)
            case Open():
                (self.lists if isinstance(field.node, Paged) else self.always)[told.coordinate] = told
        return self.beneath

    def _node(self, node: Node) -> Node:
        match node:
            case Leaf() | Text() | Nothing():
                return node
            case Fault(code, message):
                raise OperationRefused(code, message)
            case Nested() | Mine():
                return replace(node, obj=self.object(node.obj))
            case Envelope():
                return replace(node, obj=self._within(node.obj)) if node.obj else node
            case Content(obj=inner):
                return replace(node, obj=self._within(inner)) if inner else node
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

    def _within(self, obj: Obj) -> Obj:
        """Weave an object within an envelope: no row is there to decide on it."""
        woven = self.object(obj)
        assert not any(isinstance(field.gate, When) for field in woven.fields), obj.type_name
        return woven

    def _rows(self, rows: Rows) -> Rows:
        record = rows.record
        gate = settle(AllOf((record.see.rule, record.rows)), self.profile)
        self.private = self.private or (record.private and not isinstance(gate, Shut))
        return replace(rows, gate=gate)

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
