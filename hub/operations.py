"""One GraphQL request, from text to result: plan, one statement, finish. There is no other way to an answer.

The statement's bytes become the answer's `data` as they are; `extensions` and `errors` are written around them. What
concerns persons goes through a door of its own, which may add to the audit what the statement says of itself.
"""

import asyncio
import json
from binascii import a2b_base64
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, Protocol
from uuid import UUID
from weakref import WeakValueDictionary

import msgspec

from hub import log
from hub.auth.errors import TokenDenied
from hub.changes import Changes
from hub.changes.payload import Payload, Show
from hub.clock import Clock, SystemClock
from hub.consent import Acting
from hub.errors import HubError, StoreUnavailable
from hub.planner import Asked, Limits, OperationRefused, Planner
from hub.planner.bind import Veil
from hub.planner.finish import Finished, PromiseBroken, finish, withheld_json
from hub.planner.following import ALIAS, Following, follow
from hub.planner.json_text import DENIED
from hub.planner.planner import Bound, ChangeAsked, Lru, Plan, StreamAsked
from hub.store.sealed import Place, SealBroken, Sealing, WrappedKey
from schema.access import ANONYMOUS, AccessProfile
from schema.root import SCHEMA
from schema.source import Record
from schema.tables.base import table_of

_DENIED: Final = DENIED.encode()
CHANGE_COST: Final = 10
"""What a change costs, apart from what is read beneath it."""
STREAM_ONLY: Final = "STREAM_ONLY"
"""The code of a subscription that came where answers are told at once."""
STREAMS_HERE: Final = "SUBSCRIPTIONS_ONLY"
"""The code of what is no subscription and came where only those may come."""
_THERE: Final = "query($id: ID!) { node(id: $id) { ... on ReferralEvent { id } } }"
READING_PRICE: Final = 50
"""What reading a document costs that is not known yet, whatever comes of it."""
CHARACTERS_FOR_ONE: Final = 10
"""Of a document, read for the price of one object more."""
_PLANNING: Final = ThreadPoolExecutor(2, "planning")
"""It is work for the processor alone: more threads would only keep the loop waiting."""
KNOWN_MOST: Final = 4_096
KNOWN_BYTES_MOST: Final = 4_096
"""Longest request that is known again."""


class TextReader(Protocol):
    """Runs one statement that answers with one text."""

    async def fetch_text(self, sql: str, args: Sequence[object] = ()) -> bytes | None:
        """Run it and give the text as UTF-8."""
        ...


@dataclass(frozen=True, slots=True)
class Persons:
    """What it takes to answer about persons."""

    reader: TextReader
    """Runs statements that also leave a leaf in the audit."""
    sealing: Sealing
    veil: Veil


@dataclass(slots=True)
class Answer:
    """A whole response body. `code` is None when there are data, else the code of the first error."""

    body: bytes
    code: str | None
    cost: int = 0
    work: int = field(default=0, compare=False)
    """What reading and planning took where they were new, in the units of cost: who asks pays for it, once."""

    @property
    def price(self) -> int:
        """Tell what is to be paid."""
        return self.cost + self.work


@dataclass(frozen=True, slots=True)
class Known:
    """A request that came before: its plan, and what it brings each time."""

    bound: Bound
    tell_cost: bool
    digest: bytes
    """Of the document, as the audit names operations; empty where no person is read about."""


