"""The answer to a mutation: plain values as the service told them, records as a query of their own.

The selection beneath each record of a payload is put under `node(id:)` in a query, with the fragments and variables it
uses, and answered by the planner like any other: same rules, same withholding, same bounds.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from uuid import UUID

from graphql import (
    FragmentDefinitionNode,
    FragmentSpreadNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    get_named_type,
    print_ast,
    visit,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter

from hub.changes.machine import Change
from hub.planner.catalogue import Catalogue
from hub.planner.document import Prepared
from hub.planner.selection import Collector, Selected
from schema.changes import PAYLOAD, Shown
from schema.source import Record

_ALIAS: Final = "shown"
_BACKREF: Final = GraphQLCoreConverter.DEFINITION_BACKREF
Show: TypeAlias = Callable[[Record, UUID], str]
"""Writes the global id under which the viewer knows a record of this sort, by its internal id."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The query that reads the records of a payload; `document` is empty where there are none."""

    document: str
    variables: Mapping[str, Any]
    aliases: Mapping[str, str]
    """By response name in the payload, the response name in this query."""


class Payload:
    """What an operation selects of an outcome."""

    def __init__(self, change: Change, prepared: Prepared, values: Mapping[str, Any], catalogue: Catalogue) -> None:
        assert change.outcome is not None
        self._outcome = change.outcome
        self._prepared = prepared
        self._catalogue = catalogue
        collector = Collector(prepared.schema, prepared.fragments, values)
        self._fields = collector.collect(change.outcome.type, change.selected.below)

    def reading(self, given: Mapping[str, Any], show: Show) -> Reading:
        """Write the query for the records.

        Args:
            given: variables of the mutation, as they came.
            show: writes the global id under which the viewer knows a record.
        """
        roots, variables, aliases, used = [], {}, {}, _Used(self._prepared.fragments)
        for number, each in enumerate(field for field in self._fields if self._shown(field)):
            internal = self._outcome.shown.get(each.name)
            if internal is None:
                continue
            named = get_named_type(self._catalogue.object(self._outcome.type).fields[each.name].type)
            record = self._catalogue.types[named.name].record
            assert record is not None
            below = " ".join(_inside(selections) for selections in each.below)
            roots.append(f"{_ALIAS}{number}: node(id: $the_{_ALIAS}{number}) {{ ... on {named.name} {{ {below} }} }}")
            variables[f"the_{_ALIAS}{number}"] = show(record, internal)
            aliases[each.response] = f"{_ALIAS}{number}"
            used.look(each.below)
        if not roots:
            return Reading("", {}, {})
        definitions = [f"${name}: ID!" for name in variables]
        definitions += [
            print_ast(node)
            for node in self._prepared.operation.variable_definitions or ()
            if node.variable.name.value in used.variables
        ]
        head = f"query({', '.join(definitions)}) {{ {' '.join(roots)} }}"
        fragments = [print_ast(self._prepared.fragments[name]) for name in sorted(used.fragments)]
        mine = {name: given[name] for name in used.variables if name in given}
        return Reading("\n".join([head, *fragments]), variables | mine, aliases)

    def written(self, records: Mapping[str, Any]) -> dict[str, Any]:
        """Put the payload together, in the order asked.

        Args:
            records: by response name, what the query gave.
        """
        values: dict[str, Any] = {}
        for each in self._fields:
            if each.name == "__typename":
                values[each.response] = self._outcome.type
            elif self._shown(each):
                values[each.response] = records.get(each.response)
            else:
                values[each.response] = self._outcome.told[each.name]
        return values

    def _shown(self, field: Selected) -> bool:
        if field.name == "__typename":
            return False
        definition = self._catalogue.object(self._outcome.type).fields[field.name]
        metadata = definition.extensions[_BACKREF].metadata
        return isinstance(metadata.get(PAYLOAD), Shown)


class _Used(Visitor):
    """Which variables and fragments selections use, those of fragments within fragments too."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        super().__init__()
        self._all = fragments
        self.variables: set[str] = set()
        self.fragments: set[str] = set()

    def look(self, sets: Iterable[SelectionSetNode]) -> None:
        """Look through selections."""
        for each in sets:
            visit(each, self)

    def enter_variable(self, node: VariableNode, *_: Any) -> None:  # as graphql-core calls it
        """Note a variable."""
        self.variables.add(node.name.value)

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:  # as graphql-core calls it
        """Note a fragment, and look through it once."""
        name = node.name.value
        if name not in self.fragments:
            self.fragments.add(name)
            visit(self._all[name], self)


def _inside(selections: SelectionSetNode) -> str:
    return " ".join(print_ast(each) for each in selections.selections)
