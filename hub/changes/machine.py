"""Runs one mutation: rule, arguments, key, service, audit leaf, all of it in one transaction or none of it.

The key is written first, so that of two requests with the same key at the same instant the second waits for the first
and then tells what came of that one. A change that was refused leaves nothing behind, its key neither.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any, Final, Protocol
from uuid import UUID

from graphql import (
    GraphQLError,
    GraphQLUnionType,
    Undefined,
    ValueNode,
    get_named_type,
    value_from_ast,
    value_from_ast_untyped,
)
from sqlalchemy import Connection, Engine, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from strawberry.federation import Schema
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import convert_argument
from strawberry.types.field import StrawberryField

from connectors.jose import encoded
from hub.auth.denials import denied
from hub.auth.errors import TokenDenied
from hub.changes.outcome import Outcome, problem
from hub.consent import Acting
from hub.errors import HubError
from hub.planner.catalogue import Catalogue, FieldInfo
from hub.planner.document import Prepared
from hub.planner.ir import Open, Shut
from hub.planner.refused import OperationRefused
from hub.planner.selection import Collector, Selected
from hub.planner.weave import settle
from schema.access import AccessProfile
from schema.tables import AuditLeafRow, ChangeKeyRow
from schema.tables.base import table_of
from schema.vocabulary import AuditKind, Category

KEY_DAYS: Final = 30
KEY_LETTERS: Final = range(8, 201)
_BACKREF: Final = GraphQLCoreConverter.DEFINITION_BACKREF
_KEYS: Final = table_of(ChangeKeyRow)
_LEAVES: Final = table_of(AuditLeafRow)


class KeyReused(HubError):
    """The idempotency key was used with another input."""

    code = "key_reused"
    public = "This idempotency key was used with another input."
    path = ("idempotencyKey",)


class KeyRefused(HubError):
    """The idempotency key is none."""

    code = "key_invalid"
    public = "An idempotency key has 8 to 200 plain letters."
    path = ("idempotencyKey",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a service did: the records its payload shows, and what the audit has to know."""

    shown: Mapping[str, UUID | None]
    told: Mapping[str, Any] | None = None
    subjects: tuple[UUID, ...] = ()
    categories: tuple[Category, ...] = ()


class Service(Protocol):
    """Does what a mutation asks for, within the transaction given to it."""

    def __call__(self, connection: Connection, acting: Acting, given: Any, /) -> Done:  # Any: the input's own class
        """Do it.

        Raises:
            HubError: it is not done, and nothing is.
        """
        ...


@dataclass(frozen=True, slots=True)
class Attested:
    """A service whose input carries a token that somebody signed.

    It is verified before the transaction, which must not wait for its writer's keys. What was found is given to the
    service; why the token is not to be believed counts only where the key was not used before.
    """

    verify: Callable[[AccessProfile, Any], Awaitable[Any]]  # Any: the input's own class; what was signed
    service: Callable[[Connection, Acting, Any, Any], Done]


@dataclass(frozen=True, slots=True)
class Change:
    """A mutation that was run, with what its selection asks for. `outcome` is None where the rule shut it."""

    selected: Selected
    order: tuple[str, ...]
    """Response names of the operation; those besides the mutation ask for `__typename`."""
    outcome: Outcome | None
    withheld: str = ""
    """The code of the rule that shut it."""
    category: str = ""