class Operations:
    """Answers operations from one database."""

    def __init__(
        self,
        *,
        reader: TextReader,
        clock: Clock | None = None,
        planner: Planner | None = None,
        changes: Changes | None = None,
        persons: Persons | None = None,
    ) -> None:
        """Take what answers; without `changes` nothing can be changed, without `persons` nothing is told of any."""
        self._changes: Final = changes
        self._reader: Final = reader
        self._persons: Final = persons
        self._veil: Final = None if persons is None else persons.veil
        self._clock: Final = clock or SystemClock()
        self.planner: Final = planner or Planner(SCHEMA, Limits())
        self._turns: Final = _Turns()
        self._known: Final[Lru[tuple[object, ...], Known]] = Lru(KNOWN_MOST)

    def known(self, request: bytes, profile: AccessProfile) -> Known | None:
        """Find what this request, byte for byte, was understood as before. Who asks counts, as in plans."""
        return self._known.get((request, profile.shape))

    async def again(self, known: Known, profile: AccessProfile, request_id: str = "") -> Answer:
        """Answer a request that came before, with the rules, the viewer, the clock and the data of now."""
        try:
            bound = known.bound
            if bound.plan.moves:
                asked = Asked(profile, self._clock.now(), self._veil, known.digest, request_id)
                bound = self.planner.bound_again(bound, asked)
            return await self._answer(bound, profile, tell_cost=known.tell_cost)
        except HubError as error:
            return _refusal(error)

    async def execute(
        self,
        document: str,
        *,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
        profile: AccessProfile = ANONYMOUS,
        tell_cost: bool = False,
        request: bytes = b"",
        request_id: str = "",
        may_change: bool = True,
        quiet: bool = False,
    ) -> Answer:
        """Answer one operation.

        Args:
            document: GraphQL text.
            variables: as the client sent them.
            operation_name: which operation of the document.
            profile: who asks.
            tell_cost: whether to write `extensions.cost`.
            request: all of the above but the profile as it came, to be known when it comes again.
            request_id: as the log and the audit are to name the request; one is made up where there is none.
            may_change: whether it came in a way in which changes may come.
            quiet: whether it is the hub that asks, and an answer that tells of nobody leaves no word in the audit.

        Returns:
            an answer also when the operation is refused or the database fails; unexpected errors are raised. A
            subscription is refused with `STREAM_ONLY`: who can tell it as it happens calls `follow` then.
        """
        price = 0
        try:
            digest = sha256(document.encode()).digest()
            asked = Asked(profile, self._clock.now(), self._veil, digest, request_id, quiet)
            given = (document, operation_name, variables or {}, asked)
            bound = self.planner.find(*given)
            if bound is None:
                price = 0 if self.planner.knows(document, operation_name) else reading_price(document)
                found, work = await self._planned(given)
                price += work
                if isinstance(found, OperationRefused):
                    raise found
                bound = found
            if request and len(request) <= KNOWN_BYTES_MOST and not bound.plan.introspects:
                kept = digest if bound.plan.private else b""
                self._known.put((request, profile.shape), Known(bound.kept(), tell_cost, kept))
            answer = await self._answer(bound, profile, tell_cost=tell_cost)
        except StreamAsked as stream:
            self.planner.keep_change(stream)
            answer = _refusal(
                OperationRefused(
                    STREAM_ONLY, "Send subscriptions by POST, accepting text/event-stream, or by WebSocket."
                )
            )
        except ChangeAsked as change:
            self.planner.keep_change(change)
            if may_change:
                acting = Acting(profile, self._clock.now(), request_id)
                answer = await self._change(change, variables or {}, acting)
            else:
                answer = _refusal(OperationRefused("CHANGE_BY_GET", "Changes are sent by POST."))
        except HubError as error:
            answer = _refusal(error)
        answer.work += price
        return answer

    async def _planned(
        self, given: tuple[str, str | None, Mapping[str, Any], Asked]
    ) -> tuple[Bound | OperationRefused, int]:
        """Plan an operation, one at a time for each body, and keep the plan; tell the price of that.

        It is milliseconds of work and more: beside the loop, so that requests under way are not kept waiting, and in
        threads of its own, so that changes are not.
        """
        profile = given[-1].profile
        async with self._turns.of(profile.organisation_id or profile.account_id or profile.client):
            bound = self.planner.find(*given)
            if bound is not None:
                # Somebody else of the body has asked the same meanwhile.
                return bound, 0
            made = await asyncio.get_running_loop().run_in_executor(_PLANNING, self.planner.make, *given)
            self.planner.keep(made)
            return made.bound, made.price

    # ---- Subscriptions -----------------------------------------------------------------------------------------------

    def follow(
        self, document: str, variables: Mapping[str, Any], operation_name: str | None, profile: AccessProfile
    ) -> Following:
        """Understand a subscription, which `execute` knew as one.

        Raises:
            OperationRefused: it cannot be followed.
        """
        prepared = self.planner.prepared(document, operation_name)
        return follow(prepared, prepared.coerce(variables), variables, profile, self.planner.catalogue)

    async def followed(
        self, document: str, variables: Mapping[str, Any], operation_name: str | None, profile: AccessProfile
    ) -> Following:
        """Understand what came where only subscriptions may come; nothing else is run.

        Raises:
            OperationRefused: it is no subscription, or cannot be followed.
        """
        prepared = await asyncio.to_thread(self.planner.prepared, document, operation_name)
        if not prepared.subscribes:
            raise OperationRefused(STREAMS_HERE, "Only subscriptions come by WebSocket. Send all else by POST.")
        self.planner.keep_change(StreamAsked((document, operation_name), prepared))
        return self.follow(document, variables, operation_name, profile)

    def shown(self, type_name: str, internal: UUID, profile: AccessProfile) -> str:
        """Give the global id under which a viewer knows a record."""
        record = self.planner.catalogue.types[type_name].record
        assert record is not None
        return self._show(profile)(record, internal)

    async def happened(
        self, following: Following, event: str, profile: AccessProfile, request_id: str
    ) -> tuple[Answer | None, int]:
        """Read one event for its viewer, as any query would; None where it is not theirs. The cost comes along.

        Of what is not theirs they are told by no other way either: it costs them nothing, leaves no word in their own
        log, and where it cannot be read that is not said.

        Args:
            following: the subscription.
            event: global id.
            profile: who listens, as of now.
            request_id: as the audit is to name it.
        """
        variables = {**following.variables, following.variable: event}
        read = await self.execute(
            following.document, variables=variables, profile=profile, request_id=request_id, quiet=True
        )
        if read.code is not None:
            return (read, read.price) if await self._theirs(event, profile, request_id) else (None, 0)
        found = json.loads(read.body)
        record = found["data"][ALIAS]
        if record is None:
            return None, 0
        body = {"data": {following.response: record}} | _moved(found, following.response, {})
        return Answer(_dumps(body), None, read.cost), read.price

    async def _theirs(self, event: str, profile: AccessProfile, request_id: str) -> bool:
        """Tell whether an event that could not be read is the listener's; so is one of which that cannot be known."""
        read = await self.execute(_THERE, variables={"id": event}, profile=profile, request_id=request_id, quiet=True)
        return read.code is not None or json.loads(read.body)["data"]["node"] is not None

    def withheld(self, following: Following) -> Answer:
        """Answer a subscription that a rule shut."""
        told = [{"path": [following.response], "category": following.category, "code": following.withheld}]
        return Answer(_dumps({"data": {following.response: None}, "extensions": {"withheld": told}}), None, CHANGE_COST)

    @staticmethod
    def refused(error: HubError) -> Answer:
        """Write an error as an answer."""
        return _refusal(error)

    async def _change(self, asked: ChangeAsked, variables: Mapping[str, Any], acting: Acting) -> Answer:
        """Make a change, then read what is selected beneath it."""
        try:
            if self._changes is None:
                raise OperationRefused("OPERATION_NOT_SUPPORTED", "Nothing can be changed here.")
            values = asked.prepared.coerce(variables)
            digest = sha256(asked.name[0].encode()).digest()
            change = await self._changes.run(asked.prepared, values, variables, acting, digest)
        except HubError as error:
            return _refusal(error)
        response = change.selected.response
        data: dict[str, Any] = dict.fromkeys(change.order, "Mutation")
        if change.outcome is None:
            withheld = [{"path": [response], "category": change.category, "code": change.withheld}]
            data[response] = None
            return Answer(_dumps({"data": data, "extensions": {"withheld": withheld}}), None, CHANGE_COST)
        payload = Payload(change, asked.prepared, values, self.planner.catalogue)
        reading = payload.reading(variables, self._show(acting.profile))
        body: dict[str, Any] = {}
        cost, work = CHANGE_COST, 0
        records: dict[str, Any] = {}
        if reading.document:
            read = await self.execute(
                reading.document,
                variables=reading.variables,
                profile=acting.profile,
                request_id=acting.request_id,
            )
            found, cost, work = json.loads(read.body), cost + read.cost, read.work
            shown = found.get("data") or {}
            records = {name: shown.get(alias) for name, alias in reading.aliases.items()}
            body = _moved(found, response, {alias: name for name, alias in reading.aliases.items()})
        data[response] = payload.written(records)
        withheld = payload.withheld(acting.profile)
        if withheld:
            body.setdefault("extensions", {}).setdefault("withheld", []).extend(withheld)
        return Answer(_dumps({"data": data} | body), None, cost, work)

    def _show(self, profile: AccessProfile) -> Show:
        """Give what writes the global ids under which a viewer knows records."""

        def show(record: Record, internal: UUID) -> str:
            if not record.veiled:
                return f"{record.code}_{internal}"
            if self._veil is None:
                raise StoreUnavailable("there is no door to data of persons")
            return f"{record.code}_{self._veil.hide(profile.audience, record.code, internal)}"

        return show

    async def _answer(self, bound: Bound, profile: AccessProfile, *, tell_cost: bool) -> Answer:
        plan = bound.plan
        text = await self._door(plan).fetch_text(plan.sql, bound.arguments)
        if text == _DENIED:
            raise TokenDenied
        if text is None:
            raise PromiseBroken
        if plan.bare and not tell_cost and b"\x01" not in text:
            return Answer(b"".join((b'{"data":', text, b"}")), None, bound.cost)
        hands = _Hands(plan, self._persons, profile.audience) if plan.private and self._persons else None
        finished = finish(text, hands, plan.sealed)
        return Answer(_written(bound, finished, tell_cost=tell_cost), None, bound.cost)

    def _door(self, plan: Plan) -> TextReader:
        if not plan.private:
            return self._reader
        if self._persons is None:
            raise StoreUnavailable("there is no door to data of persons")
        return self._persons.reader


