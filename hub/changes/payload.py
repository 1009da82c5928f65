"""The answer to a mutation: plain values as the service told them, records as a query of their own.

The selection beneath each record of a payload is put under `node(id:)` in a query, with the fragments and variables it
uses, and answered by the planner like any other: same rules, same withholding, same bounds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from uuid import UUID

from graphql import get_named_type
from strawberry.schema.schema_converter import GraphQLCoreConverter

from hub.changes.machine import Change
from hub.planner.beneath import Beneath, query_for
from hub.planner.catalogue import Catalogue
from hub.planner.document import Prepared
from hub.planner.ir import Shut
from hub.planner.selection import Collector, Selected
from hub.planner.weave import settle
from schema.access import AccessProfile
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
        self._response = change.selected.response
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
        records, variables, aliases = [], {}, {}
        for number, each in enumerate(field for field in self._fields if self._shown(field)):
            internal = self._outcome.shown.get(each.name)
            if internal is None:
                continue
            name, record = self._record(each)
            beneath = Beneath(f"{_ALIAS}{number}", name, each.below)
            records.append(beneath)
            variables[beneath.variable] = show(record, internal)
            aliases[each.response] = beneath.alias
        if not records:
            return Reading("", {}, {})
        document, mine = query_for(records, self._prepared, given)
        return Reading(document, variables | mine, aliases)

    def withheld(self, profile: AccessProfile) -> list[dict[str, Any]]:
        """Tell which records are of a type that is not for the viewer, whether there is one or not.

        Args:
            profile: of who changed it.
        """
        told = []
        for each in filter(self._shown, self._fields):
            _, record = self._record(each)
            gate = settle(record.see.rule, profile)
            if isinstance(gate, Shut):
                path = [self._response, each.response]
                told.append({"path": path, "category": record.see.category.name, "code": gate.code})
        return told

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

    def _record(self, field: Selected) -> tuple[str, Record]:
        """Name the type of a field that shows a record, and give the record."""
        named = get_named_type(self._catalogue.object(self._outcome.type).fields[field.name].type)
        record = self._catalogue.types[named.name].record
        assert record is not None
        return named.name, record

    def _shown(self, field: Selected) -> bool:
        if field.name == "__typename":
            return False
        definition = self._catalogue.object(self._outcome.type).fields[field.name]
        metadata = definition.extensions[_BACKREF].metadata
        return isinstance(metadata.get(PAYLOAD), Shown)