class Changes:
    """Runs mutations of one schema."""

    def __init__(
        self,
        engine: Engine,
        schema: Schema,
        catalogue: Catalogue,
        services: Mapping[str, Service | Attested],
        mark: Callable[[str, str], bytes],
    ) -> None:
        """Take what writes, the schema, a service for each mutation by its name in the graph, and `Sealing.mark`.

        Raises:
            AssertionError: a mutation has no service, or a service no mutation.
        """
        self._engine: Final = engine
        self._schema: Final = schema
        self._catalogue: Final = catalogue
        self._services: Final = services
        self._mark: Final = mark
        fields = catalogue.types["Mutation"].fields
        assert fields.keys() == services.keys(), fields.keys() ^ services.keys()

    async def run(
        self,
        prepared: Prepared,
        values: Mapping[str, Any],
        variables: Mapping[str, Any],
        acting: Acting,
        operation_hash: bytes,
    ) -> Change:
        """Run the one mutation of an operation, its transaction beside the event loop.

        Args:
            prepared: the operation.
            values: its variables as values.
            variables: the same as they were sent.
            acting: who asks.
            operation_hash: of the document, for the audit.

        Raises:
            OperationRefused: ONE_CHANGE, BAD_USER_INPUT.
            TokenDenied: the token is not good any more.
            HubError: the hub is in trouble.
        """
        selected, order = self._one(prepared, values)
        info = self._catalogue.types["Mutation"].fields[selected.name]
        gate = settle(info.access.rule, acting.profile)
        if isinstance(gate, Shut):
            return Change(selected, order, None, gate.code, info.access.category.name)
        assert isinstance(gate, Open), "a mutation has no row that could decide"
        node = _input(selected)
        raw = self._argument(info, node, values)
        acting = replace(acting, said=_digest(value_from_ast_untyped(node, dict(variables))))
        do = await self._service(info, raw, acting)
        outcome = await asyncio.to_thread(self._done, info, raw, acting, operation_hash, do)
        return Change(selected, order, outcome)

    async def _service(
        self, info: FieldInfo, raw: dict[str, Any], acting: Acting
    ) -> Callable[[Connection, Acting], Done]:
        """Give what is to be done within the transaction; what was signed is verified before."""
        service, given = self._services[info.name], self._typed(info, raw)
        if not isinstance(service, Attested):
            return lambda connection, acting: service(connection, acting, given)
        try:
            evidence = await service.verify(acting.profile, given)
        except HubError as error:
            return partial(_refused, error)
        return lambda connection, acting: service.service(connection, acting, given, evidence)

    def _one(self, prepared: Prepared, values: Mapping[str, Any]) -> tuple[Selected, tuple[str, ...]]:
        collector = Collector(prepared.schema, prepared.fragments, values)
        fields = collector.collect("Mutation", [prepared.operation.selection_set])
        changes = [each for each in fields if each.name != "__typename"]
        if len(changes) != 1:
            raise OperationRefused("ONE_CHANGE", "An operation makes one change; send others on their own.")
        return changes[0], tuple(each.response for each in fields)

    def _argument(self, info: FieldInfo, node: ValueNode, values: Mapping[str, Any]) -> dict[str, Any]:
        argument = self._catalogue.object("Mutation").fields[info.name].args["input"]
        try:
            raw = value_from_ast(node, argument.type, dict(values))
        except GraphQLError as error:
            raise OperationRefused("BAD_USER_INPUT", error.message) from error
        if raw is Undefined or not isinstance(raw, dict):
            raise OperationRefused("BAD_USER_INPUT", "The input is missing, or a value of it has another type.")
        return raw

    def _typed(self, info: FieldInfo, raw: dict[str, Any]) -> Any:  # the input's own class
        field: StrawberryField = self._catalogue.object("Mutation").fields[info.name].extensions[_BACKREF]
        (argument,) = field.arguments
        return convert_argument(raw, argument.type, self._schema.schema_converter.scalar_registry, self._schema.config)

    def _done(
        self,
        info: FieldInfo,
        raw: dict[str, Any],
        acting: Acting,
        operation_hash: bytes,
        do: Callable[[Connection, Acting], Done],
    ) -> Outcome:
        key, profile = raw["idempotencyKey"], acting.profile
        try:
            if len(key) not in KEY_LETTERS or not key.isascii() or not key.isprintable():
                raise KeyRefused
            with self._engine.begin() as connection:
                if profile.issued_at is not None and denied(
                    connection, profile.subjects, issued_at=profile.issued_at, now=acting.now
                ):
                    raise TokenDenied
                kept = self._used(connection, info.name, key, raw, acting)
                if kept is not None:
                    return Outcome.again(kept)
                done = do(connection, acting)
                outcome = Outcome(_payload(info), {"replayed": False, **(done.told or {})}, done.shown)
                self._keep(connection, key, outcome, acting)
                connection.execute(insert(_LEAVES).values(_leaf(info, done, acting, operation_hash)))
                return outcome
        except HubError as error:
            found = problem(error)
            if found is None:
                raise
            return found

    def _used(
        self, connection: Connection, name: str, key: str, raw: dict[str, Any], acting: Acting
    ) -> dict[str, Any] | None:
        """Take the key; where it was taken before, give what came of it.

        Raises:
            KeyReused: it was taken with another input.
        """
        digest = self._mark("input", json.dumps([name, raw], sort_keys=True, default=str))
        row = {
            "client": _client(acting.profile),
            "key": self._hidden(key),
            "input_hash": digest,
            "outcome": None,
            "at": acting.now,
        }
        taken = insert(_KEYS).values(row).on_conflict_do_nothing().returning(_KEYS.c.key)
        if connection.execute(taken).first() is not None:
            return None
        same = (_KEYS.c.client == row["client"]) & (_KEYS.c.key == row["key"])
        found = connection.execute(select(_KEYS.c.input_hash, _KEYS.c.outcome).where(same)).one()
        if found.input_hash != digest:
            raise KeyReused
        kept: dict[str, Any] = found.outcome
        return kept

    def _hidden(self, key: str) -> str:
        """Give the mark of a key: part of what a receipt is a digest of, it would let others try what the rest was."""
        return self._mark("key", key).hex()

    def _keep(self, connection: Connection, key: str, outcome: Outcome, acting: Acting) -> None:
        same = (_KEYS.c.client == _client(acting.profile)) & (_KEYS.c.key == self._hidden(key))
        connection.execute(update(_KEYS).where(same).values(outcome=outcome.kept()))