class _Turns:
    """Lets each take one turn at a time: who asks for much waits for itself, not the others for it."""

    def __init__(self) -> None:
        self._locks: Final[WeakValueDictionary[object, asyncio.Lock]] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, who: object) -> AsyncIterator[None]:
        """Wait for a turn, and hold it."""
        lock = self._locks.get(who)
        if lock is None:
            lock = self._locks[who] = asyncio.Lock()
        async with lock:
            yield


class _Hands:
    """Turns the marks of one answer about persons into what its viewer reads."""

    def __init__(self, plan: Plan, persons: Persons, audience: str) -> None:
        self._plan = plan
        self._persons = persons
        self._audience = audience
        self._uuids: dict[bytes, UUID] = {}
        """The envelopes of one file lie under the same ids."""

    def id(self, code: str, internal: bytes) -> str:
        return str(self._persons.veil.hide(self._audience, code, self._uuid(internal)))

    def _uuid(self, text: bytes) -> UUID:
        known = self._uuids.get(text)
        if known is None:
            known = self._uuids[text] = UUID(text.decode())
        return known

    def code_name(self, internal: bytes) -> str:
        return self._persons.veil.code_name(self._audience, self._uuid(internal))

    def cursor(self, plain: str) -> str:
        return self._persons.veil.hide_cursor(self._audience, plain)

    def open(self, number: int, parts: Sequence[bytes]) -> bytes | None:
        envelope = self._plan.envelopes[number]
        case, subject, version, kek, wrapped, sealed = parts
        key = WrappedKey(self._uuid(subject), int(kek), a2b_base64(wrapped))
        place = Place(table_of(envelope.source.row).name, "sealed", self._uuid(case), int(version), key.subject)
        try:
            content = self._persons.sealing.open_content(a2b_base64(sealed), key, place)
        except SealBroken:
            # Somebody changed the database, or it is not the one of this root key.
            log.logger().error("sealed.not_opened", table=place.table)
            return None
        return msgspec.json.encode(self._plan.writers[number](content))


