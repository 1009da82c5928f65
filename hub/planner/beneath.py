"""What is selected beneath a record that somebody else names, as a query of its own: `node(id:)` for each record."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    FragmentDefinitionNode,
    FragmentSpreadNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    print_ast,
    visit,
)

from hub.planner.document import Prepared


@dataclass(frozen=True, slots=True)
class Beneath:
    """A record to read: the alias it gets, its type, and what is selected of it. `$the_<alias>` takes its id."""

    alias: str
    type_name: str
    sets: tuple[SelectionSetNode, ...]

    @property
    def variable(self) -> str:
        """The variable that takes the id."""
        return f"the_{self.alias}"


def query_for(records: Sequence[Beneath], prepared: Prepared, given: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Write the query, with the fragments and variables it uses; give it with those variables that were given.

    Args:
        records: what to read; one at least.
        prepared: the operation that selects it.
        given: its variables, as they came.
    """
    used = _Used(prepared.fragments)
    roots = []
    for each in records:
        used.look(each.sets)
        below = " ".join(_inside(selections) for selections in each.sets)
        roots.append(f"{each.alias}: node(id: ${each.variable}) {{ ... on {each.type_name} {{ {below} }} }}")
    definitions = [f"${each.variable}: ID!" for each in records]
    definitions += [
        print_ast(node)
        for node in prepared.operation.variable_definitions or ()
        if node.variable.name.value in used.variables
    ]
    head = f"query({', '.join(definitions)}) {{ {' '.join(roots)} }}"
    fragments = [print_ast(prepared.fragments[name]) for name in sorted(used.fragments)]
    mine = {name: given[name] for name in used.variables if name in given}
    return "\n".join([head, *fragments]), mine


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