def sweep_keys(connection: Connection, now: datetime) -> None:
    """Forget keys that were used long ago. To be called now and then."""
    connection.execute(delete(_KEYS).where(_KEYS.c.at < now - timedelta(days=KEY_DAYS)))


def _input(selected: Selected) -> ValueNode:
    (node,) = (each for each in selected.nodes[0].arguments or () if each.name.value == "input")
    return node.value


def _digest(given: object) -> str:
    """Digest a value as canonical JSON (RFC 8785).

    Names are ASCII and there are no fractions among inputs, so that sorting and writing are Python's own.
    """
    written = json.dumps(given, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return encoded(sha256(written.encode("utf-8", "surrogatepass")).digest())


def _refused(error: HubError, _connection: Connection, _acting: Acting) -> Done:
    raise error


def _client(profile: AccessProfile) -> str:
    """Tell whose keys they are: people share a client, and bodies a gateway, so each has their own."""
    named = (each.removeprefix("sub:") for each in profile.subjects if each.startswith("sub:"))
    who = profile.account_id or next((each for each in named if each != profile.client), "")
    return f"{profile.client} {who}".strip()


def _payload(info: FieldInfo) -> str:
    """Name the success of a result union: its first member."""
    union = get_named_type(info.type)
    assert isinstance(union, GraphQLUnionType)
    name: str = union.types[0].name
    return name


def _leaf(info: FieldInfo, done: Done, acting: Acting, operation_hash: bytes) -> dict[str, Any]:
    profile = acting.profile
    return {
        "at": acting.now,
        "kind": AuditKind.CHANGE,
        "relation": profile.relation,
        "actor_id": profile.account_id,
        "organisation_id": profile.organisation_id,
        "client": profile.client,
        "purpose": profile.purpose,
        "subjects": list(done.subjects),
        "categories": list(done.categories),
        "fields_returned": [f"Mutation.{info.name}"],
        "fields_withheld": [],
        "request_id": acting.request_id,
        "operation_hash": operation_hash,
    }