def reading_price(document: str) -> int:
    """Tell what reading a document costs that is not known yet."""
    return READING_PRICE + len(document) // CHARACTERS_FOR_ONE


def _moved(found: Mapping[str, Any], response: str, names: Mapping[str, str]) -> dict[str, Any]:
    """Give the errors and extensions of what was read, with paths as the mutation's client knows them."""

    def at(entry: Mapping[str, Any]) -> dict[str, Any]:
        first, *rest = entry.get("path") or [None]
        return {**entry, "path": [response, *([names[first]] if first in names else []), *rest]}

    moved: dict[str, Any] = {}
    if "errors" in found:
        moved["errors"] = [at(entry) for entry in found["errors"]]
    withheld = (found.get("extensions") or {}).get("withheld")
    if withheld:
        moved["extensions"] = {"withheld": [at(entry) for entry in withheld]}
    return moved


def _refusal(error: HubError) -> Answer:
    if isinstance(error, OperationRefused):
        return Answer(_dumps({"errors": error.formatted()}), error.reason_code)
    code = error.code.upper()
    return Answer(_dumps({"errors": [{"message": error.public, "extensions": {"code": code}}]}), code)


def _written(bound: Bound, finished: Finished, *, tell_cost: bool) -> bytes:
    """Write the body around the data."""
    plan = bound.plan
    body = b'{"data":' + finished.data
    if finished.missing:
        body += b',"errors":' + _dumps([_not_found(plan.entities[field], index) for field, index in finished.missing])
    extensions = []
    withheld = plan.static_withheld or withheld_json(plan.withheld, finished.counts)
    if withheld:
        extensions.append(f'"withheld":{withheld}')
    if tell_cost:
        extensions.append(f'"cost":{bound.cost}')
    if extensions:
        body += b',"extensions":{' + ",".join(extensions).encode() + b"}"
    return body + b"}"


def _not_found(response: str, index: int) -> dict[str, object]:
    return {
        "message": "No such entity, or it is not for you.",
        "path": [response, index],
        "extensions": {"code": "ENTITY_NOT_FOUND"},
    }


def _dumps(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
