"""One GraphQL request, from text to result: plan, one statement, finish. There is no other way to an answer.

The statement's bytes become the answer's `data` as they are; `extensions` and `errors` are written around them. What
concerns persons goes through a door of its own, which may add to the audit what the statement says of itself.
"""

import asyncio
import json
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

from hub import log
from hub.clock import Clock, SystemClock
from hub.errors import HubError, StoreUnavailable
from hub.planner import Asked, Limits, OperationRefused, Planner
from hub.planner.bind import Veil
from hub.planner.finish import Finished, PromiseBroken, finish, withheld_json, write
from hub.planner.json_text import DENIED
from hub.planner.planner import Bound, Plan
from hub.store.rows import table_of
from hub.store.sealed import Place, SealBroken, Sealing, WrappedKey
from schema.access import ANONYMOUS, AccessProfile
from schema.root import SCHEMA

_DENIED: Final = DENIED.encode()


class TokenDenied(HubError):
    """The token was good once and is not any more: revoked, or its client or body cut off."""

    code = "TOKEN_DENIED"
    public = "The token is not valid any more."


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


class Operations:
    """Answers operations from one database."""

    def __init__(
        self,
        *,
        reader: TextReader,
        clock: Clock | None = None,
        planner: Planner | None = None,
        persons: Persons | None = None,
    ) -> None:
        """Take what answers; without `persons` nothing is answered about any."""
        self._reader: Final = reader
        self._persons: Final = persons
        self._veil: Final = None if persons is None else persons.veil
        self._clock: Final = clock or SystemClock()
        self.planner: Final = planner or Planner(SCHEMA, Limits())

    async def execute(
        self,
        document: str,
        *,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
        profile: AccessProfile = ANONYMOUS,
        tell_cost: bool = False,
        request_id: str = "",
    ) -> Answer:
        """Answer one operation.

        Args:
            document: GraphQL text.
            variables: as the client sent them.
            operation_name: which operation of the document.
            profile: who asks.
            tell_cost: whether to write `extensions.cost`.
            request_id: as the log and the audit are to name the request; one is made up where there is none.

        Returns:
            an answer also when the operation is refused or the database fails; unexpected errors are raised.
        """
        try:
            asked = Asked(profile, self._clock.now(), self._veil, document, request_id)
            bound = self.planner.find(document, operation_name, variables or {}, asked)
            if bound is None:
                # Milliseconds of work: beside the loop, so that requests under way are not kept waiting.
                made = await asyncio.to_thread(self.planner.make, document, operation_name, variables or {}, asked)
                self.planner.keep(made)
                bound = made.bound
            text = await self._door(bound.plan).fetch_text(bound.plan.sql, bound.arguments)
            if text == _DENIED:
                raise TokenDenied
        except OperationRefused as refusal:
            errors = refusal.formatted()
            return Answer(_dumps({"errors": errors}), refusal.reason_code)
        except HubError as error:
            code = error.code.upper()
            return Answer(_dumps({"errors": [{"message": error.public, "extensions": {"code": code}}]}), code)
        if text is None:
            raise PromiseBroken
        plan = bound.plan
        if not plan.withheld and not plan.entities and not tell_cost and b"\x01" not in text:
            return Answer(b'{"data":%b}' % text, None, bound.cost)
        hands = _Hands(plan, self._persons, profile.audience) if plan.private and self._persons else None
        finished = finish(text, hands, plan.sealed)
        return Answer(_written(bound, finished, tell_cost=tell_cost), None, bound.cost)

    def _door(self, plan: Plan) -> TextReader:
        if not plan.private:
            return self._reader
        if self._persons is None:
            raise StoreUnavailable("there is no door to data of persons")
        return self._persons.reader


class _Hands:
    """Turns the marks of one answer about persons into what its viewer reads."""

    def __init__(self, plan: Plan, persons: Persons, audience: str) -> None:
        self._plan = plan
        self._persons = persons
        self._audience = audience

    def id(self, code: str, internal: UUID) -> str:
        return str(self._persons.veil.hide(self._audience, code, internal))

    def cursor(self, plain: str) -> str:
        return self._persons.veil.hide_cursor(self._audience, plain)

    def open(self, number: int, parts: Sequence[bytes]) -> bytes | None:
        envelope = self._plan.envelopes[number]
        case, subject, version, kek, wrapped, sealed = parts
        key = WrappedKey(UUID(subject.decode()), int(kek), b64decode(wrapped))
        place = Place(table_of(envelope.source.row).name, "sealed", UUID(case.decode()), int(version), key.subject)
        try:
            content = self._persons.sealing.open_content(b64decode(sealed), key, place)
        except SealBroken:
            # Somebody changed the database, or it is not the one of this root key.
            log.logger().error("sealed.not_opened", table=place.table)
            return None
        return json.dumps(write(envelope.obj, content), ensure_ascii=False, separators=(",", ":")).encode()


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
